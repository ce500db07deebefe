/// One sync point of a mirror: the source offset and the target offset of the same record.
public struct OffsetSyncRow: GroundTruthRow {
  /// A row of an `offset-syncs` dump.
  public static let dumpKind = DumpKind.offsetSyncs
  /// The cluster that is mirrored.
  public var source: String
  /// The cluster that holds the mirror.
  public var target: String
  /// The partition, as named at the source.
  public var partition: String
  /// The record's offset at the source.
  public var upstream: Int64
  /// The record's offset at the target.
  public var downstream: Int64
  /// The place in the topic that carries sync points. `nil`: not read from a topic.
  public var offset: Int64?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A sync point.
  public init(
    source: String, target: String, partition: String, upstream: Int64, downstream: Int64, offset: Int64? = nil,
    observed: Int64
  ) {
    self.source = source
    self.target = target
    self.partition = partition
    self.upstream = upstream
    self.downstream = downstream
    self.offset = offset
    self.observed = observed
  }
}

/// One checkpoint of a mirror: a group's position at the source, translated for the target.
public struct CheckpointRow: GroundTruthRow {
  /// A row of a `checkpoints` dump.
  public static let dumpKind = DumpKind.checkpoints
  /// The cluster that is mirrored.
  public var source: String
  /// The cluster that holds the mirror.
  public var target: String
  /// The group.
  public var group: String
  /// The partition, as named at the source.
  public var partition: String
  /// The group's committed position at the source.
  public var upstream: Int64
  /// The position that the mirror says is the same at the target.
  public var downstream: Int64
  /// The place in the topic that carries checkpoints. `nil`: not read from a topic.
  public var offset: Int64?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A checkpoint.
  public init(
    source: String, target: String, group: String, partition: String, upstream: Int64, downstream: Int64,
    offset: Int64? = nil, observed: Int64
  ) {
    self.source = source
    self.target = target
    self.group = group
    self.partition = partition
    self.upstream = upstream
    self.downstream = downstream
    self.offset = offset
    self.observed = observed
  }
}

/// The moment at which a mirror's checkpoint task was started anew: what it can translate changes then.
public struct MirrorRestartRow: GroundTruthRow {
  /// A row of a `mirror-restarts` dump.
  public static let dumpKind = DumpKind.mirrorRestarts
  /// The cluster that is mirrored.
  public var source: String
  /// The cluster that holds the mirror.
  public var target: String
  /// When, nanoseconds on the recorder's monotonic clock: not later than the task could begin to translate.
  public var observed: Int64

  /// A start of the task.
  public init(source: String, target: String, observed: Int64) {
    self.source = source
    self.target = target
    self.observed = observed
  }
}

/// One heartbeat that came through a mirror.
public struct HeartbeatRow: GroundTruthRow {
  /// A row of a `heartbeats` dump.
  public static let dumpKind = DumpKind.heartbeats
  /// The cluster that is mirrored.
  public var source: String
  /// The cluster that holds the mirror.
  public var target: String
  /// When it was sent by its sender's clock, milliseconds since 1970.
  public var sent: Int64
  /// When it was seen at the target, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A heartbeat.
  public init(source: String, target: String, sent: Int64, observed: Int64) {
    self.source = source
    self.target = target
    self.sent = sent
    self.observed = observed
  }
}

/// What Connect said of a connector, or of one of its tasks, from that moment on: what an operator is shown, and no proof of
/// anything.
public struct ConnectorStateRow: GroundTruthRow {
  /// A row of a `connector-states` dump.
  public static let dumpKind = DumpKind.connectorStates
  /// The cluster whose worker runs it: for a mirror's connector the target.
  public var store: String
  /// The connector.
  public var connector: String
  /// The cluster whose records it carries. `nil`: it carries none, or it is not told.
  public var source: String?
  /// The task. `nil`: the connector itself.
  public var task: Int?
  /// The state, in Connect's own words: `RUNNING`, `FAILED`, …
  public var state: String
  /// The worker that has it. `nil`: none.
  public var worker: String?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A change of state.
  public init(
    store: String, connector: String, source: String? = nil, task: Int? = nil, state: String, worker: String? = nil,
    observed: Int64
  ) {
    self.store = store
    self.connector = connector
    self.source = source
    self.task = task
    self.state = state
    self.worker = worker
    self.observed = observed
  }
}
