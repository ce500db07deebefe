internal import Events

/// Checklist item 1, `mirror-lag-zero` (taxonomy M1, M4, M17, D11; domain 31, 70).
///
/// For each direction of a mirror: how long after the heal until every event that the origin's tail had shown before the heal
/// was shown by the target's tail too, and no event of the origin is missing there for longer than the freshness bound. Lag is
/// identity against identity; no counter of the mirror's own is asked. At quiescence the origin's own rows and the target's
/// rows of that origin must be the same events with the same payloads.
///
/// Where clusters with partitions were dumped, the same is told by partition, from the records' own times and identities: the places
/// of markers and of aborted records are none. Beside it stands what the difference of the log ends would have claimed, which under
/// transactions never comes to zero, and what Connect said of the mirror (``MirrorClaims``).
///
/// An event still missing at the end fails the item if the objective's time is over, or if a later event of the same origin
/// has come through (then it is skipped, not late); otherwise nobody can tell yet. A drill in which no direction fell behind
/// by more than the freshness bound is vacuous.
struct MirrorLagCheck: Check {
  /// An event as one origin's: the same id under another origin is another row, and item 2's to judge.
  private struct Sight: Hashable {
    var store: NodeIndex
    var origin: NodeIndex
  }

  /// When each store's tail first showed each event.
  private var seen: [Sight: [EventID: Int64]] = [:]
  /// Stores that acknowledged a write.
  private var written: Set<NodeIndex> = []

  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {
    if operation.isWrite, operation.outcome == .ok { written.insert(operation.node) }
    guard operation.kind == .observe, operation.outcome == .ok, let origin = operation.origin else { return }
    let time = ended(operation)
    let sight = Sight(store: operation.node, origin: origin)
    if let earlier = seen[sight]?[operation.event], earlier <= time { return }
    seen[sight, default: [:]][operation.event] = time
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    var summaries: [String] = []
    var anyBehind = false
    var compared = 0
    var slowest: Int64?
    var unsettled = false
    for direction in facts.roles.mirrors {
      var report = judge(direction, facts)
      // That nothing was read is as it should be only where nothing was written.
      if report.hasNoRecords, let origin = facts.index(of: direction.from), written.contains(origin) {
        report.missing.append(
          "what \(direction.from) had for \(direction.to): writes were acknowledged there, and nothing was read")
      }
      result.findings += report.findings
      result.missing += report.missing
      summaries.append("\(direction) \(report.summary)")
      anyBehind = anyBehind || report.wasBehind
      compared += report.compared
      result.measures += report.measures
      if let took = report.caughtUpAfter {
        result.measures.append(.seconds("\(direction) lag zero after heal", took))
        slowest = max(slowest ?? 0, took)
      }
      unsettled = unsettled || report.isUnsettled
      result.measures.append(.seconds("\(direction) longest lag during the fault", report.longestLag))
    }
    if !unsettled { result.lagZero = slowest }
    if facts.roles.mirrors.isEmpty { result.missing.append("a mirror: the topology names none") }
    if !anyBehind {
      result.vacuity = "no mirror fell behind by more than \(brief(facts.objectives.freshness)) during the fault"
    }
    result.trials = Count("mirrored events", compared)
    result.failure = "a mirror did not catch up: \(result.findings.first?.what ?? "")"
    result.coverage = Coverage(
      summaries.joined(separator: "; "),
      counts: [Count("directions", facts.roles.mirrors.count), Count("events compared by identity", compared)],
      notes: facts.roles.mirrors.compactMap { notePauses(of: $0, facts.pauses) })
    return result
  }

  /// What was not expected of a mirror because it was stopped on purpose.
  private func notePauses(of flow: MirrorDirection, _ pauses: [MirrorPause]) -> String? {
    let ranges = pauses.ranges(of: flow)
    guard !ranges.isEmpty else { return nil }
    let whole = ranges.reduce(0) { $0 + ($1.upperBound - $1.lowerBound) }
    return "the runbook had stopped \(flow) for \(brief(whole))"
      + (ranges.count > 1 ? " in \(ranges.count) pauses" : "") + ", in which nothing was expected of it"
  }

  private struct Report {
    var findings: [Finding] = []
    var missing: [String] = []
    var summary = ""
    var wasBehind = false
    var longestLag: Int64 = 0
    var caughtUpAfter: Int64?
    var compared = 0
    /// Some events never came, so lag never was zero.
    var isUnsettled = false
    /// The origin's partitions have nothing of ours.
    var hasNoRecords = false
    /// Figures of the partitions.
    var measures: [Measure] = []
  }

