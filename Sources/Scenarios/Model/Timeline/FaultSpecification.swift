/// What a disturbance does, in the words of the scenario. All of it is seen from `region`, to which the peers are the other
/// side.
public enum FaultSpecification: Sendable, Hashable, Codable {
  /// Nothing passes between `region` and `peers` in the directions given; inside `region` everything works.
  case partition(Link, direction: Direction, answer: CutAnswer)
  /// Packets between `region` and `peers` are lost, late, doubled, damaged or slowed down, in each direction as it says.
  case network(Link, inbound: PacketEffect, outbound: PacketEffect)
  /// The connections between `region` and `peers` that exist at the beginning are broken, on both ends.
  case killConnections(Link)
  /// Something happens to processes of a region.
  case process(ProcessFault)
  /// Processes of a region see a wrong time.
  case clock(ClockFault)
  /// The clock of the whole node of a region is wrong.
  case nodeClock(NodeClockFault)
  /// What name or time servers of the peers answer to `region`, is changed where it arrives.
  case answers(Link, AnswerFault)
  /// The disk is slow for processes of a region.
  case disk(DiskFault)

  /// The kinds' names in a scenario.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``FaultSpecification/partition(_:direction:answer:)``.
    case partition
    /// See ``FaultSpecification/network(_:inbound:outbound:)``.
    case network
    /// See ``FaultSpecification/killConnections(_:)``.
    case killConnections = "kill-connections"
    /// See ``FaultSpecification/process(_:)``.
    case process
    /// See ``FaultSpecification/clock(_:)``.
    case clock
    /// See ``FaultSpecification/nodeClock(_:)``.
    case nodeClock = "node-clock"
    /// See ``FaultSpecification/answers(_:_:)``: answers about names.
    case dns
    /// See ``FaultSpecification/answers(_:_:)``: the time.
    case ntp
    /// See ``FaultSpecification/disk(_:)``.
    case disk
  }

  /// Where it happens: between which regions, to which of their packets, and whether all the time.
  public struct Link: Sendable, Hashable, Codable {
    /// The region that directions are seen from.
    public var region: String
    /// The nodes of the region that are meant; `nil`: all.
    public var nodes: [String]?
    /// The other side.
    public var peers: PeerSelection
    /// Which packets.
    public var scope: TrafficScope
    /// Whether it comes and goes. `nil`: it stays.
    public var flapping: Flapping?

    /// A link between regions.
    public init(
      region: String, nodes: [String]? = nil, peers: PeerSelection, scope: TrafficScope = .all,
      flapping: Flapping? = nil
    ) {
      self.region = region
      self.nodes = nodes
      self.peers = peers
      self.scope = scope
      self.flapping = flapping
    }
  }

  /// Which packets are meant, seen from the region.
  public enum Direction: String, Sendable, Hashable, Codable, CaseIterable {
    /// Those that come to it.
    case `in`
    /// Those that leave it.
    case out
    /// All.
    case both
  }

  /// What a sender learns of a packet that does not pass.
  public enum CutAnswer: String, Sendable, Hashable, Codable, CaseIterable {
    /// Nothing, as from a cut cable.
    case silence
    /// A TCP reset, as from many firewalls; packets of other protocols are answered as `unreachable` does.
    case reset
    /// ICMP "administratively prohibited", as from a router with a filter.
    case unreachable
  }

  /// Which kind.
  public var kind: Kind {
    switch self {
    case .partition: .partition
    case .network: .network
    case .killConnections: .killConnections
    case .process: .process
    case .clock: .clock
    case .nodeClock: .nodeClock
    case .answers(_, .names): .dns
    case .answers(_, .time): .ntp
    case .disk: .disk
    }
  }

  /// Between which regions it happens; `nil` for a kind that does not happen on the network.
  public var link: Link? {
    switch self {
    case .partition(let link, _, _), .network(let link, _, _), .killConnections(let link),
      .answers(let link, _):
      link
    case .process, .clock, .nodeClock, .disk: nil
    }
  }

  /// The region inside which it happens; `nil` for a kind that happens on the network.
  public var insideRegion: String? {
    switch self {
    case .partition, .network, .killConnections, .answers: nil
    case .process(let fault): fault.region
    case .clock(let fault): fault.region
    case .nodeClock(let fault): fault.region
    case .disk(let fault): fault.region
    }
  }
}
