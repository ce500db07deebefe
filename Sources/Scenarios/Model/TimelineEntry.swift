/// One disturbance: which, when, for how long.
public struct TimelineEntry: Sendable, Hashable, Codable {
  /// Its name, unique in the scenario; part of the names of its kernel objects.
  public var id: String
  /// When it begins, counted from the end of the baseline.
  @DurationText public var at: Duration
  /// What it does.
  public var fault: FaultSpecification
  /// How long it lasts.
  @DurationText public var hold: Duration

  /// An entry from its parts.
  public init(id: String, at: Duration, fault: FaultSpecification, hold: Duration) {
    self.id = id
    self.at = at
    self.fault = fault
    self.hold = hold
  }

  /// When it ends, counted from the end of the baseline.
  public var end: Duration { at + hold }
}

/// What a disturbance does, in the words of the scenario. All of it is seen from `region`, to which the peers are the other
/// side.
public enum FaultSpecification: Sendable, Hashable, Codable {
  /// Nothing passes between `region` and `peers` in the directions given; inside `region` everything works.
  case partition(Link, direction: Direction, answer: CutAnswer)
  /// Packets between `region` and `peers` are lost, late, doubled, damaged or slowed down, in each direction as it says.
  case network(Link, inbound: PacketEffect, outbound: PacketEffect)
  /// The connections between `region` and `peers` that exist at the beginning are broken, on both ends.
  case killConnections(Link)

  /// The kinds' names in a scenario.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``FaultSpecification/partition(_:direction:answer:)``.
    case partition
    /// See ``FaultSpecification/network(_:inbound:outbound:)``.
    case network
    /// See ``FaultSpecification/killConnections(_:)``.
    case killConnections = "kill-connections"
  }

  /// Where it happens: between which regions, to which of their packets, and whether all the time.
  public struct Link: Sendable, Hashable, Codable {
    /// The region that directions are seen from.
    public var region: String
    /// The other side.
    public var peers: PeerSelection
    /// Which packets.
    public var scope: TrafficScope
    /// Whether it comes and goes. `nil`: it stays.
    public var flapping: Flapping?

    /// A link between regions.
    public init(region: String, peers: PeerSelection, scope: TrafficScope = .all, flapping: Flapping? = nil) {
      self.region = region
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
    }
  }

  /// Where it happens.
  public var link: Link {
    switch self {
    case .partition(let link, _, _), .network(let link, _, _), .killConnections(let link): link
    }
  }
}

/// The other side of a link.
public enum PeerSelection: Sendable, Hashable, Codable {
  /// Every other region.
  case all
  /// These regions.
  case regions([String])

  /// The regions meant, for a fault of `region` in `topology`; in the order of the topology.
  public func resolve(against region: String, in topology: Topology) -> [String] {
    topology.regions.map(\.name).filter { name in
      guard name != region else { return false }
      switch self {
      case .all: return true
      case .regions(let names): return names.contains(name)
      }
    }
  }

  /// Reads `"all"` or a list.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if let names = try? container.decode([String].self) {
      self = .regions(names)
    } else if try container.decode(String.self) == "all" {
      self = .all
    } else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: decoder.codingPath, debugDescription: "expected \"all\" or a list of regions"))
    }
  }

  /// Writes `"all"` or a list.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .all: try container.encode("all")
    case .regions(let names): try container.encode(names)
    }
  }
}

/// How long the run waits for the system to come back.
public struct Recovery: Sendable, Hashable, Codable {
  /// From the last heal to the conditions of the checklist; the run goes on as soon as they hold.
  @DurationText public var within: Duration

  /// A wait of at most `within`.
  public init(within: Duration) { self.within = within }
}

/// What a drill may never exceed.
public struct Safety: Sendable, Hashable, Codable {
  /// Baseline, timeline and recovery together.
  @DurationText public var maxDuration: Duration
  /// How many regions may be disturbed in one drill.
  public var maxRegions: Int

  /// Limits from their parts.
  public init(maxDuration: Duration, maxRegions: Int) {
    self.maxDuration = maxDuration
    self.maxRegions = maxRegions
  }
}
