public import Events

/// An event as a producer hands it to a store.
public struct NewEvent: Sendable, Hashable {
  /// Who produced it, and its number there.
  public var id: EventID
  /// The key by which a repeated request is known; by default the identity's text.
  public var idempotencyKey: String
  /// The aggregate it belongs to.
  public var aggregate: UInt32
  /// Its number within the aggregate.
  public var aggregateSequence: UInt64
  /// The event that caused it, if one did.
  public var causation: String?
  /// What groups a flow of events.
  public var correlation: String
  /// Version of its shape.
  public var version: Int32
  /// When it was produced, wall clock, nanoseconds since 1970 (stored to the microsecond).
  public var producedAt: Int64
  /// When the business says that it happened, same unit.
  public var businessAt: Int64
  /// Its schema's number in the registry.
  public var schema: Int32
  /// Its content.
  public var payload: String
  /// The producer's checksum of the content; the store only carries it.
  public var checksum: UInt64

  /// An event with its identity and content.
  public init(
    id: EventID, idempotencyKey: String? = nil, aggregate: UInt32, aggregateSequence: UInt64, causation: String? = nil,
    correlation: String, version: Int32 = 1, producedAt: Int64, businessAt: Int64? = nil, schema: Int32 = 1,
    payload: String, checksum: UInt64
  ) {
    self.id = id
    self.idempotencyKey = idempotencyKey ?? "\(id)"
    self.aggregate = aggregate
    self.aggregateSequence = aggregateSequence
    self.causation = causation
    self.correlation = correlation
    self.version = version
    self.producedAt = producedAt
    self.businessAt = businessAt ?? producedAt
    self.schema = schema
    self.payload = payload
    self.checksum = checksum
  }
}

/// A store's word that it holds an event.
public struct Acknowledgement: Sendable, Hashable {
  /// The region whose leaf it stands in: for a repeated event perhaps not the region that answered.
  public var origin: String
  /// Its place in that origin's own sequence.
  public var originSequence: Int64
  /// Its arrival number in the store that answered.
  public var position: Int64
  /// Whether the store had it already.
  public var duplicate: Bool
}

/// A place in a store's reading order. Every row below it has been read, and none can appear below it any more.
public struct StoreCursor: Sendable, Hashable, Comparable, Codable {
  /// The local transaction that wrote the row.
  public var transaction: UInt64
  /// The row's arrival number.
  public var position: Int64

  /// A place by its parts.
  public init(transaction: UInt64, position: Int64) {
    self.transaction = transaction
    self.position = position
  }

  /// Before the first row.
  public static let start = StoreCursor(transaction: 0, position: 0)

  /// By transaction, then by position.
  public static func < (left: StoreCursor, right: StoreCursor) -> Bool {
    (left.transaction, left.position) < (right.transaction, right.position)
  }
}

/// A row of a store's log.
public struct StoredEvent: Sendable, Hashable {
  /// Where it stands; continue reading after it.
  public var cursor: StoreCursor
  /// The event.
  public var id: EventID
  /// The region that wrote it first.
  public var origin: String
  /// Its place in that origin's own sequence.
  public var originSequence: Int64
  /// The aggregate.
  public var aggregate: UInt32
  /// Its number within the aggregate.
  public var aggregateSequence: UInt64
  /// The fencing token it was written under.
  public var token: Int64
  /// The producer's checksum.
  public var checksum: UInt64
  /// When it arrived in this store, its wall clock, nanoseconds since 1970 (to the microsecond).
  public var arrivedAt: Int64

  /// Its arrival number in this store: the log position that acknowledgements and barriers are given in.
  public var position: Int64 { cursor.position }
}

/// Whether a store takes writes.
public enum FenceMode: String, Sendable, Hashable, Codable {
  /// Writes under the fence's own token.
  case readWrite = "rw"
  /// No writes, whatever their token; mirrors go on.
  case readOnly = "ro"
}

/// A store's fence as it stands.
public struct FenceState: Sendable, Hashable, Codable {
  /// The region whose store it is; the only origin that may be written here.
  public var region: String
  /// The highest fencing token seen.
  public var token: Int64
  /// Whether that token may write.
  public var mode: FenceMode
  /// The region that holds the token.
  public var holder: String
  /// When the reign ends by itself, wall clock, nanoseconds since 1970; `nil` for never.
  public var validUntilWall: Int64?