  private func judge(_ direction: MirrorDirection, _ facts: Facts) -> Report {
    var report = Report()
    guard let healed = facts.milestones.healed, let quiescent = facts.milestones.quiescent else {
      report.missing.append("the time of the \(facts.milestones.healed == nil ? "heal" : "quiescence")")
      return report
    }
    let view = MirrorView(
      truth: facts.truth, faults: facts.faults, milestones: facts.milestones, objectives: facts.objectives,
      pauses: facts.pauses,
      end: quiescent)
    if let records = view.records(of: direction) {
      var report = judge(MirrorEvidence(partitionsOf: view, direction, records), records, healed)
      report.measures += MirrorClaims(direction, facts).measures
      return report
    }
    guard let originLog = facts.log(of: direction.from, &report.missing),
      let targetLog = facts.log(of: direction.to, &report.missing)
    else { return report }
    let own = originLog.filter { $0.origin == direction.from }
    let mirrored = targetLog.filter { $0.origin == direction.from }
    let shown = times(at: direction.from, of: direction.from, facts)
    let arrived = times(at: direction.to, of: direction.from, facts)
    guard !own.isEmpty || !mirrored.isEmpty || !shown.isEmpty else {
      report.hasNoRecords = true
      report.summary = "carried nothing"
      return report
    }
    requireTails(direction, own, mirrored, shown, arrived, &report)
    let absent = compare(direction, own, mirrored, healed, quiescent, facts, &report)
    report.compared = own.count
    report.isUnsettled = !absent.isEmpty

    let events = shown.filter { !absent.contains($0.key) }
      .map { Passage(event: $0.key, shown: $0.value, arrived: arrived[$0.key]) }
      .filter { $0.arrived != nil || $0.shown <= healed }
    measureLag(events, healed, facts, &report)
    guard !events.contains(where: { $0.arrived == nil }) else { return report }
    judgeCatchUp(direction, events, healed, facts, &report)
    return report
  }

  private struct Passage {
    var event: EventID
    var shown: Int64
    var arrived: Int64?
  }

  private func times(at store: String, of origin: String, _ facts: Facts) -> [EventID: Int64] {
    guard let store = facts.index(of: store), let origin = facts.index(of: origin) else { return [:] }
    return seen[Sight(store: store, origin: origin)] ?? [:]
  }

  /// Lag can only be told of events that both tails have shown; a tail with gaps proves nothing.
  private func requireTails(
    _ direction: MirrorDirection, _ own: [LogRow], _ mirrored: [LogRow], _ shown: [EventID: Int64],
    _ arrived: [EventID: Int64], _ report: inout Report
  ) {
    let unshown = own.filter { shown[$0.event] == nil }.count
    if unshown > 0 {
      report.missing.append(
        "observations of \(grouped(unshown)) of \(counted(own.count, "event")) by the tail of \(direction.from)")
    }
    let unseen = mirrored.filter { arrived[$0.event] == nil }.count
    if unseen > 0 {
      report.missing.append(
        "observations of \(grouped(unseen)) of \(counted(mirrored.count, "mirrored event")) by the tail of \(direction.to)"
      )
    }
  }

  /// Compares the two dumps by identity and payload. Returns the events that the target lacks.
  private func compare(
    _ direction: MirrorDirection, _ own: [LogRow], _ mirrored: [LogRow], _ healed: Int64, _ quiescent: Int64,
    _ facts: Facts, _ report: inout Report
  ) -> Set<EventID> {
    let there = Dictionary(mirrored.map { ($0.event, $0) }, uniquingKeysWith: { first, _ in first })
    let here = Dictionary(own.map { ($0.event, $0) }, uniquingKeysWith: { first, _ in first })
    let frontier = mirrored.map(\.originSequence).max() ?? .min
    let waited = quiescent - healed
    var absent: [LogRow] = []
    for row in own {
      guard let copy = there[row.event] else {
        absent.append(row)
        continue
      }
      if let before = row.checksum, let after = copy.checksum, before != after {
        report.findings.append(
          Finding(
            "M4", "\(row.event) has another payload in \(direction.to) than in \(direction.from)", events: [row.event],
            store: direction.to, positions: [copy.position]))
      }
    }
    for row in mirrored where here[row.event] == nil {
      report.findings.append(
        Finding(
          "D5", "\(row.event) stands in \(direction.to) as an event of \(direction.from), which does not have it",
          events: [row.event], store: direction.to, positions: [row.position]))
    }
    let skipped = absent.filter { $0.originSequence < frontier }
    let tail = absent.filter { $0.originSequence >= frontier }
    for row in skipped {
      report.findings.append(
        Finding(
          "M1", "\(row.event) of \(direction.from) never reached \(direction.to), although later events did",
          events: [row.event], store: direction.to))
    }
    if !tail.isEmpty && waited >= facts.objectives.mirrorCatchUp {
      for row in tail {
        report.findings.append(
          Finding(
            "M17", "\(row.event) of \(direction.from) had not reached \(direction.to) \(brief(waited)) after the heal",
            events: [row.event], store: direction.to, times: [healed, quiescent]))
      }
    } else if !tail.isEmpty {
      report.missing.append(
        "the end of the catch-up: \(counted(tail.count, "event")) (\(tail[0].event) first) of \(direction.from) had not "
          + "reached \(direction.to) when the run ended, \(brief(waited)) after the heal; "
          + "the objective is \(brief(facts.objectives.mirrorCatchUp))")
    }
    return Set(absent.map(\.event))
  }

