/// What happens to the packets of one direction, in a scenario's words. What is `nil` does not happen; all that is not
/// happens to every packet, in the order in which it stands here.
public struct PacketEffect: Sendable, Hashable, Codable {
  /// Some packets are lost.
  public var loss: PacketLoss?
  /// All packets come later by this much.
  @DurationText public var delay: Duration?
  /// Each packet's delay differs from ``delay`` by up to, or about, this much.
  @DurationText public var jitter: Duration?
  /// How the differences are spread.
  public var distribution: JitterDistribution?
  /// How the differences are spread, from a file, in place of ``distribution``.
  public var table: DelayTable?
  /// How far each difference follows the one before it.
  public var correlation: Percentage?
  /// The share of packets that overtake the delayed ones.
  public var reorder: Percentage?
  /// The share of packets that arrive twice.
  public var duplicate: Percentage?
  /// The share of packets of which one bit is flipped.
  public var corrupt: Percentage?
  /// How much passes in a time.
  public var rate: BitRate?
  /// How much may pass at once above ``rate``.
  public var burst: ByteSize?
  /// How much waits when more comes than passes; what comes on top is lost.
  public var queue: ByteSize?

  /// An effect from its parts.
  public init(
    loss: PacketLoss? = nil, delay: Duration? = nil, jitter: Duration? = nil, distribution: JitterDistribution? = nil,
    table: DelayTable? = nil, correlation: Percentage? = nil, reorder: Percentage? = nil, duplicate: Percentage? = nil,
    corrupt: Percentage? = nil, rate: BitRate? = nil, burst: ByteSize? = nil, queue: ByteSize? = nil
  ) {
    self.loss = loss
    self.delay = delay
    self.jitter = jitter
    self.distribution = distribution
    self.table = table
    self.correlation = correlation
    self.reorder = reorder
    self.duplicate = duplicate
    self.corrupt = corrupt
    self.rate = rate
    self.burst = burst
    self.queue = queue
  }

  /// Whether nothing happens at all.
  public var isEmpty: Bool { self == PacketEffect() }
}

/// Which packets are lost.
public enum PacketLoss: Sendable, Hashable, Codable {
  /// Each with this probability, which follows the fate of the one before it as far as `correlation` says.
  case random(Percentage, correlation: Percentage?)
  /// In bursts, by the model of Gilbert and Elliott: a burst begins with probability `enter`, ends with `leave`; within it
  /// a packet is lost with `inside`, between bursts with `outside`.
  case bursts(enter: Percentage, leave: Percentage, inside: Percentage, outside: Percentage)
  /// Every n-th.
  case every(Int)
  /// This share of each 65,536, the same ones in each run of the same seed.
  case exact(Percentage)
}

/// A spread of delays that was measured somewhere: the inverse distribution function, as netem's `.dist` files have it.
public struct DelayTable: Sendable, Hashable, Codable {
  /// The file, as the scenario names it.
  public var file: String
  /// Its values, in units of 1/8192 of the jitter; each is as likely as the others.
  public var values: [Int16]

  /// A table from its parts.
  public init(file: String, values: [Int16]) {
    self.file = file
    self.values = values
  }

  /// As many as the kernel takes (`NETEM_DIST_MAX`).
  static let mostValues = 16_384
}

/// How the differences between delays are spread. Names and shapes are those of Linux's netem.
public enum JitterDistribution: String, Sendable, Hashable, Codable, CaseIterable {
  /// Equally between delay − jitter and delay + jitter.
  case uniform
  /// A bell whose standard deviation is the jitter.
  case normal
  /// Mostly early, with a long late tail.
  case pareto
  /// A quarter bell, three quarters Pareto.
  case paretonormal
}

/// Which packets are meant, besides being from or to the peers.
public struct TrafficScope: Sendable, Hashable, Codable {
  /// A transport protocol.
  public enum TransportProtocol: String, Sendable, Hashable, Codable, CaseIterable {
    /// TCP.
    case tcp
    /// UDP.
    case udp
    /// SCTP.
    case sctp
    /// ICMP of either family, but for neighbour discovery.
    case icmp

    /// Whether its packets begin with two ports.
    public var hasPorts: Bool { self != .icmp }
  }

  /// Whose sockets of the region: known where they are, so packets are met there in both directions.
  public struct Owner: Sendable, Hashable, Codable {
    /// Sockets that were made in this control group of version 2, or below it. `nil`: in any.
    public var cgroup: String?
    /// Sockets of this user, by name or number; what arrives belongs to nobody yet. `nil`: of any.
    public var user: String?

    /// An owner from its parts.
    public init(cgroup: String? = nil, user: String? = nil) {
      self.cgroup = cgroup
      self.user = user
    }
  }

  /// Ports from one to another, both included.
  public struct Ports: Sendable, Hashable, Codable, CustomStringConvertible {
    /// The first.
    public var first: UInt16
    /// The last.
    public var last: UInt16

    /// A range of ports; `first` must not be above `last`.
    public init(_ first: UInt16, through last: UInt16) {
      self.first = first
      self.last = last
    }

    /// `5432`, `9000-9100`.
    public var description: String { first == last ? "\(first)" : "\(first)-\(last)" }
  }

  /// Only packets of this protocol. `nil`: of any.
  public var transport: TransportProtocol?
  /// Only packets from or to these ports of the region. Empty: any.
  public var ports: [Ports]
  /// Only packets from or to these ports of the peers. Empty: any.
  public var peerPorts: [Ports]
  /// Only packets of which one end, whichever, has one of these ports. `nil`: any.
  public var eitherPorts: [Ports]?
  /// Only packets of which one end, whichever, has a port of the server that plays this role. `nil`: any.
  public var role: Role?
  /// Only packets of these sockets. `nil`: of any.
  public var owner: Owner?
  /// What passes all the same; `nil` for nothing.
  public var except: Exceptions?

  /// A scope.
  public init(
    transport: TransportProtocol? = nil, ports: [Ports] = [], peerPorts: [Ports] = [], eitherPorts: [Ports]? = nil,
    role: Role? = nil, owner: Owner? = nil, except: Exceptions? = nil
  ) {
    self.transport = transport
    self.ports = ports
    self.peerPorts = peerPorts
    self.eitherPorts = eitherPorts
    self.role = role
    self.owner = owner
    self.except = except
  }

  /// Whether ports of some kind are said.
  var saysPorts: Bool { !ports.isEmpty || !peerPorts.isEmpty || eitherPorts != nil || role != nil }

  /// Ports of which one must be at one of the two ends, those of the role among them.
  public var portsAtEitherEnd: [Ports] { (eitherPorts ?? []) + (role?.ports ?? []) }

  /// The protocol, which a role brings along.
  public var wholeTransport: TransportProtocol? { transport ?? (role == nil ? nil : .tcp) }

  /// All packets.
  public static let all = TrafficScope()
}

/// A fault that comes and goes.
public struct Flapping: Sendable, Hashable, Codable {
  /// How long it is in force each time.
  @DurationText public var on: Duration
  /// How long it is not, between two times.
  @DurationText public var off: Duration

  /// A pattern.
  public init(on: Duration, off: Duration) {
    self.on = on
    self.off = off
  }
}