  /// A fence by its parts.
  public init(region: String, token: Int64, mode: FenceMode, holder: String, validUntilWall: Int64? = nil) {
    self.region = region
    self.token = token
    self.mode = mode
    self.holder = holder
    self.validUntilWall = validUntilWall
  }
}

/// One change of a store's fence, written under the lock that made it.
public struct FenceChange: Sendable, Hashable {
  /// Its number, from 1.
  public var id: Int64
  /// The token from then on.
  public var token: Int64
  /// The mode from then on.
  public var mode: FenceMode
  /// The holder from then on.
  public var holder: String
  /// The last arrival number given out before: writes of the reign before have none above it.
  public var barrierPosition: Int64
  /// The last origin sequence given out before, likewise.
  public var barrierOriginSequence: Int64
  /// When, by the server's wall clock, nanoseconds since 1970.
  public var at: Int64
}

/// One event as a consumer group got it.
public struct Delivery: Sendable, Hashable {
  /// The event.
  public var id: EventID
  /// Its place in the store's reading order, from 1 without holes.
  public var ordinal: Int64
  /// Its arrival number in the store.
  public var position: Int64
  /// The aggregate.
  public var aggregate: UInt32
  /// Its number within the aggregate.
  public var aggregateSequence: UInt64
  /// Whether it changed the projection; `false` for a re-delivery that the idempotency check held off.
  public var applied: Bool
  /// Whether it was read before: its ordinal is not above the group's progress before this step.
  public var redelivered: Bool
}

/// One step of a consumer group.
public struct AppliedBatch: Sendable, Hashable {
  /// What was read, in the store's order.
  public var deliveries: [Delivery]

  /// How many changed the projection.
  public var appliedCount: Int { deliveries.count(where: \.applied) }
  /// How many had been read before.
  public var redeliveredCount: Int { deliveries.count(where: \.redelivered) }
}

/// What a group's projection says about one event.
public struct AppliedRecord: Sendable, Hashable {
  /// The consumer group.
  public var group: String
  /// The event.
  public var id: EventID
  /// The ordinal of its first delivery.
  public var ordinal: Int64
  /// How often it changed the projection.
  public var times: Int
  /// How often it was delivered.
  public var deliveries: Int
}

/// How far a group has read.
public struct ProgressRecord: Sendable, Hashable {
  /// The consumer group.
  public var group: String
  /// The last row read.
  public var cursor: StoreCursor
  /// How many rows of the store's reading order that is.
  public var ordinal: Int64
}

/// What a store says about its mirrors, in both directions.
public struct MirrorStatus: Sendable, Hashable {
  /// A mirror that reads from this store, seen by its replication slot.
  public struct Outgoing: Sendable, Hashable {
    /// The slot.
    public var slot: String
    /// Whether a walsender serves it now.
    public var active: Bool
    /// Bytes of the write-ahead log that the target has not confirmed; right also while it is cut off.
    public var lagBytes: Int64
  }
  /// A subscription of this store.
  public struct Incoming: Sendable, Hashable {
    /// The subscription.
    public var subscription: String
    /// Whether it is meant to run.
    public var enabled: Bool
    /// Whether its apply worker runs.
    public var running: Bool
    /// When the publisher was last heard, nanoseconds since 1970 by its wall clock; `nil` before the first time.
    public var lastHeardAt: Int64?
    /// Errors of its apply worker so far.
    public var applyErrors: Int64
    /// Tables whose first copy is not finished.
    public var unreadyTables: Int64
  }
  /// Slots of this store.
  public var outgoing: [Outgoing]
  /// Subscriptions of this store.
  public var incoming: [Incoming]
}

/// Why the fence refused a write.
public enum FenceRefusal: String, Sendable, Hashable {
  /// The token is not the fence's: lower, or higher than any that was sealed here.
  case otherToken = "BS409"
  /// The reign has ended: demoted, adopted from elsewhere, or run out.
  case readOnly = "BS423"
  /// The event's origin is another region.
  case otherOrigin = "BS403"

  /// The refusal in an error, if it is one.
  public init?(_ error: any Error) {
    guard let state = (error as? PostgresError)?.sqlState, let refusal = FenceRefusal(rawValue: state) else {
      return nil
    }
    self = refusal
  }
}
