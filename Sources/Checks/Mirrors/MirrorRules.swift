/// When a mirror task writes a sync point: MirrorMaker 2's rules for one partition.
///
/// A point is due with the first record of the task's life; when a group that commits right behind the record would be
/// translated `offset.lag.max` or more too low; when an upstream offset was left out; when the target went back (it was
/// truncated). A due point stays due until it has been sent: points in flight are limited, and those held back are sent with
/// the next periodic commit.
///
/// Source: Apache Kafka, `MirrorSourceTask` and `OffsetSyncWriter` of `connect/mirror`, restated; pinned by the corpus.
public struct SyncEmission: Sendable, Hashable {
  private let lagMax: Int64
  private var lastSynced: Int64?
  private var upstream: Int64 = -1
  private var downstream: Int64 = -1
  private var isDue = false

  /// The rules with `offset.lag.max`, in records.
  public init(lagMax: Int64 = 100) { self.lagMax = lagMax }

  /// The record at `upstream` of the source was written to `downstream` of the target. Returns whether a point is due.
  public mutating func record(upstream: Int64, downstream: Int64) -> Bool {
    let isTooStale = lastSynced.map { downstream - ($0 + 1) >= lagMax } ?? true
    if isTooStale || upstream - self.upstream != 1 || downstream < self.downstream {
      lastSynced = downstream
      isDue = true
    }
    self.upstream = upstream
    self.downstream = downstream
    return isDue
  }

  /// The due point was sent.
  public mutating func sent() { isDue = false }
}

/// A group's place in one partition, at both ends of a mirror.
public struct Checkpoint: Sendable, Hashable {
  /// The group.
  public var group: String
  /// What it has committed at the source: the next offset it will read.
  public var upstream: Int64
  /// The target offset from which it would go on.
  public var downstream: Int64

  /// A group's place.
  public init(group: String, upstream: Int64, downstream: Int64) {
    self.group = group
    self.upstream = upstream
    self.downstream = downstream
  }
}

/// Which checkpoints MirrorMaker 2 emits: those that advance at the target, and those of a group that went back at the source.
///
/// Source: Apache Kafka, `MirrorCheckpointTask` of `connect/mirror`, restated; pinned by the corpus.
public struct CheckpointEmission: Sendable, Hashable {
  private var last: [String: Checkpoint] = [:]

  /// The rules, with the checkpoints that a task found when it started.
  public init(found: [Checkpoint] = []) { for checkpoint in found { last[checkpoint.group] = checkpoint } }

  /// The checkpoint that comes of `group`'s committed `upstream` offset with what `store` knows. `nil`: none is emitted.
  public mutating func checkpoint(_ group: String, upstream: Int64, _ store: OffsetSyncStore) -> Checkpoint? {
    guard let downstream = store.translate(upstream).offset else { return nil }
    let next = Checkpoint(group: group, upstream: upstream, downstream: downstream)
    if let last = last[group], upstream >= last.upstream, downstream <= last.downstream { return nil }
    last[group] = next
    return next
  }
}

/// When MirrorMaker 2 writes a group's translated offset to the target: only while no member of the group is active there, and
/// only forward.
///
/// Source: Apache Kafka, `MirrorCheckpointTask.syncGroupOffset`, restated; pinned by the corpus.
public enum GroupOffsetSync {
  /// The offset that is written to the target. `nil`: none. `target`: what the group has committed there; `nil`: nothing.
  public static func write(_ checkpoint: Checkpoint, target: Int64?, hasMembers: Bool) -> Int64? {
    if hasMembers { return nil }
    if let target, target >= checkpoint.downstream { return nil }
    return checkpoint.downstream
  }
}

/// How mirrored topics are called at the target: `east.orders` for `orders` of `east`.
///
/// Source: Apache Kafka, `DefaultReplicationPolicy` and `IdentityReplicationPolicy`, restated; pinned by the corpus.
public struct MirrorNaming: Sendable, Hashable {
  /// Between cluster and topic. `nil`: names stay as they are (the identity policy).
  public var separator: String?

  /// The default policy, or the identity policy when `separator` is `nil`.
  public init(separator: String? = ".") { self.separator = separator }

  /// The cluster that a topic was mirrored from, by its name. `nil`: by its name it is nobody's mirror.
  public func source(of topic: String) -> String? {
    guard let separator, let end = topic.firstRange(of: separator) else { return nil }
    return String(topic[..<end.lowerBound])
  }

  /// What `topic` of `source` is called at `target`: without its prefix where it came from there.
  public func target(_ topic: String, from source: String, to target: String) -> String {
    guard let separator else { return topic }
    if self.source(of: topic) == target { return String(topic.dropFirst(target.count + separator.count)) }
    return source + separator + topic
  }

  /// The clusters that a topic has passed, latest first, as far as its name tells and `clusters` are known.
  public func provenance(of topic: String, clusters: Set<String>) -> [String] {
    var passed: [String] = []
    var rest = topic
    while let separator, let cluster = source(of: rest), clusters.contains(cluster) {
      passed.append(cluster)
      rest = String(rest.dropFirst(cluster.count + separator.count))
    }
    return passed
  }
}