  /// Partition by partition. What is wrong is found by the rows of mirrors; here it is measured, and said what was missing.
  private func judge(_ evidence: MirrorEvidence, _ records: [PartitionRow], _ healed: Int64) -> Report {
    var report = Report()
    let flow = evidence.expectations.flow
    var checks = MirrorChecks(evidence.expectations)
    for event in evidence.events { checks.take(event) }
    report.missing = (evidence.missing[.mirrorMissing] ?? []) + checks.unsettled(.lagNotZero)
    if records.contains(where: { $0.store == flow.to && $0.observed == nil }) {
      report.missing.append("the times at which the records of \(flow.to) were seen")
    }
    var back: Int64 = 0
    let partitions = checks.partitions.values.filter { $0.pairing.sourceCount > 0 }.sorted {
      $0.place.partition < $1.place.partition
    }
    for partition in partitions {
      report.compared += partition.pairing.targetCount
      report.longestLag = max(report.longestLag, partition.lag.longest)
      if partition.pairing.behind > 0 { report.isUnsettled = true }
      report.measures.append(.seconds("\(partition.place) longest lag", partition.lag.longest))
      // Back to zero after the outage that ended last; none, where it never was behind then.
      guard let moment = partition.lag.back?.time else { continue }
      back = max(back, moment - healed)
      report.measures.append(.seconds("\(partition.place) lag zero after heal", max(0, moment - healed)))
    }
    report.wasBehind = report.longestLag > evidence.expectations.freshness
    guard !partitions.isEmpty else {
      report.hasNoRecords = true
      report.summary = "carried nothing"
      return report
    }
    if !report.isUnsettled { report.caughtUpAfter = max(0, back) }
    report.summary =
      report.wasBehind
      ? "was \(brief(report.longestLag)) behind in \(counted(partitions.count, "partition")) and "
        + (report.isUnsettled ? "did not catch up" : "caught up \(brief(max(0, back))) after the heal")
      : "never fell behind in \(counted(partitions.count, "partition"))"
    return report
  }

  private func measureLag(_ events: [Passage], _ healed: Int64, _ facts: Facts, _ report: inout Report) {
    let lags = events.filter { $0.shown <= healed }.map { min($0.arrived ?? healed, healed) - $0.shown }
    report.longestLag = max(0, lags.max() ?? 0)
    report.wasBehind = report.longestLag > facts.objectives.freshness
  }

  /// Finds the first moment after the heal at which nothing from before it is missing and nothing is older than the bound.
  private func judgeCatchUp(
    _ direction: MirrorDirection, _ events: [Passage], _ healed: Int64, _ facts: Facts, _ report: inout Report
  ) {
    let freshness = facts.objectives.freshness
    let behind = events.filter { $0.shown <= healed && ($0.arrived ?? .max) > healed }
    var moment = max(healed, behind.compactMap(\.arrived).max() ?? healed)
    while true {
      let stale = events.filter { $0.shown < moment - freshness && ($0.arrived ?? .max) > moment }
      guard let next = stale.compactMap(\.arrived).max() else { break }
      moment = next
    }
    let took = moment - healed
    report.caughtUpAfter = took
    report.summary =
      report.wasBehind
      ? "was \(brief(report.longestLag)) behind and caught up \(brief(took)) after the heal" : "never fell behind"
    guard took > facts.objectives.mirrorCatchUp else { return }
    let deadline = healed + facts.objectives.mirrorCatchUp
    let late = events.filter { $0.shown < deadline - freshness && ($0.arrived ?? .max) > deadline }
      .sorted { $0.event < $1.event }
    for passage in late {
      report.findings.append(
        Finding(
          "M17",
          "\(passage.event) of \(direction.from) reached \(direction.to) \(brief((passage.arrived ?? deadline) - healed)) "
            + "after the heal; the objective is \(brief(facts.objectives.mirrorCatchUp))",
          events: [passage.event], store: direction.to, times: [passage.shown, passage.arrived ?? deadline]))
    }
    if late.isEmpty {
      report.findings.append(
        Finding(
          "M17",
          "\(direction) caught up \(brief(took)) after the heal; the objective is \(brief(facts.objectives.mirrorCatchUp))",
          store: direction.to, times: [healed, moment]))
    }
  }
}
