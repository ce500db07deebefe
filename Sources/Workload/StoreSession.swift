public import Events

/// What a producer writes.
public struct NewEvent: Sendable, Hashable {
  /// Its identity.
  public var id: EventID
  /// The aggregate it belongs to.
  public var key: UInt32
  /// Its place in the aggregate, rising.
  public var keySequence: UInt64
  /// The event that led to this one; `nil` for the first of an aggregate.
  public var causation: EventID?
  /// What it carries.
  public var payload: [UInt8]
  /// Checksum of ``payload``, as ground truth will show it.
  public var checksum: UInt64
  /// When the producer made it, nanoseconds since 1970.
  public var wall: Int64
}

/// Where a store put an event.
public struct Receipt: Sendable, Hashable {
  /// The partition, `topic-number`. `nil`: the store has one log.
  public var partition: String?
  /// Position in that store's own log, or in the partition of it.
  public var position: Int64
  /// Number among the events that this region's store accepted first.
  public var originSequence: Int64

  /// Where an event stands.
  public init(partition: String? = nil, position: Int64, originSequence: Int64) {
    self.partition = partition
    self.position = position
    self.originSequence = originSequence
  }
}

/// One row of a store's log, as a tail sees it.
public struct TailRow: Sendable, Hashable {
  /// Whose event.
  public var id: EventID
  /// Its aggregate.
  public var key: UInt32
  /// Its place in the aggregate.
  public var keySequence: UInt64
  /// The region whose store accepted it first.
  public var origin: String
  /// Number among the events of that origin.
  public var originSequence: Int64
  /// The partition. `nil`: this store has one log.
  public var partition: String?
  /// Position in this store's log, or in the partition of it.
  public var position: Int64
  /// The token it was written with.
  public var token: Int64

  /// A row.
  public init(
    id: EventID, key: UInt32, keySequence: UInt64, origin: String, originSequence: Int64, partition: String? = nil,
    position: Int64, token: Int64
  ) {
    self.partition = partition
    self.id = id
    self.key = key
    self.keySequence = keySequence
    self.origin = origin
    self.originSequence = originSequence
    self.position = position
    self.token = token
  }
}

/// One event that a consumer group took delivery of.
public struct Delivery: Sendable, Hashable {
  /// Whose event.
  public var id: EventID
  /// Its aggregate.
  public var key: UInt32
  /// Its place in the aggregate.
  public var keySequence: UInt64
  /// The partition. `nil`: the store has one log.
  public var partition: String?
  /// Its position in the log that was read, or in the partition of it.
  public var position: Int64
  /// Delivered before, and refused by the idempotency check.
  public var isRepeat: Bool

  /// A delivery.
  public init(
    id: EventID, key: UInt32, keySequence: UInt64, partition: String? = nil, position: Int64, isRepeat: Bool
  ) {
    self.partition = partition
    self.id = id
    self.key = key
    self.keySequence = keySequence
    self.position = position
    self.isRepeat = isRepeat
  }
}

/// What one step of a consumer group did.
public struct AppliedBatch: Sendable, Hashable {
  /// The events it was given, in the order of the log.
  public var deliveries: [Delivery]
  /// Position of the last event that the group has read; `nil` when it read none in this step, or reads partitions.
  public var progress: Int64?
  /// By partition, the position of the last event that the group has read in this step.
  public var partitions: [String: Int64]

  /// A batch as the store reports it.
  public init(deliveries: [Delivery], progress: Int64?, partitions: [String: Int64] = [:]) {
    self.deliveries = deliveries
    self.progress = progress
    self.partitions = partitions
  }
}

/// How a request to a store ended, when it did not succeed.
public enum StoreFailure: Error, Sendable, Hashable {
  /// The store said no, with its code: it certainly had no effect.
  case refused(String)
  /// It never left: no connection could be opened.
  case notSent(String)
  /// It left, and no answer came that could be understood: it may have had an effect.
  case unknown(String)
}

/// One client's connection to one store, opened in the client's own region.
public protocol StoreSession: Sendable {
  /// Appends one event with a fencing token. Throws ``StoreFailure``.
  func append(_ event: NewEvent, token: Int64) async throws(StoreFailure) -> Receipt

  /// The highest sequence that the store holds of each aggregate; those without events are absent.
  func latestSequences(of keys: [UInt32]) async throws(StoreFailure) -> [UInt32: UInt64]

  /// Lets a consumer group read on and apply what it reads, progress and effect in one transaction.
  ///
  /// - Parameters:
  ///   - limit: the most events of one step.
  ///   - reread: how many events before its progress it takes delivery of again, as a consumer does that reconnects.
  func apply(group: String, limit: Int, reread: Int) async throws(StoreFailure) -> AppliedBatch

  /// The log's next rows after those that this session has returned before.
  func tail(limit: Int) async throws(StoreFailure) -> [TailRow]

  /// Ends the connection. Never blocks on a dead link.
  func close() async

  /// Where those are best run who write one event after the other: the thread that hears the answers, so that none of them has
  /// to wake another one. `nil`: anywhere.
  var executor: (any TaskExecutor)? { get }
}

extension StoreSession {
  /// Anywhere.
  public var executor: (any TaskExecutor)? { nil }
}

/// Opens sessions: from a region, to a store.
public protocol StoreConnector: Sendable {
  /// Connects from `region` to the store of `store`. Throws ``StoreFailure/notSent(_:)`` when it cannot.
  func connect(from region: String, to store: String) async throws(StoreFailure) -> any StoreSession

  /// The partition that events of an aggregate go to in a store, `topic-number`. `nil`: the store has one log.
  func partition(of key: UInt32, in store: String) -> String?

  /// The partitions that a consumer of a store reads; `nil` for the store's one log.
  func partitions(of store: String) -> [String?]
}

extension StoreConnector {
  /// A store with one log.
  public func partition(of key: UInt32, in store: String) -> String? { nil }

  /// A store with one log.
  public func partitions(of store: String) -> [String?] { [nil] }
}

/// Who may write, as one region's control plane sees it.
public struct Authority: Sendable, Hashable {
  /// The region whose store takes writes; `nil` while there is none.
  public var writer: String?
  /// The token that a write must carry.
  public var token: Int64?

  /// A view of write authority.
  public init(writer: String?, token: Int64?) {
    self.writer = writer
    self.token = token
  }
}

/// Where a client asks who may write.
public protocol AuthoritySource: Sendable {
  /// The latest view of `region`'s own control plane.
  func authority(in region: String) -> Authority
}
