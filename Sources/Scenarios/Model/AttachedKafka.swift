/// Kafka clusters that stand already, and that a drill works with in place of clusters of a lab's own. What they are reached with
/// stands here; secrets only as references, which are read when they are used.
public struct AttachedKafka: Sendable, Hashable, Codable {
  /// One cluster. It bears the name of its region, which is its alias in the mirrors as well.
  public struct Cluster: Sendable, Hashable, Codable {
    /// The region, and the alias.
    public var name: String
    /// Addresses of its brokers, `host:port`; at least one.
    public var bootstrap: [String]
    /// What its clients are told besides, by librdkafka's names, in the order of the file.
    public var properties: [Property]
    /// The Connect worker beside it; `nil`: none, or none that may be asked.
    public var connect: Connect?
    /// Its schema registry, through the interface of Confluent's clients; `nil`: none.
    public var registry: String?

    /// A cluster from its parts.
    public init(
      name: String, bootstrap: [String], properties: [Property] = [], connect: Connect? = nil, registry: String? = nil
    ) {
      self.name = name
      self.bootstrap = bootstrap
      self.properties = properties
      self.connect = connect
      self.registry = registry
    }

    /// The value of a property as it stands in the file; `nil`: it is not given.
    public func property(_ name: String) -> Template? { properties.last { $0.name == name }?.value }
  }

  /// One property of a client.
  public struct Property: Sendable, Hashable, Codable {
    /// Its name in librdkafka.
    public var name: String
    /// Its value: text, or one secret and nothing else.
    public var value: Template

    /// A property from its parts.
    public init(name: String, value: Template) {
      self.name = name
      self.value = value
    }
  }

  /// Where Connect answers.
  public struct Connect: Sendable, Hashable, Codable {
    /// Its REST interface, `https://connect.example.org:8083`.
    public var url: String
    /// What is sent as `Authorization`; always with a secret in it. `nil`: nothing.
    public var authorization: Template?
    /// The certificates of those who may vouch for it, a file; `nil`: this machine's own.
    public var authorities: String?
    /// The topic in which it says how its connectors are (`status.storage.topic`), which its REST interface does not tell; `nil`:
    /// not known.
    public var statusTopic: String?
    /// The topic in which it keeps their positions (`offset.storage.topic`); `nil`: not known.
    public var offsetsTopic: String?

    /// A worker from its parts.
    public init(
      url: String, authorization: Template? = nil, authorities: String? = nil, statusTopic: String? = nil,
      offsetsTopic: String? = nil
    ) {
      self.url = url
      self.authorization = authorization
      self.authorities = authorities
      self.statusTopic = statusTopic
      self.offsetsTopic = offsetsTopic
    }
  }

  /// One direction of a mirror.
  public struct Mirror: Sendable, Hashable, Codable {
    /// Who runs it.
    public enum Runner: String, Sendable, Hashable, Codable, CaseIterable {
      /// Connect workers, which can be asked, and told to pause.
      case connect
      /// `connect-mirror-maker`, which has no REST interface: it can neither be asked nor paused, only its process be stopped.
      case dedicated
    }

    /// How topics are called in the target.
    public enum Policy: String, Sendable, Hashable, Codable, CaseIterable {
      /// With the source's alias before them.
      case standard = "default"
      /// As at the source.
      case identity
    }

    /// The cluster that is mirrored.
    public var from: String
    /// The cluster that it is mirrored to.
    public var to: String
    /// Who runs it.
    public var runner: Runner
    /// The cluster whose Connect worker runs it.
    public var worker: String
    /// How topics are called in the target.
    public var policy: Policy
    /// What stands between alias and topic.
    public var separator: String

    /// A direction from its parts; run by the target's Connect, under the default policy, unless it is said otherwise.
    public init(
      from: String, to: String, runner: Runner = .connect, worker: String? = nil, policy: Policy = .standard,
      separator: String = "."
    ) {
      self.from = from
      self.to = to
      self.runner = runner
      self.worker = worker ?? to
      self.policy = policy
      self.separator = separator
    }
  }

  /// The clusters, in the order of the file.
  public var clusters: [Cluster]
  /// The mirrors between them.
  public var mirrors: [Mirror]

  /// Clusters and their mirrors.
  public init(clusters: [Cluster], mirrors: [Mirror]) {
    self.clusters = clusters
    self.mirrors = mirrors
  }

  /// The cluster of a region.
  public func cluster(_ name: String) -> Cluster? { clusters.first { $0.name == name } }

  /// The mirror between two clusters, in this direction.
  public func mirror(from: String, to: String) -> Mirror? { mirrors.first { $0.from == from && $0.to == to } }

  /// Properties whose value is a secret, and stands in no file of ours.
  public static let secretProperties: Set<String> = [
    "sasl.password", "ssl.key.password", "ssl.key.pem", "ssl.keystore.password", "sasl.oauthbearer.client.secret",
    "sasl.oauthbearer.config",
  ]

  /// Properties that the drill sets itself, each with the reason.
  public static let ownProperties: [String: String] = [
    "bootstrap.servers": "addresses stand in 'bootstrap'", "metadata.broker.list": "addresses stand in 'bootstrap'",
    "group.id": "each consumer of the drill has a group of its own",
    "client.id": "clients of the drill say that they are",
    "transactional.id": "the drill's producers have ids of their own",
    "enable.idempotence": "without it a producer itself writes twice, and nobody could tell it from a mirror",
    "enable.auto.commit": "a position is committed when the work is done, and not before",
    "enable.auto.offset.store": "a position is committed when the work is done, and not before",
    "enable.partition.eof": "the drill's readers must see where a log ends",
    "auto.offset.reset": "where a consumer begins stands at the consumer: resume",
    "isolation.level": "evidence is what was committed",
    "message.timeout.ms": "after two seconds an outcome is unknown",
    "delivery.timeout.ms": "after two seconds an outcome is unknown",
    "acks": "what is not on all brokers in sync is not acknowledged",
    "request.required.acks": "what is not on all brokers in sync is not acknowledged",
    "plugin.library.paths": "nobody else's code runs in the drill",
  ]
}

extension AttachedKafka.Mirror: CustomStringConvertible {
  /// `east to eu, by eu's Connect, topics as east.TOPIC`.
  public var description: String {
    let by = runner == .dedicated ? "by a dedicated MirrorMaker 2" : "by \(worker)'s Connect"
    return "\(from) to \(to), \(by), topics as \(policy == .identity ? "TOPIC" : "\(from)\(separator)TOPIC")"
  }
}
