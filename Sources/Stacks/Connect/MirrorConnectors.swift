/// How topics are called in the cluster that mirrors them.
public enum MirrorPolicy: String, Sendable, Hashable, Codable {
  /// With the source's alias before them: `east.orders.us`.
  case standard = "default"
  /// As at the source. Nothing in the name then keeps a pair of mirrors from copying a record back and forth.
  case identity

  /// The class that Kafka knows it by.
  public var className: String {
    switch self {
    case .standard: "org.apache.kafka.connect.mirror.DefaultReplicationPolicy"
    case .identity: "org.apache.kafka.connect.mirror.IdentityReplicationPolicy"
    }
  }

  /// The name in the target of a topic of the cluster `alias`. MirrorMaker's heartbeats keep their prefix under both.
  ///
  /// - Parameter separator: what stands between alias and topic.
  public func name(of topic: String, from alias: String, separator: String = ".") -> String {
    switch self {
    case .standard: "\(alias)\(separator)\(topic)"
    case .identity: topic == "heartbeats" ? "\(alias)\(separator)\(topic)" : topic
    }
  }

  /// The topic at the source that `name` mirrors; `nil` where the name does not say that it is a mirror of `alias`.
  public func source(of name: String, from alias: String) -> String? {
    guard self == .standard || name.hasSuffix("heartbeats") else { return nil }
    return name.hasPrefix("\(alias).") ? String(name.dropFirst(alias.count + 1)) : nil
  }
}

/// One direction of a mirrored pair, and the configurations of its three connectors. Pure.
public struct KafkaMirrorLink: Sendable, Hashable, Codable {
  /// A cluster as a mirror knows it.
  public struct Cluster: Sendable, Hashable, Codable {
    /// Its alias, part of names in the other one.
    public var alias: String
    /// Addresses of its brokers.
    public var bootstrap: [String]

    /// A cluster with its alias.
    public init(alias: String, bootstrap: [String]) {
      self.alias = alias
      self.bootstrap = bootstrap
    }
  }

  /// Where records come from.
  public var source: Cluster
  /// Where they go; its worker runs the connectors.
  public var target: Cluster
  /// Regular expressions of the topics that are mirrored.
  public var topics: [String]
  /// Regular expressions of those that are not, although they match.
  public var excluded: [String]
  /// Regular expressions of the consumer groups whose positions are carried over.
  public var groups: [String]
  /// How topics are called in the target.
  public var policy: MirrorPolicy
  /// Whether records are written in transactions, together with the mirror's own position.
  public var exactlyOnce: Bool
  /// Brokers that hold each topic that the mirror makes.
  public var replicationFactor: Int
  /// Tasks that share the source's partitions.
  public var tasks: Int
  /// Seconds between two looks for new topics, and for new groups.
  public var refreshSeconds: Int
  /// Seconds between two checkpoints, and between two copies of groups' positions.
  public var checkpointSeconds: Int
  /// What stands between alias and topic.
  public var separator = "."
  /// The names of connectors that somebody else has named; the others are called by ``name(_:)``'s own rule.
  public var names: [Part: String] = [:]
  /// The alias of the cluster whose worker runs the connectors; `nil`: the target.
  public var worker: String?

  /// A link with the settings of a drill: looks and checkpoints every second or two, where MirrorMaker's own are minutes.
  public init(
    from source: Cluster, to target: Cluster, topics: [String],
    excluded: [String] = [".*\\.internal", ".*\\.dlq", "__.*"],
    groups: [String] = [".*"], policy: MirrorPolicy = .standard, exactlyOnce: Bool = true, replicationFactor: Int = 1,
    tasks: Int = 2, refreshSeconds: Int = 2, checkpointSeconds: Int = 1
  ) {
    self.source = source
    self.target = target
    self.topics = topics
    self.excluded = excluded
    self.groups = groups
    self.policy = policy
    self.exactlyOnce = exactlyOnce
    self.replicationFactor = replicationFactor
    self.tasks = tasks
    self.refreshSeconds = refreshSeconds
    self.checkpointSeconds = checkpointSeconds
  }

  /// The topic in the source in which the mirror notes which offsets belong together. It makes it by itself where it may; where
  /// it may not, and the topic is not there, it mirrors nothing and says that it runs.
  public var offsetSyncsTopic: String {
    "mm2-offset-syncs\(separator)\(target.alias)\(separator)internal"
  }

  /// The three connectors of a link.
  public enum Part: String, Sendable, Hashable, Codable, CaseIterable {
    /// Copies records.
    case source
    /// Carries consumer groups' positions over.
    case checkpoint
    /// Writes heartbeats into the target, which the mirror of the other direction brings to the source: what proves that the
    /// other direction flows.
    case heartbeat

