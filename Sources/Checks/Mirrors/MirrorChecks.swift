internal import Events

/// All checks of one mirror (M1 to M13, M15 to M19), in one pass over what was seen of it: live beside the drill, or over a saved
/// record.
public struct MirrorChecks: AnomalyCheck {
  /// M1 to M13 and M15 to M19.
  public static let anomalies: Set<Anomaly> = [
    .mirrorMissing, .mirrorDuplicate, .mirrorReorder, .mirrorMutation, .mirrorDivergence, .translationOvershoot,
    .translationUndershoot, .translationBeyondEnd, .checkpointRegress, .checkpointStale, .groupOffsetClobber,
    .heartbeatGap, .mirrorLoop, .truncationSkip, .topicRecreated, .lagNotZero, .translationUnexplained, .syncPointFalse,
  ]

  private struct Counts: Sendable {
    var source: Int?
    var target: Int?
  }

  private let expectations: MirrorExpectations
  private(set) var partitions: [String: MirrorPartition] = [:]
  private(set) var heartbeats: HeartbeatCheck
  private(set) var identities: TopicIdentityCheck
  private var counts: [String: Counts] = [:]
  private var hasGap = false
  private var topics = MirrorParityCheck(MirrorPlace(flow: MirrorDirection(from: "", to: ""), partition: ""))
  private var time: Int64 = .min
  private var isOver = false

  /// Starts with nothing seen.
  public init(_ expectations: MirrorExpectations) {
    self.expectations = expectations
    heartbeats = HeartbeatCheck(expectations)
    identities = TopicIdentityCheck(expectations.flow)
    topics = MirrorParityCheck(MirrorPlace(flow: expectations.flow, partition: ""))
  }

  var flow: MirrorDirection { expectations.flow }

  /// How many topics had their partitions counted at both ends.
  var countedTopics: Int { counts.values.count { $0.source != nil && $0.target != nil } }

  /// Looks at the next event. What comes after ``MirrorEvent/Content/end`` is not looked at.
  public mutating func take(_ event: MirrorEvent) {
    guard !isOver else { return }
    // The recorder's clock does not run backwards; events that are handed over late are judged at the latest time known.
    time = max(time, event.time)
    switch event.content {
    case .heartbeat: heartbeats.beat(at: time)
    case .partitions(.source, let count): counts[event.partition, default: Counts()].source = count
    case .partitions(.target, let count): counts[event.partition, default: Counts()].target = count
    case .restarted: for partition in partitions.keys { partitions[partition]?.take(.restarted, at: time) }
    case .syncGap:
      hasGap = true
      for partition in partitions.keys { partitions[partition]?.take(.syncGap, at: time) }
    case .topic(let side, let id): identities.take(event.partition, id, at: side, time)
    case .end: end()
    case .record, .bounds, .sync, .checkpoint, .groupOffset:
      if partitions[event.partition] == nil { partitions[event.partition] = newPartition(event.partition) }
      partitions[event.partition]?.take(event.content, at: time)
    }
  }

  private func newPartition(_ name: String) -> MirrorPartition {
    var partition = MirrorPartition(MirrorPlace(flow: expectations.flow, partition: name), expectations)
    if hasGap { partition.take(.syncGap, at: time) }
    return partition
  }

  private mutating func end() {
    isOver = true
    heartbeats.end(at: time)
    for (topic, count) in counts.sorted(by: { $0.key < $1.key }) {
      if let source = count.source, let target = count.target {
        topics.takeCounts(topic, source: source, target: target)
      }
    }
    let names = partitions.keys.sorted()
    for name in names { partitions[name]?.end(at: time) }
    // A record that one partition lost and another one has was put into the wrong one.
    var home: [EventID: String] = [:]
    for name in names {
      for fact in partitions[name]?.lost ?? [] { if let event = fact.lostRecord?.event { home[event] = name } }
    }
    let strays = Set(names.flatMap { partitions[$0]?.foreign.compactMap(\.event) ?? [] }.filter { home[$0] != nil })
    let belonging = home.filter { strays.contains($0.key) }
    for name in names { partitions[name]?.settle(strays: belonging, elsewhere: strays) }
  }

  /// What was found since the last call, partition by partition.
  public mutating func drain() -> [Finding] {
    var findings: [Finding] = []
    for name in partitions.keys.sorted() { findings += partitions[name]?.drain() ?? [] }
    return findings + heartbeats.drain() + topics.drain() + identities.drain()
  }

  /// How many records each group would read again by its checkpoints, by partition.
  public var rereads: [String: [RereadFigures]] {
    partitions.mapValues { $0.undershoot.figures.values.sorted { $0.group < $1.group } }.filter { !$0.value.isEmpty }
  }
}
