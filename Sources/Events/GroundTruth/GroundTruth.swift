/// What a dump of the servers' own state is about.
public enum DumpKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// The rows of one store's log.
  case log
  /// The fences that one store has stood behind.
  case fence
  /// What consumer groups have applied.
  case applied
  /// How far consumer groups have come.
  case progress
  /// The tokens that the election has granted.
  case grants
  /// The places of the partitions of a cluster's logs.
  case records
  /// Where partitions' logs began and ended, sample by sample.
  case logBounds = "log-bounds"
  /// Positions of consumer groups, sample by sample.
  case groupOffsets = "group-offsets"
  /// A mirror's sync points.
  case offsetSyncs = "offset-syncs"
  /// A mirror's checkpoints.
  case checkpoints
  /// Heartbeats that came through a mirror.
  case heartbeats
  /// When mirrors' checkpoint tasks were started anew.
  case mirrorRestarts = "mirror-restarts"
  /// What Connect said of its connectors and tasks.
  case connectorStates = "connector-states"
  /// The lives of leases.
  case leases
  /// The order in which fenced resources accepted writes.
  case accepts
  /// Versions of schemas.
  case schemas
  /// A replicated store's timelines.
  case timelines
  /// Where a replicated store committed events.
  case commits
  /// What was done about events that only one side had.
  case reconciled
  /// Attempts to administer what guards stand before.
  case guardAttempts = "guard-attempts"
  /// What the guards decided, by their own logs.
  case guardDecisions = "guard-decisions"
  /// The rows of a store's outbox.
  case outbox
  /// What the topic has that the outbox is carried to.
  case carried
}

/// One row of ground truth: something that a server says about itself.
public protocol GroundTruthRow: Codable, Sendable, Hashable {
  /// The dump such rows stand in.
  static var dumpKind: DumpKind { get }
}

/// One event in one store's log, as the store has it.
public struct LogRow: GroundTruthRow {
  /// A row of a `log` dump.
  public static let dumpKind = DumpKind.log
  /// The store.
  public var store: String
  /// The partition that it stands in, `topic-number`. `nil`: the store has one log, and one order.
  public var partition: String?
  /// Its place in the order in which this store, or this partition of it, took events in, its own and mirrored ones; rising, holes
  /// allowed. Between partitions there is no order.
  public var position: Int64
  /// The event.
  public var event: EventID
  /// The region whose store accepted the event first.
  public var origin: String
  /// Its place in the order in which ``origin``, or a partition of it, accepted it; the same in every store.
  public var originSequence: Int64
  /// The aggregate.
  public var key: UInt32
  /// The place in the aggregate's own sequence.
  public var keySequence: UInt64
  /// The fencing token it was written with. `nil`: the store keeps none.
  public var token: Int64?
  /// A checksum of the payload as the store has it. `nil`: not taken.
  public var checksum: UInt64?
  /// When it arrived, by this store's clock, RFC 3339. `nil`: not kept. For people only.
  public var arrived: String?

  /// A row of a log.
  public init(
    store: String, partition: String? = nil, position: Int64, event: EventID, origin: String, originSequence: Int64,
    key: UInt32, keySequence: UInt64, token: Int64? = nil, checksum: UInt64? = nil, arrived: String? = nil
  ) {
    self.store = store
    self.partition = partition
    self.position = position
    self.event = event
    self.origin = origin
    self.originSequence = originSequence
    self.key = key
    self.keySequence = keySequence
    self.token = token
    self.checksum = checksum
    self.arrived = arrived
  }
}

/// Whether a fenced store takes writes.
public enum FenceMode: String, Sendable, Hashable, Codable {
  /// Writes with exactly the fence's token are taken.
  case readWrite = "rw"
  /// No write is taken, whatever its token.
  case readOnly = "ro"
}