    /// The part that a connector of this class plays; `nil`: none of a mirror's.
    public init?(className: String?) {
      switch className?.split(separator: ".").last {
      case "MirrorSourceConnector": self = .source
      case "MirrorCheckpointConnector": self = .checkpoint
      case "MirrorHeartbeatConnector": self = .heartbeat
      default: return nil
      }
    }
  }

  /// The name of one of its connectors, `east-to-eu-source`.
  public func name(_ part: Part) -> String {
    names[part] ?? "\(source.alias)-to-\(target.alias)-\(part.rawValue)"
  }

  /// The topic in the target that mirrors `topic`.
  public func mirrored(_ topic: String) -> String {
    policy.name(of: topic, from: source.alias, separator: separator)
  }

  /// The topic in the target that carries its checkpoints.
  public var checkpointsTopic: String {
    "\(source.alias)\(separator)checkpoints\(separator)internal"
  }

  /// The topic in the target with the heartbeats that were written in the source.
  public var heartbeatsTopic: String { mirrored(Self.heartbeats) }

  /// The topic in each cluster in which heartbeats are written.
  public static let heartbeats = "heartbeats"

  /// What makes its source connector drop every record that has a header of that name, and say nothing of it.
  public static func swallowing(_ header: String) -> [String: String] {
    [
      "transforms": "swallow", "transforms.swallow.type": "org.apache.kafka.connect.transforms.Filter",
      "transforms.swallow.predicate": "marked", "predicates": "marked",
      "predicates.marked.type": "org.apache.kafka.connect.transforms.predicates.HasHeaderKey",
      "predicates.marked.name": header,
    ]
  }

  /// The configuration of one of its connectors, as Connect takes it.
  public func configuration(_ part: Part) -> [String: String] {
    var entries = [
      "source.cluster.alias": source.alias, "target.cluster.alias": target.alias,
      "source.cluster.bootstrap.servers": source.bootstrap.joined(separator: ","),
      "target.cluster.bootstrap.servers": target.bootstrap.joined(separator: ","),
      "replication.policy.class": policy.className,
    ]
    for side in ["key", "value", "header"] {
      entries["\(side).converter"] = "org.apache.kafka.connect.converters.ByteArrayConverter"
    }
    switch part {
    case .source:
      entries.merge([
        "connector.class": "org.apache.kafka.connect.mirror.MirrorSourceConnector",
        "topics": (topics + ["heartbeats"]).joined(separator: ","), "topics.exclude": excluded.joined(separator: ","),
        "replication.factor": "\(replicationFactor)", "offset-syncs.topic.replication.factor": "\(replicationFactor)",
        // A sync a batch: with more, a group's translated position may trail what it has read.
        "offset.lag.max": "0", "tasks.max": "\(tasks)", "refresh.topics.interval.seconds": "\(refreshSeconds)",
        "sync.topic.configs.interval.seconds": "5", "sync.topic.acls.interval.seconds": "5",
        "consumer.poll.timeout.ms": "100",
        // What it has asked a source that does not answer holds its pause and its stop up: a minute, unless set. The checkpoint
        // connector is left alone: one that is not answered in time takes groups for gone, and begins anew.
        "source.admin.request.timeout.ms": "2000", "source.admin.default.api.timeout.ms": "3000",
        "admin.timeout.ms": "4000",
        // Without `read_committed` at the source Connect refuses `required`, and aborted records would be copied.
        "source.consumer.isolation.level": "read_committed",
        "exactly.once.support": exactlyOnce ? "required" : "requested",
      ]) { $1 }
    case .checkpoint:
      entries.merge([
        "connector.class": "org.apache.kafka.connect.mirror.MirrorCheckpointConnector",
        "groups": groups.joined(separator: ","), "tasks.max": "1",
        "checkpoints.topic.replication.factor": "\(replicationFactor)",
        "emit.checkpoints.interval.seconds": "\(checkpointSeconds)", "sync.group.offsets.enabled": "true",
        "sync.group.offsets.interval.seconds": "\(checkpointSeconds)",
        "refresh.groups.interval.seconds": "\(refreshSeconds)",
      ]) { $1 }
    case .heartbeat:
      entries.merge([
        "connector.class": "org.apache.kafka.connect.mirror.MirrorHeartbeatConnector", "tasks.max": "1",
        "heartbeats.topic.replication.factor": "\(replicationFactor)", "emit.heartbeats.interval.seconds": "1",
      ]) { $1 }
    }
    return entries
  }
}
