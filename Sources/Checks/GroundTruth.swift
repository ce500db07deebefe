public import Events

/// The dumps. A dump that was not taken is absent, which is another thing than a dump without rows.
public struct GroundTruth: Sendable, Hashable, Codable {
  /// Each store's log.
  public var logs: [String: [LogRow]]
  /// Each store's fences, in the order in which they were set.
  public var fences: [String: [FenceEntry]]
  /// What the consumer groups have applied. `nil`: not dumped.
  public var applied: [AppliedRow]?
  /// How far the consumer groups have come. `nil`: not dumped.
  public var progress: [ProgressRow]?
  /// The grants of write authority. `nil`: not dumped.
  public var grants: [GrantRow]?
  /// The clusters' partitions, place by place. `nil`: the stack has none, or they were not dumped.
  public var records: [PartitionRow]?
  /// Where the partitions' logs began and ended. `nil`: as ``records``.
  public var logBounds: [LogBoundsRow]?
  /// The groups' committed positions, by the clusters' own coordinators. `nil`: as ``records``.
  public var groupOffsets: [GroupOffsetRow]?
  /// The mirrors' sync points. `nil`: as ``records``.
  public var offsetSyncs: [OffsetSyncRow]?
  /// The mirrors' checkpoints. `nil`: as ``records``.
  public var checkpoints: [CheckpointRow]?
  /// Heartbeats that came through the mirrors. `nil`: as ``records``.
  public var heartbeats: [HeartbeatRow]?
  /// When the mirrors' checkpoint tasks were started anew. `nil`: nobody looked.
  public var mirrorRestarts: [MirrorRestartRow]?
  /// What Connect said of its connectors. `nil`: nobody listened.
  public var connectorStates: [ConnectorStateRow]?
  /// What happened to leases, by the election's own history. `nil`: as ``records``.
  public var leases: [LeaseRow]?
  /// The order in which fenced resources accepted writes. `nil`: as ``records``.
  public var accepts: [AcceptRow]?
  /// The registries' versions. `nil`: as ``records``.
  public var schemas: [SchemaRow]?
  /// The timelines of replicated stores. `nil`: as ``records``.
  public var timelines: [TimelineRow]?
  /// Where in their logs replicated stores committed the events. `nil`: as ``records``.
  public var commits: [CommitRow]?
  /// What was done about events that only one side had. `nil`: nobody decides about such.
  public var reconciled: [ReconciledRow]?
  /// Attempts to administer what guards stand before. `nil`: the stack has no guards.
  public var guardAttempts: [GuardAttemptRow]?
  /// What the guards decided. `nil`: as ``guardAttempts``.
  public var guardDecisions: [GuardDecisionRow]?
  /// The stores' outbox. `nil`: they have none, or it was not dumped.
  public var outbox: [OutboxRow]?
  /// What the outbox's topic has. `nil`: as ``outbox``.
  public var carried: [CarriedRow]?

  /// The dumps that were taken.
  public init(
    logs: [String: [LogRow]] = [:], fences: [String: [FenceEntry]] = [:], applied: [AppliedRow]? = nil,
    progress: [ProgressRow]? = nil, grants: [GrantRow]? = nil
  ) {
    self.logs = logs
    self.fences = fences
    self.applied = applied
    self.progress = progress
    self.grants = grants
  }

  /// Takes in one more dump of `rows` from `store`; rows of a kind that was dumped before are added to it.
  public mutating func add<Row: GroundTruthRow>(_ rows: [Row], of store: String?) {
    // By the kind, and not by what the rows can be cast to: none at all can be cast to anything.
    func cast<T>() -> [T] { rows.compactMap { $0 as? T } }
    switch Row.dumpKind {
    case .log: if let store { logs[store, default: []] += cast() }
    case .fence: if let store { fences[store, default: []] += cast() }
    case .applied: applied = (applied ?? []) + cast()
    case .progress: progress = (progress ?? []) + cast()
    case .grants: grants = (grants ?? []) + cast()
    case .records: records = (records ?? []) + cast()
    case .logBounds: logBounds = (logBounds ?? []) + cast()
    case .groupOffsets: groupOffsets = (groupOffsets ?? []) + cast()
    case .offsetSyncs: offsetSyncs = (offsetSyncs ?? []) + cast()
    case .checkpoints: checkpoints = (checkpoints ?? []) + cast()
    case .heartbeats: heartbeats = (heartbeats ?? []) + cast()
    case .mirrorRestarts: mirrorRestarts = (mirrorRestarts ?? []) + cast()
    case .connectorStates: connectorStates = (connectorStates ?? []) + cast()
    case .leases: leases = (leases ?? []) + cast()
    case .accepts: accepts = (accepts ?? []) + cast()
    case .schemas: schemas = (schemas ?? []) + cast()
    case .timelines: timelines = (timelines ?? []) + cast()
    case .commits: commits = (commits ?? []) + cast()
    case .reconciled: reconciled = (reconciled ?? []) + cast()
    case .guardAttempts: guardAttempts = (guardAttempts ?? []) + cast()
    case .guardDecisions: guardDecisions = (guardDecisions ?? []) + cast()
    case .outbox: outbox = (outbox ?? []) + cast()
    case .carried: carried = (carried ?? []) + cast()
    }
  }
}