/// One state of a store's fence, from the moment it was set to the moment of the next one.
public struct FenceEntry: GroundTruthRow {
  /// A row of a `fence` dump.
  public static let dumpKind = DumpKind.fence
  /// The store.
  public var store: String
  /// The lowest token that may write from here on.
  public var token: Int64
  /// Whether anybody may write.
  public var mode: FenceMode
  /// Who set it.
  public var holder: String
  /// The highest position in the store's log when the fence was set; −1 for an empty log. Every write that was in
  /// flight then had ended.
  public var barrierPosition: Int64
  /// The highest origin sequence among the store's own rows at the same moment; −1 when it had none.
  public var barrierOriginSequence: Int64
  /// Where the log has partitions, own and mirrored ones: the highest position of each at the same moment; −1 for an empty one. It
  /// then stands for both of the above. `nil`: the store has one log, and one order.
  public var partitionBarriers: [String: Int64]?
  /// When, by the store's clock, RFC 3339. `nil`: not kept. For people only.
  public var at: String?
  /// When the fence was known to be set, nanoseconds on the recorder's monotonic clock. `nil`: nobody looked.
  public var observed: Int64?

  /// A state of a fence.
  public init(
    store: String, token: Int64, mode: FenceMode, holder: String, barrierPosition: Int64,
    barrierOriginSequence: Int64, partitionBarriers: [String: Int64]? = nil, at: String? = nil, observed: Int64? = nil
  ) {
    self.store = store
    self.token = token
    self.mode = mode
    self.holder = holder
    self.barrierPosition = barrierPosition
    self.barrierOriginSequence = barrierOriginSequence
    self.partitionBarriers = partitionBarriers
    self.at = at
    self.observed = observed
  }
}

extension FenceEntry {
  /// The highest position in `partition` of the log when the fence was set; −1 where nothing stood there.
  public func barrier(in partition: String?) -> Int64 {
    guard let partition, let partitionBarriers else { return barrierPosition }
    return partitionBarriers[partition] ?? -1
  }

  /// The highest origin sequence among the store's own rows in `partition` at the same moment; −1 where there were none.
  public func originBarrier(in partition: String?) -> Int64 {
    guard let partition, let partitionBarriers else { return barrierOriginSequence }
    return partitionBarriers[partition] ?? -1
  }
}

/// One event that a consumer group has applied, by the group's own table.
public struct AppliedRow: GroundTruthRow {
  /// A row of an `applied` dump.
  public static let dumpKind = DumpKind.applied
  /// The group.
  public var group: String
  /// The store it reads from.
  public var store: String
  /// The event.
  public var event: EventID
  /// How often its effect was applied; 1 when all is well.
  public var times: Int

  /// An applied event.
  public init(group: String, store: String, event: EventID, times: Int) {
    self.group = group
    self.store = store
    self.event = event
    self.times = times
  }
}

/// How far a consumer group has come, by the group's own table.
public struct ProgressRow: GroundTruthRow {
  /// A row of a `progress` dump.
  public static let dumpKind = DumpKind.progress
  /// The group.
  public var group: String
  /// The store it reads from.
  public var store: String
  /// The partition. `nil`: the store has one log.
  public var partition: String?
  /// The position of the last event it has dealt with; −1 before the first.
  public var position: Int64

  /// A group's progress.
  public init(group: String, store: String, partition: String? = nil, position: Int64) {
    self.group = group
    self.store = store
    self.partition = partition
    self.position = position
  }
}

/// One grant of write authority, as the election's own history has it.
public struct GrantRow: GroundTruthRow {
  /// A row of a `grants` dump.
  public static let dumpKind = DumpKind.grants
  /// The fencing token: the revision at which the leader's key was created.
  public var token: Int64
  /// Who got it: a region.
  public var holder: String
  /// When it was seen, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64
  /// When it was first seen, by the wall clock, RFC 3339. `nil`: not kept. For people only.
  public var firstSeen: String?

  /// A grant.
  public init(token: Int64, holder: String, observed: Int64, firstSeen: String? = nil) {
    self.token = token
    self.holder = holder
    self.observed = observed
    self.firstSeen = firstSeen
  }
}
