public import Events

/// An end of a mirror.
public enum MirrorSide: String, Sendable, Hashable, Codable {
  /// The log that is carried.
  case source
  /// The log that receives.
  case target
}

/// One record of one partition, as one end of a mirror has it.
public struct MirrorRecord: Sendable, Hashable {
  /// Which event it is; the same at both ends. `nil`: it bears no identity, and can only be told by its content.
  public var event: EventID?
  /// Its offset in this end's partition.
  public var offset: Int64
  /// The key, or its hash.
  public var key: UInt64
  /// A checksum of key and value as read here. `nil`: not taken.
  public var checksum: UInt64?
  /// The clusters it has passed before this one, the first one first. Empty: not kept, or none.
  public var provenance: [String]

  /// A record.
  public init(event: EventID?, offset: Int64, key: UInt64, checksum: UInt64? = nil, provenance: [String] = []) {
    self.event = event
    self.offset = offset
    self.key = key
    self.checksum = checksum
    self.provenance = provenance
  }
}

/// What a group had committed in one partition of one end, at one moment.
public struct GroupOffset: Sendable, Hashable {
  /// The group.
  public var group: String
  /// The next offset it will read. `nil`: it has committed none.
  public var committed: Int64?
  /// Members that were active. `nil`: not told.
  public var members: Int?
  /// The generation the commit was made in; below 0: not by a member. `nil`: not told.
  public var generation: Int32?

  /// A group's place at one end.
  public init(group: String, committed: Int64?, members: Int? = nil, generation: Int32? = nil) {
    self.group = group
    self.committed = committed
    self.members = members
    self.generation = generation
  }
}

/// One thing seen about one mirror. Partitions are called as at the source.
///
/// The records of one partition of one end come in the order of its log; everything else comes in the order of time. The two
/// ends may be read one after the other, or live, side by side.
public struct MirrorEvent: Sendable, Hashable {
  /// What was seen.
  public enum Content: Sendable, Hashable {
    /// The next record of a partition. What a reader steps over (control records, compacted places) is left out.
    case record(MirrorSide, MirrorRecord)
    /// The first offset that could still be read, and the one that the next record would get.
    case bounds(MirrorSide, start: Int64, end: Int64)
    /// How many partitions the topic had; ``MirrorEvent/partition`` is then the topic.
    case partitions(MirrorSide, count: Int)
    /// The id of the topic that ``MirrorEvent/partition`` names.
    case topic(MirrorSide, id: String)
    /// The mirror wrote a sync point.
    case sync(SyncPoint)
    /// The mirror wrote a checkpoint.
    case checkpoint(Checkpoint)
    /// A group's committed offset was read.
    case groupOffset(MirrorSide, GroupOffset)
    /// Sync points that were written before this moment may not have been seen.
    case syncGap
    /// A new heartbeat arrived at the target.
    case heartbeat
    /// The mirror's checkpoint task was started anew. If it found no checkpoints, of earlier sync points only the last one is
    /// usable from here on; if it found some, all that the topic still had. Which of the two nobody tells.
    case restarted
    /// Nothing more will come.
    case end
  }

  /// When it was seen, nanoseconds on the recorder's clock.
  public var time: Int64
  /// The partition. Empty where there is only one, or where it is about none.
  public var partition: String
  /// What was seen.
  public var content: Content

  /// Something seen at `time`.
  public init(_ time: Int64, _ content: Content, partition: String = "") {
    self.time = time
    self.partition = partition
    self.content = content
  }
}

/// What a mirror promises, and when it need not keep the promise. Durations are nanoseconds.
public struct MirrorExpectations: Sendable {
  /// From where to where.
  public var flow: MirrorDirection
  /// The age up to which a record that is not mirrored yet is no lag.
  public var freshness: Int64
  /// How long the mirror may be behind, not counting ``outages`` and ``pauses``.
  public var catchUp: Int64
  /// How long after a group's commit at the source its checkpoint may stay behind: the checkpoint interval and a margin.
  public var checkpointAge: Int64
  /// The longest time between two heartbeats that is no outage: a few intervals.
  public var heartbeatGap: Int64
  /// When the heartbeats began to be read. `nil`: not told; the first one that came begins.
  public var heartbeatsSince: Int64?
  /// How much later a sync point may be read by the mirror's checkpoint task than it was seen by us.
  public var syncDelay: Int64
  /// When nobody can expect anything: from the arming of a fault to the proof that it was gone.
  public var outages: [ClosedRange<Int64>]
  /// When it was stopped on purpose.
  public var pauses: [ClosedRange<Int64>]
  /// Whether both logs are compacted: a record may be gone when a later one of its key is there.
  public var isCompacted: Bool
  /// Whether the mirror keeps only the order within each key, and not that of the whole partition.
  public var isOrderedByKey: Bool
  /// Records that the mirror leaves out on purpose.
  public var isFiltered: @Sendable (MirrorRecord) -> Bool

  /// The promises of MirrorMaker 2 with its own defaults: a checkpoint a minute, a heartbeat a second.
  public init(
    flow: MirrorDirection, freshness: Int64 = 2_000_000_000, catchUp: Int64 = 300_000_000_000,
    checkpointAge: Int64 = 120_000_000_000, heartbeatGap: Int64 = 5_000_000_000, syncDelay: Int64 = 5_000_000_000,
    outages: [ClosedRange<Int64>] = [], pauses: [ClosedRange<Int64>] = [], isCompacted: Bool = false,
    isOrderedByKey: Bool = false,
    isFiltered: @escaping @Sendable (MirrorRecord) -> Bool = { _ in false }
  ) {
    self.flow = flow
    self.freshness = freshness
    self.catchUp = catchUp
    self.checkpointAge = checkpointAge
    self.heartbeatGap = heartbeatGap
    self.syncDelay = syncDelay
    self.outages = outages
    self.pauses = pauses
    self.isCompacted = isCompacted
    self.isOrderedByKey = isOrderedByKey
    self.isFiltered = isFiltered
  }

  /// When nothing is to be expected of it: outages, and pauses.
  var interruptions: [ClosedRange<Int64>] { outages + pauses }

  /// How much of a stretch of time lies outside every interruption.
  func undisturbed(_ from: Int64, _ to: Int64) -> Int64 {
    guard to > from else { return 0 }
    var left = to - from
    var covered = from
    for outage in interruptions.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      let start = max(outage.lowerBound, covered)
      let end = min(outage.upperBound, to)
      guard end > start else { continue }
      left -= end - start
      covered = end
    }
    return left
  }
}
