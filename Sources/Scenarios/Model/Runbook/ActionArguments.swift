internal import Support

/// A mirror, by the stores it stands between.
public struct MirrorLink: Sendable, Hashable, Codable {
  /// The region it copies from.
  public var from: String
  /// The region it copies to.
  public var to: String

  /// A mirror between two regions.
  public init(from: String, to: String) {
    self.from = from
    self.to = to
  }
}

/// The region that an action is for.
public struct InRegion: Sendable, Hashable, Codable {
  /// Its name.
  public var region: String

  /// An action's region.
  public init(region: String) { self.region = region }
}

/// Producers or consumers that an action is for.
public struct Members: Sendable, Hashable, Codable {
  /// Their names; empty: all.
  public var names: [String]

  /// Some, or with no name all.
  public init(names: [String] = []) { self.names = names }
}

/// Producers on their way to another store.
public struct ProducerMove: Sendable, Hashable, Codable {
  /// The region whose store they write to from now on.
  public var to: String
  /// Their names; empty: all.
  public var names: [String]

  /// A move from its parts.
  public init(to: String, names: [String] = []) {
    self.to = to
    self.names = names
  }
}

/// Positions of consumer groups on their way from one region to another.
public struct Offsets: Sendable, Hashable, Codable {
  /// The region whose positions are exported, or into which they are imported.
  public var region: String
  /// The name of the export, by which an import finds it.
  public var snapshot: String
  /// The consumers; empty: all that read the region's store.
  public var names: [String]

  /// Positions from their parts.
  public init(region: String, snapshot: String, names: [String] = []) {
    self.region = region
    self.snapshot = snapshot
    self.names = names
  }
}

/// Stores that are compared.
public struct Parity: Sendable, Hashable, Codable {
  /// The regions; empty: all with a store.
  public var regions: [String]

  /// A comparison.
  public init(regions: [String] = []) { self.regions = regions }
}

/// A question to a person.
public struct Approval: Sendable, Hashable, Codable {
  /// Who must answer: a name or a role.
  public var by: String
  /// What is asked.
  public var prompt: String

  /// An approval from its parts.
  public init(by: String, prompt: String) {
    self.by = by
    self.prompt = prompt
  }
}

/// Nothing, for a while.
public struct Pause: Sendable, Hashable, Codable {
  /// How long.
  @DurationText public var duration: Duration

  /// A wait of this length.
  public init(_ duration: Duration) { self.duration = duration }
}
