internal import Support

/// A cluster as one of its brokers describes it.
public struct KafkaMetadata: Sendable, Hashable, Codable {
  /// One broker.
  public struct Broker: Sendable, Hashable, Codable {
    /// Its node id.
    public var id: Int32
    /// Where clients reach it: host and port.
    public var address: String
  }

  /// One partition.
  public struct Partition: Sendable, Hashable, Codable {
    /// Its number.
    public var number: Int32
    /// The broker that leads it; `nil` if none does.
    public var leader: Int32?
    /// The brokers that hold it.
    public var replicas: [Int32]
    /// Those of them that are in sync.
    public var inSync: [Int32]
  }

  /// The cluster's id; `nil` if it did not say.
  public var clusterID: String?
  /// The brokers, by id.
  public var brokers: [Broker]
  /// The topics that the client may see, with their partitions by number.
  public var topics: [String: [Partition]]
}

/// A topic that is to be made.
public struct KafkaTopicSpecification: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// How many partitions.
  public var partitions: Int
  /// How many brokers hold each.
  public var replicationFactor: Int
  /// Its own configuration, by Kafka's names, where it differs from the broker's.
  public var configuration: [String: String]

  /// A topic from its parts.
  public init(_ name: String, partitions: Int, replicationFactor: Int = 1, configuration: [String: String] = [:]) {
    self.name = name
    self.partitions = partitions
    self.replicationFactor = replicationFactor
    self.configuration = configuration
  }

  /// The configuration of a topic whose records are let go of after `age`: only segments that are no longer written to are, so that
  /// they must be short.
  public static func letsGo(after age: Duration) -> [String: String] {
    ["retention.ms": "\(age.milliseconds)", "segment.ms": "\(max(500, age.milliseconds / 4))"]
  }
}

/// One entry of a topic's configuration.
public struct KafkaConfigurationEntry: Sendable, Hashable, Codable {
  /// Its value; `nil` where the broker keeps it secret.
  public var value: String?
  /// Whether it was set for this very topic, and is not the broker's.
  public var isOwn: Bool
}

/// A consumer group as its coordinator describes it.
public struct KafkaGroup: Sendable, Hashable, Codable {
  /// What it is doing.
  public enum State: String, Sendable, Hashable, Codable {
    /// Members are being gathered, or partitions given out.
    case rebalancing
    /// Its members have their partitions.
    case stable
    /// It has no member; its offsets stand.
    case empty
    /// It has neither.
    case dead
    /// The broker said something else.
    case unknown
  }

  /// Its name.
  public var name: String
  /// What it is doing.
  public var state: State
  /// The client ids of its members.
  public var members: [String]
}

/// The first and the next offset of a partition.
public struct KafkaWatermarks: Sendable, Hashable, Codable {
  /// The oldest offset that is kept.
  public var low: Int64
  /// The offset that the next record gets. Transaction markers take offsets, too.
  public var high: Int64
}

/// One rule of who may do what.
public struct KafkaACL: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
  /// What it is about. librdkafka 2.0 knows topics, groups and the cluster; rules about transactional ids are not seen.
  public enum Resource: String, Sendable, Hashable, Codable {
    /// A topic.
    case topic
    /// A consumer group.
    case group
    /// The cluster.
    case cluster
  }

  /// What is done.
  public enum Operation: String, Sendable, Hashable, Codable, CaseIterable {
    /// Everything.
    case all
    /// Reading.
    case read
    /// Writing.
    case write
    /// Making.
    case create
    /// Removing.
    case delete
    /// Changing.
    case alter
    /// Looking at.
    case describe
    /// What brokers do among themselves.
    case clusterAction = "cluster-action"
    /// Reading a configuration.
    case describeConfigurations = "describe-configs"
    /// Changing a configuration.
    case alterConfigurations = "alter-configs"
    /// Writing idempotently.
    case idempotentWrite = "idempotent-write"
  }

  /// What it is about.
  public var resource: Resource
  /// Its name; `*` for all.
  public var name: String
  /// Whether `name` is a prefix.
  public var isPrefix: Bool
  /// Whom it is about, `User:alice`.
  public var principal: String
  /// From where; `*` for everywhere.
  public var host: String
  /// What is done.
  public var operation: Operation
  /// Whether it allows; else it denies.
  public var allows: Bool

  /// A rule from its parts.
  public init(
    _ resource: Resource, _ name: String, isPrefix: Bool = false, principal: String, host: String = "*",
    _ operation: Operation, allows: Bool = true
  ) {
    self.resource = resource
    self.name = name
    self.isPrefix = isPrefix
    self.principal = principal
    self.host = host
    self.operation = operation
    self.allows = allows
  }

  /// By its text.
  public static func < (one: KafkaACL, other: KafkaACL) -> Bool { one.description < other.description }

  /// `topic orders.us: User:alice from * allow write`.
  public var description: String {
    "\(resource.rawValue) \(name)\(isPrefix ? "…" : ""): \(principal) from \(host) \(allows ? "allow" : "deny") "
      + operation.rawValue
  }
}

/// What differs between two sets of rules.
public struct KafkaACLDifference: Sendable, Hashable, Codable {
  /// Rules that only the second set has, sorted.
  public var added: [KafkaACL]
  /// Rules that only the first set has, sorted.
  public var removed: [KafkaACL]

  /// Compares two sets.
  public init(from before: Set<KafkaACL>, to after: Set<KafkaACL>) {
    added = after.subtracting(before).sorted()
    removed = before.subtracting(after).sorted()
  }

  /// Whether the sets are equal.
  public var isEmpty: Bool { added.isEmpty && removed.isEmpty }
}
