/// One place of one partition's log, as the cluster has it: a record, a marker, or a hole that a reader stepped over.
public struct PartitionRow: GroundTruthRow {
  /// A row of a `records` dump.
  public static let dumpKind = DumpKind.records

  /// What stands at a place of a log.
  public enum Content: String, Sendable, Hashable, Codable {
    /// A record of a producer's, also one of an aborted transaction.
    case record
    /// The marker that commits a transaction.
    case commitMarker = "commit-marker"
    /// The marker that aborts a transaction.
    case abortMarker = "abort-marker"
    /// Nothing that can be read: compacted away, or a control record that its reader does not show.
    case hole
  }

  /// The cluster.
  public var store: String
  /// The partition, `topic-number`.
  public var partition: String
  /// The place, rising.
  public var offset: Int64
  /// What stands there.
  public var content: Content
  /// The event. `nil`: no record, or one that is not ours.
  public var event: EventID?
  /// The aggregate. `nil`: no record, or not readable.
  public var key: UInt32?
  /// The place in the aggregate's own sequence. `nil`: as ``key``.
  public var keySequence: UInt64?
  /// The hash of the key by which the partitioner chooses. `nil`: not taken.
  public var keyHash: UInt64?
  /// A checksum of the payload as read. `nil`: not taken.
  public var checksum: UInt64?
  /// The epoch of the leader that appended it. `nil`: not told.
  public var leaderEpoch: Int32?
  /// The epoch of the producer that sent it. `nil`: not told.
  public var producerEpoch: Int32?
  /// The transactional id of that producer. `nil`: none.
  public var transactionalID: String?
  /// The transaction, by the workload's own number. `nil`: none.
  public var transaction: UInt64?
  /// The clusters it came through, the first one first, from its headers or its topic's name. `nil`: not kept.
  public var provenance: [String]?
  /// Its timestamp, milliseconds since 1970, by producer or broker. `nil`: none.
  public var timestamp: Int64?
  /// When it was read, nanoseconds on the recorder's monotonic clock. `nil`: with the whole dump.
  public var observed: Int64?

  /// A place of a log.
  public init(store: String, partition: String, offset: Int64, content: Content = .record, event: EventID? = nil) {
    self.store = store
    self.partition = partition
    self.offset = offset
    self.content = content
    self.event = event
  }
}

/// Where one partition's log began and ended at one moment.
public struct LogBoundsRow: GroundTruthRow {
  /// A row of a `log-bounds` dump.
  public static let dumpKind = DumpKind.logBounds
  /// The cluster.
  public var store: String
  /// The partition, `topic-number`.
  public var partition: String
  /// The first offset that can still be read.
  public var start: Int64
  /// The offset that the next record will get.
  public var end: Int64
  /// The end of what is replicated enough to be read. `nil`: not told.
  public var highWatermark: Int64?
  /// The end of what readers of committed transactions are given. `nil`: not told.
  public var lastStable: Int64?
  /// How many partitions its topic had. `nil`: not asked.
  public var partitionCount: Int?
  /// The id of its topic, as the cluster prints it; one that was made anew has another. `nil`: not asked.
  public var topicID: String?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A log's bounds at one moment.
  public init(store: String, partition: String, start: Int64, end: Int64, observed: Int64) {
    self.store = store
    self.partition = partition
    self.start = start
    self.end = end
    self.observed = observed
  }
}

/// A consumer group's position in one partition at one moment, by the cluster's own group coordinator.
public struct GroupOffsetRow: GroundTruthRow {
  /// A row of a `group-offsets` dump.
  public static let dumpKind = DumpKind.groupOffsets
  /// The cluster.
  public var store: String
  /// The group.
  public var group: String
  /// The partition, `topic-number`.
  public var partition: String
  /// The next position to read. `nil`: the group has committed none.
  public var committed: Int64?
  /// The group's generation. `nil`: not told.
  public var generation: Int32?
  /// Members that were active, those among them that were assigned their partitions by hand. `nil`: not told.
  public var members: Int?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A group's position at one moment.
  public init(store: String, group: String, partition: String, committed: Int64?, observed: Int64) {
    self.store = store
    self.group = group
    self.partition = partition
    self.committed = committed
    self.observed = observed
  }
}

/// One version of one subject in a schema registry.
public struct SchemaRow: GroundTruthRow {
  /// A row of a `schemas` dump.
  public static let dumpKind = DumpKind.schemas
  /// The registry.
  public var store: String
  /// The subject.
  public var subject: String
  /// The version, from 1.
  public var version: Int
  /// The number by which records refer to it.
  public var schemaID: Int64
  /// A digest of the schema's canonical text, hexadecimal.
  public var fingerprint: String
  /// The subject's compatibility rule. `nil`: the registry's own.
  public var compatibility: String?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A version of a subject.
  public init(
    store: String, subject: String, version: Int, schemaID: Int64, fingerprint: String, compatibility: String? = nil,
    observed: Int64
  ) {
    self.store = store
    self.subject = subject
    self.version = version
    self.schemaID = schemaID
    self.fingerprint = fingerprint
    self.compatibility = compatibility
    self.observed = observed
  }
}
