internal import Support

/// A state that a mirror is asked to be in.
public struct MirrorStatusCheck: Sendable, Hashable, Codable {
  /// What connectors and tasks can say that they are.
  public enum State: String, Sendable, Hashable, Codable, CaseIterable {
    /// They work, or say so. Asked of all connectors of the mirror, not of the copying one alone.
    case running
    /// They stand still; the copying one.
    case paused
    /// They have no tasks; the copying one.
    case stopped
  }

  /// The mirror.
  public var link: MirrorLink
  /// The state.
  public var state: State
  /// The longest that they may take to come to it.
  @DurationText public var within: Duration

  /// A look from its parts.
  public init(link: MirrorLink, state: State = .running, within: Duration = .seconds(10)) {
    self.link = link
    self.state = state
    self.within = within
  }
}

/// A mirror's offsets under a name.
public struct MirrorSnapshot: Sendable, Hashable, Codable {
  /// The mirror.
  public var link: MirrorLink
  /// The name of the snapshot.
  public var snapshot: String

  /// A snapshot of a mirror.
  public init(link: MirrorLink, snapshot: String) {
    self.link = link
    self.snapshot = snapshot
  }
}

/// Where a mirror is set to.
public struct MirrorPlacement: Sendable, Hashable, Codable {
  /// The place.
  public enum Place: Sendable, Hashable, Codable {
    /// That of a snapshot.
    case snapshot(String)
    /// So many offsets of each partition before where it is; its heartbeats stay where they are.
    case back(Int64)
  }

  /// The mirror.
  public var link: MirrorLink
  /// The place.
  public var place: Place

  /// A place for a mirror.
  public init(link: MirrorLink, place: Place) {
    self.link = link
    self.place = place
  }
}

/// A topic as it is meant to be.
public struct DeclaredTopic: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// How many partitions it has.
  public var partitions: Int
  /// How many brokers hold each.
  public var replicas: Int
  /// How long records are kept; `nil`: nothing is said about it.
  @DurationText public var retention: Duration?
  /// The brokers that may hold it, by number; empty: any.
  public var brokers: [Int32]
  /// Other entries of its configuration, by Kafka's names.
  public var configuration: [String: String]

  /// A topic from its parts.
  public init(
    name: String, partitions: Int, replicas: Int = 1, retention: Duration? = nil, brokers: [Int32] = [],
    configuration: [String: String] = [:]
  ) {
    self.name = name
    self.partitions = partitions
    self.replicas = replicas
    self.retention = retention
    self.brokers = brokers
    self.configuration = configuration
  }
}

/// Topics of a region's cluster as they are meant to be.
public struct DeclaredTopics: Sendable, Hashable, Codable {
  /// The region.
  public var region: String
  /// The topics.
  public var topics: [DeclaredTopic]

  /// Topics of a region.
  public init(region: String, topics: [DeclaredTopic]) {
    self.region = region
    self.topics = topics
  }
}

/// A cluster's access rules under a name.
public struct AccessSnapshot: Sendable, Hashable, Codable {
  /// The region of the cluster.
  public var region: String
  /// The name of the snapshot.
  public var snapshot: String

  /// A snapshot of a region's cluster.
  public init(region: String, snapshot: String) {
    self.region = region
    self.snapshot = snapshot
  }
}

/// Access rules that are compared.
public struct AccessComparison: Sendable, Hashable, Codable {
  /// What they are held against.
  public enum Other: Sendable, Hashable, Codable {
    /// The rules of another region's cluster.
    case region(String)
    /// Those that were written down.
    case snapshot(String)
  }

  /// The region of the cluster whose rules are looked at.
  public var region: String
  /// What they are held against.
  public var other: Other
  /// Whose rules; empty: everybody's.
  public var principals: [String]

  /// A comparison from its parts.
  public init(region: String, other: Other, principals: [String] = []) {
    self.region = region
    self.other = other
    self.principals = principals
  }
}

/// The right to write to topics of a region's cluster.
public struct WriteGrant: Sendable, Hashable, Codable {
  /// The region.
  public var region: String
  /// Who: `User:orders`.
  public var principal: String
  /// The topics.
  public var topics: [String]

  /// A right from its parts.
  public init(region: String, principal: String, topics: [String]) {
    self.region = region
    self.principal = principal
    self.topics = topics
  }
}
