extension Fault {
  /// All that happens to the packets of one direction. Several members at once compose: a packet may be lost, and if not,
  /// is held back, and so on.
  public struct Effect: Sendable, Hashable, Codable {
    /// None passes; nothing else can be asked for beside it.
    public var cut: Refusal?
    /// Some are lost.
    public var loss: Loss?
    /// They are held back.
    public var delay: Delay?
    /// Some overtake those before them; needs a delay, for only what is held back can be overtaken.
    public var reorder: Reorder?
    /// Some arrive twice.
    public var duplicate: Chance?
    /// Some arrive with one bit changed.
    public var corrupt: Chance?
    /// No more than so much passes in a second.
    public var rate: Rate?
    /// Answers of name or time servers say something else, or come late; inbound, and alone.
    public var answers: Answers?

    /// Describes an effect by its parts.
    public init(
      cut: Refusal? = nil, loss: Loss? = nil, delay: Delay? = nil, reorder: Reorder? = nil, duplicate: Chance? = nil,
      corrupt: Chance? = nil, rate: Rate? = nil, answers: Answers? = nil
    ) {
      self.cut = cut
      self.loss = loss
      self.delay = delay
      self.reorder = reorder
      self.duplicate = duplicate
      self.corrupt = corrupt
      self.rate = rate
      self.answers = answers
    }

    /// All packets are thrown away without a word, as by a cut cable.
    public static let drop = Effect(cut: .silence)

    /// True if it does nothing at all.
    public var isEmpty: Bool { self == Effect() }

    /// True if packets pass changed in time, number or content, and are not merely lost.
    public var shapes: Bool { delay != nil || duplicate != nil || corrupt != nil || rate != nil }
  }

  /// What becomes of packets that a cut stops.
  public enum Refusal: Sendable, Hashable, Codable {
    /// They vanish, as by a cut cable.
    case silence
    /// The sender of TCP gets a reset, as firewalls do; packets of other protocols vanish.
    case tcpReset
    /// The sender gets an ICMP error.
    case icmp(ICMPError)
  }

  /// What the sender of a refused packet is told, in the words of its family (RFC 792, RFC 4443).
  public enum ICMPError: String, Sendable, Hashable, Codable, CaseIterable {
    /// Nobody there: EHOSTUNREACH.
    case hostUnreachable
    /// A firewall says no: EHOSTUNREACH for IPv4, EACCES for IPv6.
    case adminProhibited
    /// Nobody listens: ECONNREFUSED.
    case portUnreachable
  }

  /// Something that happens to some packets.
  public struct Chance: Sendable, Hashable, Codable {
    /// To which share of them, 0…1.
    public var probability: Double
    /// How much one packet's fate is that of the one before it, 0…1.
    public var correlation: Double

    /// A share of the packets, drawn independently unless a correlation is given.
    public init(_ probability: Double, correlation: Double = 0) {
      self.probability = probability
      self.correlation = correlation
    }
  }

  /// Packets that are not held back as the others are, and so overtake those before them.
  public struct Reorder: Sendable, Hashable, Codable {
    /// Which share of the packets, 0…1.
    public var probability: Double
    /// How much one packet's fate is that of the one before it, 0…1.
    public var correlation: Double
    /// Only every so many packets one is eligible; 1 for each.
    public var gap: Int

    /// A share of the packets overtakes.
    public init(_ probability: Double, correlation: Double = 0, gap: Int = 1) {
      self.probability = probability
      self.correlation = correlation
      self.gap = gap
    }
  }

  /// A limit of bandwidth: a token bucket.
  public struct Rate: Sendable, Hashable, Codable {
    /// Bytes of packets, link header included, that pass in a second.
    public var bytesPerSecond: UInt64
    /// Bytes that pass at once after a silence; `nil` for what passes in 4 ms, at least two large packets.
    public var burstBytes: UInt32?
    /// Bytes that wait; what comes beyond is lost. `nil` for what passes in 100 ms, at least 64 KiB.
    public var queueBytes: UInt32?

    /// So many bytes a second.
    public init(bytesPerSecond: UInt64, burstBytes: UInt32? = nil, queueBytes: UInt32? = nil) {
      self.bytesPerSecond = bytesPerSecond
      self.burstBytes = burstBytes
      self.queueBytes = queueBytes
    }

    /// The burst, stated or default.
    public var burst: UInt32 { burstBytes ?? UInt32(clamping: max(3028, bytesPerSecond / 250)) }

    /// The queue, stated or default.
    public var queue: UInt32 { queueBytes ?? UInt32(clamping: max(65_536, bytesPerSecond / 10)) }
  }
}
