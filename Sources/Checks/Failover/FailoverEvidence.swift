internal import Events

extension FailoverRecord {
  /// The failover that the evidence of a drill tells of: the survivor takes over from the primary.
  ///
  /// Each partition of a store's log is one of its own, whatever topic it belongs to; a store of one log has one. Keys are classed
  /// by the region of their producers.
  init(_ evidence: Evidence, _ facts: Facts) throws(Unmeasurable) {
    guard let newToken = facts.newToken else {
      throw Unmeasurable(what: "a grant of write authority after the fault: without one there was no promotion")
    }
    guard let seal = facts.seal, let promoted = facts.promotion else {
      throw Unmeasurable(
        what: "the seal of \(facts.roles.survivor) with token \(newToken), and when it was set")
    }
    guard let lost = facts.milestones.loss else { throw Unmeasurable(what: "the moment at which the leader was lost") }
    let roles = facts.roles
    guard let oldLog = facts.truth.logs[roles.primary], let newLog = facts.truth.logs[roles.survivor] else {
      let absent = facts.truth.logs[roles.primary] == nil ? roles.primary : roles.survivor
      throw Unmeasurable(what: "the dump of \(absent)'s log")
    }
    guard seal.tellsBarriers(of: newLog) else { throw Unmeasurable(what: Unmeasurable.barriers(of: roles.survivor)) }
    let partitions = PartitionNumbers(oldLog + newLog)
    let barriers = newLog.reduce(into: [Int: Int64]()) { barriers, row in
      barriers[partitions[row.partition]] = seal.barrier(in: row.partition)
    }
    self.init(
      from: roles.primary, to: roles.survivor, newEpoch: newToken, lost: lost, promoted: promoted,
      healed: facts.milestones.healed, barrier: barriers, lostClasses: [roles.primary],
      writes: Self.writes(evidence.history.operations, facts), oldLog: Self.rows(oldLog, partitions),
      newLog: Self.rows(newLog, partitions))
    limits.recoveryPoint = facts.objectives.recoveryPoint
    limits.refreshInterval = facts.objectives.freshness
    dispositions = facts.truth.reconciled.map { rows in
      Dictionary(rows.map { ($0.event, Disposition($0.disposition)) }, uniquingKeysWith: { _, last in last })
    }
    takeReplays(evidence.history, facts)
    takeTimelines(facts.truth)
    snapshots = evidence.snapshots
  }

  private static func writes(_ operations: [Operation], _ facts: Facts) -> [Write] {
    operations.filter { $0.kind == .append }.map { op in
      Write(
        event: op.event, lane: Lane(partition: partition(of: op, facts), keyClass: facts.name(of: op.region)),
        site: facts.name(of: op.node), epoch: op.token ?? .min, invoked: op.invoked, ended: ended(op),
        isAcknowledged: op.outcome == .ok)
    }
    .sorted { ($0.ended, $0.event) < ($1.ended, $1.event) }
  }

  /// The number of the partition that a write is for, the same in every cluster.
  private static func partition(of write: Operation, _ facts: Facts) -> Int {
    write.partition.flatMap { facts.names.name(of: $0) }.map(PartitionNames.number(of:)) ?? 0
  }

  /// Partitions by their names, numbered as they come.
  private struct PartitionNumbers {
    private let numbers: [String: Int]

    init(_ rows: [LogRow]) {
      let names = Set(rows.compactMap(\.partition)).sorted()
      numbers = Dictionary(uniqueKeysWithValues: names.enumerated().map { ($1, $0) })
    }

    subscript(name: String?) -> Int { name.flatMap { numbers[$0] } ?? 0 }
  }

  private static func rows(_ log: [LogRow], _ partitions: PartitionNumbers) -> [Row] {
    log.map {
      Row(
        event: $0.event, partition: partitions[$0.partition], position: $0.position, key: $0.key,
        keySequence: $0.keySequence,
        epoch: $0.token ?? .min)
    }
  }

  private mutating func takeReplays(_ history: HistoryEvidence, _ facts: Facts) {
    guard let applied = facts.truth.applied else { return }
    effects = applied.count
    var repeated: [String: [EventID: Int]] = [:]
    var delivered: [String: Int] = [:]
    for consumer in facts.roles.consumers {
      repeated[consumer.group] = [:]
      delivered[consumer.group] = 0
    }
    for row in applied where row.times > 1 { repeated[row.group, default: [:]][row.event] = row.times }
    for op in history.operations where op.kind == .apply && ended(op) >= lost {
      guard case .fail(let code) = op.outcome, facts.redeliveries.contains(code),
        let group = op.group.flatMap({ facts.names.name(of: $0) })
      else { continue }
      delivered[group, default: 0] += 1
    }
    repeatedEffects = repeated
    replays = delivered
  }

  private mutating func takeTimelines(_ truth: GroundTruth) {
    guard let timelines = truth.timelines, let committed = truth.commits else { return }
    commits = committed.map { Commit(event: $0.event, timeline: Int64($0.timeline), position: $0.location) }
    let last = timelines.filter { $0.store == newSite }.max { $0.timeline < $1.timeline }
    if let last, let parent = last.parent, let position = last.fork {
      fork = Fork(parent: Int64(parent), timeline: Int64(last.timeline), position: position)
    }
  }
}

extension FailoverRecord.Disposition {
  fileprivate init(_ disposition: ReconciledRow.Disposition) {
    switch disposition {
    case .replayed: self = .reconciled
    case .discarded: self = .discarded
    case .conflict: self = .conflict
    }
  }
}
