/// The anomalies that a stack shows by design: its contract. They are found, counted and printed like any other, as permitted
/// ones, and fail nothing.
public struct Permissions: Sendable, Hashable, Codable {
  /// One permitted anomaly.
  public struct Entry: Sendable, Hashable, Codable {
    /// What is permitted.
    public var anomaly: Anomaly
    /// Why the stack does it, for the one who reads the verdict.
    public var reason: String

    /// A permission and its reason.
    public init(_ anomaly: Anomaly, _ reason: String) {
      self.anomaly = anomaly
      self.reason = reason
    }
  }

  /// The permissions, in the order of the taxonomy.
  public private(set) var entries: [Entry]

  /// Permits these; of two entries for one anomaly the later one stands.
  public init(_ entries: [Entry] = []) {
    var latest: [Anomaly: Entry] = [:]
    for entry in entries { latest[entry.anomaly] = entry }
    self.entries = Anomaly.allCases.compactMap { latest[$0] }
  }

  /// What is permitted.
  public var anomalies: Set<Anomaly> { Set(entries.map(\.anomaly)) }

  /// Whether `anomaly` is none here.
  public func permits(_ anomaly: Anomaly) -> Bool { entries.contains { $0.anomaly == anomaly } }

  /// Both.
  public func union(_ other: Permissions) -> Permissions { Permissions(entries + other.entries) }

  /// Nothing is permitted.
  public static let none = Permissions()

  /// A Kafka log: transactions write straight into the partitions, and only become visible or not at their end.
  ///
  /// - SeeAlso: KIP-98, "Exactly Once Delivery and Transactional Messaging".
  public static let kafka = Permissions([
    Entry(.writeCycle, "transactions are not ordered against each other while they write"),
    Entry(.sendSkip, "other producers' records may stand between those of a transaction"),
  ])

  /// A Kafka consumer whose group gives it its partitions: a rebalance moves positions between members.
  public static let kafkaWithSubscribe = kafka.union(
    Permissions([
      Entry(.nonmonotonicPoll, "after a rebalance a member starts again at the committed position"),
      Entry(.pollSkip, "while a partition was with another member, that member read on"),
    ]))

  /// A mirror that delivers at least once: what it has sent but not noted as sent, it sends again after a reconnect.
  public static let atLeastOnceMirror = Permissions([
    Entry(.mirrorDuplicate, "a mirror that reconnects repeats what it had not committed")
  ])
}
