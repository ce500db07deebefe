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

/// What a disturbance does, in the words of the scenario.
public enum FaultSpecification: Sendable, Hashable, Codable {
  /// Nothing passes between `region` and `peers`, in both directions; inside `region` everything works.
  case partition(region: String, peers: PeerSelection)

  /// The kinds' names in a scenario.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// See ``FaultSpecification/partition(region:peers:)``.
    case partition
  }

  /// Which kind.
  public var kind: Kind {
    switch self {
    case .partition: .partition
    }
  }
}

/// The other side of a partition.
public enum PeerSelection: Sendable, Hashable, Codable {
  /// Every other region.
  case all
  /// These regions.
  case regions([String])

  /// The regions meant, for a partition of `region` in `topology`; in the order of the topology.
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
