internal import Support

/// The system under drill and the settings that the drill's arithmetic depends on.
public struct StackSettings: Sendable, Hashable, Codable {
  /// The kinds of system that can be drilled.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// PostgreSQL event stores mirrored by logical replication, write authority through etcd leases.
    case postgresEtcd = "postgres-etcd"
    /// Kafka clusters mirrored by MirrorMaker 2, in every region with a store, whose control planes hold write authority.
    case kafka
    /// A system that stands on the hosts and that nobody of the drill's writes to or steers: its probes are the evidence.
    case external

    /// Whether the drill has a workload of its own in it, and reads its logs.
    public var isDriven: Bool { self != .external }
  }

  /// What a guard can stand before, so that it is administered with the current fencing token only.
  public enum Guarded: String, Sendable, Hashable, Codable, CaseIterable {
    /// The administration of the Kafka clusters.
    case admin
    /// A schema registry in every region with a store, which the stack has for it.
    case registry
  }

  /// Which system.
  public var kind: Kind
  /// What has guards before it, and is tried with current, stale and no tokens all through the drill; `nil`: nothing.
  public var guards: [Guarded]?
  /// How long the lease behind write authority lives without renewal.
  @DurationText public var leaseTTL: Duration
  /// How old the newest mirrored event may be while the mirror counts as caught up.
  @DurationText public var mirrorFreshness: Duration
  /// What Kafka's mirrors promise; `nil`: the lab's own (``KafkaMirroring``), or a stack without Kafka.
  public var mirroring: KafkaMirroring?
  /// The topic that events are written to; `nil`: the lab's own (``EventTopic``), or a stack without topics.
  public var topic: EventTopic?
  /// The outbox of the event store; `nil`: it has none.
  public var outbox: OutboxSettings?
  /// Kafka clusters that stand already; `nil`: the lab's own.
  public var attach: AttachedKafka?

  /// Settings from their parts.
  public init(
    kind: Kind = .postgresEtcd, guards: [Guarded]? = nil, leaseTTL: Duration = .seconds(10),
    mirrorFreshness: Duration = .seconds(2), mirroring: KafkaMirroring? = nil, topic: EventTopic? = nil,
    outbox: OutboxSettings? = nil, attach: AttachedKafka? = nil
  ) {
    self.kind = kind
    self.guards = guards
    self.leaseTTL = leaseTTL
    self.mirrorFreshness = mirrorFreshness
    self.mirroring = mirroring
    self.topic = topic
    self.outbox = outbox
    self.attach = attach
  }

  /// Whether there is a guard before that.
  public func isGuarded(_ what: Guarded) -> Bool { guards?.contains(what) == true }

  /// The longest that a lease can live after its holder is cut off: a change of etcd's own leader re-extends every lease
  /// by its full time to live once (docs/architecture.md; measured 9.4–9.9 s for a lease of 5 s).
  public var longestLease: Duration { leaseTTL * 2 }
}

/// What Kafka's mirrors promise, and the times that follow from it.
public struct KafkaMirroring: Sendable, Hashable, Codable {
  /// What becomes of records when a mirror's worker ends in the middle of its work.
  public enum Delivery: String, Sendable, Hashable, Codable, CaseIterable {
    /// None stands twice: records and the mirror's position are written in one transaction.
    case exactlyOnce = "exactly-once"
    /// What was carried after the position was last kept, is carried again.
    case atLeastOnce = "at-least-once"
  }

  /// Whether records may be carried again.
  public var delivery: Delivery
  /// How often an at-least-once mirror keeps its position: what a worker that ended carries again.
  @DurationText public var positionsEvery: Duration
  /// After that the broker aborts the transaction of a worker that ended inside it; its successor waits for that.
  @DurationText public var transactionTimeout: Duration

  /// The lab's own times: five seconds for a transaction (Kafka's default is a minute), positions each half second (its default
  /// is a minute as well).
  public init(
    delivery: Delivery = .exactlyOnce, positionsEvery: Duration = .milliseconds(500),
    transactionTimeout: Duration = .seconds(5)
  ) {
    self.delivery = delivery
    self.positionsEvery = positionsEvery
    self.transactionTimeout = transactionTimeout
  }
}

extension KafkaMirroring: CustomStringConvertible {
  /// `mirrors exactly once, transactions of at most 5s`.
  public var description: String {
    switch delivery {
    case .exactlyOnce: "mirrors exactly once, transactions of at most \(transactionTimeout.text)"
    case .atLeastOnce: "mirrors at least once, positions kept every \(positionsEvery.text)"
    }
  }
}

/// The topic of a stack with Kafka that events are written to.
public struct EventTopic: Sendable, Hashable, Codable {
  /// How many partitions it has.
  public var partitions: Int
  /// After that the oldest events are let go of, mirrored or not; `nil`: they are kept.
  @DurationText public var retention: Duration?

  /// What becomes of a topic that is not there.
  public enum Missing: String, Sendable, Hashable, Codable, CaseIterable {
    /// The drill is refused.
    case refuse
    /// It is made, and removed at the end.
    case make
  }

  /// What it is called in standing clusters; `nil` in a lab, where it has a name of the lab's.
  public var name: String?
  /// How many brokers hold each partition, where it is made in standing clusters; `nil`: as the cluster has it.
  public var copies: Int?
  /// What becomes of it in standing clusters that do not have it; `nil`: the drill is refused.
  public var missing: Missing?

  /// One partition that keeps everything.
  public init(
    partitions: Int = 1, retention: Duration? = nil, name: String? = nil, copies: Int? = nil, missing: Missing? = nil
  ) {
    self.partitions = partitions
    self.retention = retention
    self.name = name
    self.copies = copies
    self.missing = missing
  }

  /// What the lab calls its topic.
  public static let labName = "orders"
}

extension EventTopic: CustomStringConvertible {
  /// `events in 4 partitions, kept for 8s`.
  public var description: String {
    "events in \(partitions) partition\(partitions == 1 ? "" : "s")" + (name.map { " of '\($0)'" } ?? "")
      + (retention.map { ", kept for \($0.text)" } ?? "")
  }
}
