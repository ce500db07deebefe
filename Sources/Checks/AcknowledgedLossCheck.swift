internal import Events

/// Checklist item 3, `no-acknowledged-loss` (taxonomy L2, L6, L19, D1, D2, E7; domain 94, 95).
///
/// Every acknowledged write must be in the survivor's log at quiescence. Those that were not there when the survivor was
/// promoted are the RPO, ``RecoveryPoint``; an event that came later was late, not lost. An RPO beyond the objective fails
/// the item.
///
/// Where nobody was promoted, an event that only its origin has is on its way as long as the origin has it: that is lag, and
/// `mirror-lag-zero`'s to judge. What the origin has let go of (retention) before it was carried is lost.
///
/// Unknown writes are looked up in the dumps: they took effect or they did not, both is legal. A write that certainly failed
/// and yet stands in a log is a violation (an aborted read), and so is an event that nobody ever sent.
struct AcknowledgedLossCheck: Check {
  private var recoveryPoint: RecoveryPointMeter
  private var failed: Set<EventID> = []
  private var unknown: Set<EventID> = []

  init(_ facts: Facts) { recoveryPoint = RecoveryPointMeter(facts) }

  mutating func take(_ operation: Operation) {
    recoveryPoint.take(operation)
    guard operation.isWrite else { return }
    switch operation.outcome {
    case .ok: break
    case .fail: failed.insert(operation.event)
    case .unknown: unknown.insert(operation.event)
    }
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    let acked = recoveryPoint.acknowledgements
    if acked.isEmpty { result.missing.append("an acknowledged write: there was none") }
    guard let log = facts.log(of: facts.roles.survivor, &result.missing) else { return result }
    let survived = Set(log.map(\.event))
    let kept = stillAtOrigin(facts)
    var underway = 0
    for (event, ack) in acked.sorted(by: { $0.key < $1.key }) where !survived.contains(event) {
      if kept[facts.name(of: ack.node)]?.contains(event) == true {
        underway += 1
        continue
      }
      result.findings.append(
        Finding(
          "L2", "\(event) was acknowledged by \(facts.name(of: ack.node)) and is not in \(facts.roles.survivor)'s log",
          events: [event], store: facts.roles.survivor, tokens: ack.token.map { [$0] } ?? [], times: [ack.completed]))
    }
    let lost = result.findings.count
    result.findings += impossibleRows(facts)
    judgeRecoveryPoint(facts, &result)

    let everywhere = Set(facts.truth.logs.values.joined().map(\.event))
    result.trials = Count("acknowledged events", acked.count)
    let open = unknown.filter { acked[$0] == nil }
    let tookEffect = open.filter(everywhere.contains).count
    result.failure =
      lost > 0
      ? "\(grouped(lost)) of \(counted(acked.count, "acknowledged event")) lost" : result.findings.first?.what ?? ""
    result.coverage = Coverage(
      "\(grouped(acked.count)) acknowledged, 0 lost: loss rate at most \(boundText(acked.count)) at 95 %",
      counts: [
        Count("acknowledged events", acked.count), Count("unknown writes", open.count),
        Count("unknown writes that took effect", tookEffect),
        Count("unknown writes that did not", open.count - tookEffect), Count("failed writes", failed.count),
      ],
      notes: underway == 0
        ? []
        : [
          "\(counted(underway, "acknowledged event")) only at the store that took them, which still has them: the mirror is "
            + "behind, see mirror-lag-zero"
        ])
    return result
  }

  /// Of each store, the events that it still had at the end; none where somebody was promoted, for then nobody waits for the rest.
  private func stillAtOrigin(_ facts: Facts) -> [String: Set<EventID>] {
    guard !facts.isFailover else { return [:] }
    var starts: [String: [String: Int64]] = [:]
    for row in facts.truth.logBounds ?? [] {
      let known = starts[row.store]?[row.partition] ?? .min
      starts[row.store, default: [:]][row.partition] = max(known, row.start)
    }
    return Dictionary(
      uniqueKeysWithValues: facts.truth.logs.map { store, rows in
        let here = starts[store] ?? [:]
        return (
          store,
          Set(
            rows.lazy.filter { row in
              row.position >= row.partition.flatMap { here[$0] } ?? .min
            }.map(\.event))
        )
      })
  }

  /// The rule of three: without a loss in n trials, the rate is below 3/n with 95 % confidence (Hanley and Lippman-Hand 1983).
  private func boundText(_ count: Int) -> String {
    count == 0 ? "1" : count <= 3 ? "1" : "\(percent(3 / Double(count)))"
  }

  /// Rows that no write of the history can explain.
  private func impossibleRows(_ facts: Facts) -> [Finding] {
    let acked = recoveryPoint.acknowledgements
    var findings: [Finding] = []
    for (store, rows) in facts.truth.logs.sorted(by: { $0.key < $1.key }) {
      for row in rows where acked[row.event] == nil && !unknown.contains(row.event) {
        if failed.contains(row.event) {
          findings.append(
            Finding(
              "L6", "\(row.event) stands in \(store)'s log although every attempt to write it failed",
              events: [row.event], store: store, tokens: row.token.map { [$0] } ?? [], positions: [row.position]))
        } else if facts.historyIsComplete {
          findings.append(
            Finding(
              "L19", "\(row.event) stands in \(store)'s log although nobody wrote it", events: [row.event],
              store: store, tokens: row.token.map { [$0] } ?? [], positions: [row.position]))
        }
      }
    }
    return findings
  }

  private func judgeRecoveryPoint(_ facts: Facts, _ result: inout Judgement) {
    guard facts.isFailover else { return }
    switch recoveryPoint.measure(facts) {
    case .failure(let reason): result.missing.append(reason.what)
    case .success(let point):
      result.measures.append(Measure("RPO", Double(point.count), "events"))
      result.measures.append(.seconds("RPO", point.window))
      guard let limit = facts.objectives.recoveryPoint, point.window > limit else { return }
      result.findings.append(
        Finding(
          "D2",
          "RPO of \(brief(point.window)) (\(counted(point.count, "event"))); the objective is \(brief(limit))",
          events: Array(point.events.prefix(Witness.limit).map(\.event)), store: facts.roles.survivor,
          times: point.events.prefix(Witness.limit).map(\.acknowledged)))
    }
  }
}
