/// The outbox of the event store: every event that is appended leaves a row there, in the same transaction, and change data
/// capture carries the rows to a topic of Kafka.
public struct OutboxSettings: Sendable, Hashable, Codable {
  /// What becomes of a row once it is written.
  public enum Rows: String, Sendable, Hashable, Codable, CaseIterable {
    /// It stays: a connector that begins anew can take a snapshot of all of them.
    case kept
    /// It is deleted in the transaction that wrote it: the write-ahead log alone has it.
    case deleted
  }

  /// What becomes of the rows.
  public var rows: Rows
  /// How many partitions the topic has; an aggregate keeps to one.
  public var partitions: Int

  /// Rows that are kept, in one partition.
  public init(rows: Rows = .kept, partitions: Int = 1) {
    self.rows = rows
    self.partitions = partitions
  }

  /// The topic that the rows are carried to.
  public static let topic = "outbox.orders"
}

extension OutboxSettings: CustomStringConvertible {
  /// `outbox to outbox.orders in 1 partition, rows kept`.
  public var description: String {
    "outbox to \(Self.topic) in \(partitions) partition\(partitions == 1 ? "" : "s"), rows \(rows.rawValue)"
  }
}

extension StackSettings {
  /// Whether the log of events is Kafka's. With an outbox it is the store's, and Kafka has a copy of it.
  public var hasEventsInKafka: Bool { kind == .kafka && outbox == nil }
}

/// The connector of the outbox on its way to another store.
public struct OutboxMove: Sendable, Hashable, Codable {
  /// What a connector does about the rows that were there before its replication slot, in Debezium's own words
  /// (`snapshot.mode`).
  public enum Snapshot: String, Sendable, Hashable, Codable, CaseIterable {
    /// Nothing: it begins where its slot does, and what came between the two stores is missing.
    case noData = "no_data"
    /// It carries all of them, also those that were carried before.
    case initial
  }

  /// The region whose store it reads from now on.
  public var to: String
  /// What it does about the rows that are there already.
  public var snapshot: Snapshot

  /// A move from its parts.
  public init(to: String, snapshot: Snapshot = .noData) {
    self.to = to
    self.snapshot = snapshot
  }
}
