/// One row of a store's outbox, told by the event it belongs to: the row itself may be gone.
public struct OutboxRow: GroundTruthRow {
  /// A row of an `outbox` dump.
  public static let dumpKind = DumpKind.outbox
  /// The region whose store has it.
  public var store: String
  /// The row's id, the same in every store that has the event.
  public var row: String
  /// The event.
  public var event: EventID
  /// The region whose store took it first.
  public var origin: String
  /// Its number among the events that its origin took first.
  public var originSequence: Int64
  /// Its aggregate.
  public var key: UInt32
  /// Its place in the aggregate.
  public var keySequence: UInt64
  /// Of the payload.
  public var checksum: UInt64
  /// Whether the outbox's table still has the row.
  public var isKept: Bool

  /// A row by its parts.
  public init(
    store: String, row: String, event: EventID, origin: String, originSequence: Int64, key: UInt32,
    keySequence: UInt64, checksum: UInt64, isKept: Bool
  ) {
    self.store = store
    self.row = row
    self.event = event
    self.origin = origin
    self.originSequence = originSequence
    self.key = key
    self.keySequence = keySequence
    self.checksum = checksum
    self.isKept = isKept
  }
}

/// One record of the topic that the outbox is carried to.
public struct CarriedRow: GroundTruthRow {
  /// A row of a `carried` dump.
  public static let dumpKind = DumpKind.carried
  /// The region whose cluster has the topic.
  public var store: String
  /// The partition, `topic-number`.
  public var partition: String
  /// Its offset there.
  public var offset: Int64
  /// The row's id.
  public var row: String
  /// The event that it says it is.
  public var event: EventID
  /// Its aggregate.
  public var key: UInt32
  /// Its place in the aggregate.
  public var keySequence: UInt64
  /// Of what it carries.
  public var checksum: UInt64
  /// Milliseconds since 1970, by whoever wrote it; `nil` if the log has none.
  public var timestamp: Int64?

  /// A record by its parts.
  public init(
    store: String, partition: String, offset: Int64, row: String, event: EventID, key: UInt32, keySequence: UInt64,
    checksum: UInt64, timestamp: Int64? = nil
  ) {
    self.store = store
    self.partition = partition
    self.offset = offset
    self.row = row
    self.event = event
    self.key = key
    self.keySequence = keySequence
    self.checksum = checksum
    self.timestamp = timestamp
  }
}
