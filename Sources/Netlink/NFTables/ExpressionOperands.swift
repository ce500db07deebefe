extension NFTables {
  /// A layer-3 protocol, by the number that netfilter has for it.
  public enum ProtocolFamily: UInt8, Sendable, Hashable, Codable, CaseIterable {
    /// IPv4
    case ipv4 = 2
    /// IPv6
    case ipv6 = 10

    /// Its two bytes in the link header.
    public var etherType: [UInt8] { self == .ipv4 ? [0x08, 0x00] : [0x86, 0xDD] }

    /// The word that `nft` uses.
    public var word: String { self == .ipv4 ? "ipv4" : "ipv6" }

    /// The protocol that carries addresses of `family`.
    public init(_ family: IPAddress.Family) { self = family == .v4 ? .ipv4 : .ipv6 }
  }

  /// Where a rule keeps a value on its way: 16 words of four bytes. A value takes as many words as it needs.
  public struct Register: Sendable, Hashable, Codable {
    /// Its first word, 0…15.
    public var word: UInt32

    /// The register that begins at `word`. The kernel refuses a rule with one beyond 15.
    public init(word: UInt32) { self.word = word }

    /// The one at the beginning.
    public static let first = Register(word: 0)

    /// The kernel counts words from 8 and, the older way, groups of four words from 1; it prefers the latter.
    var number: UInt32 { word % 4 == 0 ? word / 4 &+ 1 : word &+ 8 }
  }

  /// What is known of a packet besides its bytes (`NFT_META_…`).
  public enum MetaKey: UInt32, Sendable, Hashable, Codable {
    /// Length in bytes, four bytes in host order.
    case length = 0
    /// Layer-3 protocol by its number on the wire, two bytes. Works in every family.
    case etherType = 1
    /// The class of a queueing discipline that it is meant for, four bytes in host order.
    case priority = 2
    /// Its mark, four bytes in host order.
    case mark = 3
    /// Number of the interface it came by.
    case inputIndex = 4
    /// Number of the interface it leaves by.
    case outputIndex = 5
    /// Name of the interface it came by, 16 bytes.
    case inputName = 6
    /// Name of the interface it leaves by, 16 bytes.
    case outputName = 7
    /// User of the socket that sent it, four bytes in host order; there is none on the way in.
    case socketUser = 10
    /// Group of the socket that sent it.
    case socketGroup = 11
    /// ``ProtocolFamily``, one byte. In the `netdev` family it is always 5: use ``etherType`` there.
    case protocolFamily = 15
    /// Layer-4 protocol, one byte: 6 for TCP, 58 for ICMPv6. Extension headers are skipped.
    case transportProtocol = 16
    /// Four random bytes, new for every packet.
    case random = 24
  }

  /// How two numbers compare (`NFT_CMP_…`).
  public enum Comparison: UInt32, Sendable, Hashable, Codable {
    /// Both are the same.
    case equal = 0
    /// They differ.
    case notEqual = 1
    /// The packet's is smaller.
    case below = 2
    /// The packet's is the same or smaller.
    case atMost = 3
    /// The packet's is larger.
    case above = 4
    /// The packet's is the same or larger.
    case atLeast = 5
  }

  /// What a generator of numbers does (`NFT_NG_…`).
  public enum NumberSource: UInt32, Sendable, Hashable, Codable {
    /// Counts packets of this rule from 0.
    case increment = 0
    /// Draws, by the kernel's own generator.
    case random = 1
  }

  /// What happens to a packet that a rule matched.
  public enum Verdict: Sendable, Hashable, Codable {
    /// It is thrown away.
    case drop
    /// It passes this chain and all that were called on the way to it.
    case accept
    /// It goes on behind the rule that called this chain; in a chain of a hook the policy decides.
    case `return`
    /// It goes through a regular chain, and then on here.
    case jump(String)
    /// It goes through a regular chain, and then on where this chain was called.
    case goto(String)

    /// `NF_…` or `NFT_…`
    var code: UInt32 {
      switch self {
      case .drop: 0
      case .accept: 1
      case .jump: UInt32(bitPattern: -3)
      case .goto: UInt32(bitPattern: -4)
      case .return: UInt32(bitPattern: -5)
      }
    }

    var chain: String? {
      switch self {
      case .jump(let chain), .goto(let chain): chain
      default: nil
      }
    }
  }

  /// What the sender of a refused packet is told.
  public enum Refusal: Sendable, Hashable, Codable {
    /// A TCP segment with the reset flag; only for TCP.
    case tcpReset
    /// An ICMP message of the packet's own family; only in the `inet` family.
    case icmp(Unreachable)

    /// Why a destination cannot be reached (`NFT_REJECT_ICMPX_…`).
    public enum Unreachable: UInt8, Sendable, Hashable, Codable, CaseIterable {
      /// There is no route.
      case noRoute = 0
      /// Nobody listens there.
      case port = 1
      /// The host does not answer.
      case host = 2
      /// A filter forbids it.
      case prohibited = 3
    }
  }

  /// A bound on a stream of packets: a bucket that fills at a rate.
  public struct Limit: Sendable, Hashable, Codable {
    /// Packets or bytes a second.
    public var perSecond: UInt64
    /// What may come at once beyond it.
    public var burst: UInt32
    /// Whether bytes are counted and not packets.
    public var countsBytes: Bool
    /// Whether the rule goes on with what is over the limit, and not with what is within.
    public var matchesExcess: Bool

    /// Describes a limit.
    public init(perSecond: UInt64, burst: UInt32, countsBytes: Bool = false, matchesExcess: Bool = false) {
      self.perSecond = perSecond
      self.burst = burst
      self.countsBytes = countsBytes
      self.matchesExcess = matchesExcess
    }
  }
}
