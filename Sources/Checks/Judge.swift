internal import Events
public import Support

/// What one checklist item says.
public struct ItemVerdict: Sendable, Hashable, Codable {
  /// The item.
  public var item: ChecklistItem
  /// Its promise, for a person.
  public var title: String
  /// Its verdict, with reasons.
  public var verdict: Verdict
  /// Figures measured on the way.
  public var measures: [Measure]
  /// How much of what it was judged by happened while a fault was proven to be in force. `nil`: none was, or nothing was judged.
  public var underFault: UnderFault?
  /// The file in the run directory that holds the smallest evidence that still fails the item. `nil`: it does not fail.
  public var witnessFile: String?
}

/// What the checklist says about a drill. Equal evidence gives equal bytes.
public struct DrillVerdict: Sendable, Hashable, Codable {
  /// The items, in the order of the checklist.
  public var items: [ItemVerdict]
  /// The heaviest of their verdicts, and of those of the rows that no item speaks for.
  public var overall: Verdict.Kind
  /// How every row of the taxonomy stands, in its order.
  public var rows: [RowVerdict]
  /// What the failover cost. `nil`: it could not be measured.
  public var recoveryPoint: RecoveryPoint?
  /// What was missing to measure ``recoveryPoint``. `nil`: nothing.
  public var recoveryPointMissing: String?
  /// How long recovery took. `nil`: the loss of the leader was not recorded.
  public var recoveryTimes: RecoveryTimes?
  /// The figures of the failover by partition and class of keys. `nil`: there was none, or it could not be measured.
  public var failover: FailoverFigures?
  /// How the drill itself was gone through: runbooks, steady state, probes, messages. `nil`: none of them was asked for.
  public var conduct: [ConductVerdict]?
  /// What the stack was permitted.
  public var contract: Contract
  /// The faults that the items were judged against.
  public var faults: [FaultInterval]

  /// What a command that ends with this verdict returns.
  public var exitCode: ExitCode {
    switch overall {
    case .pass: .pass
    case .fail: .fail
    case .inconclusive, .vacuous: .inconclusive
    }
  }
}

/// Judges `evidence` by the items of `checklist`, in one pass over the history.
///
/// - Parameters:
///   - evidence: everything that is known of the drill.
///   - checklist: the items, each once.
public func judge(_ evidence: Evidence, checklist: [ChecklistItem] = ChecklistItem.ofFailover) -> DrillVerdict {
  let facts = Facts(evidence)
  if let complaint = facts.complaint { return inconclusive(complaint, checklist, facts) }
  var checks = checklist.map { $0.makeCheck(facts) }
  var point = RecoveryPointMeter(facts)
  var times = RecoveryTimesMeter(facts)
  var underFault = UnderFaultMeter(facts)
  for operation in evidence.history.operations {
    for place in checks.indices { checks[place].take(operation) }
    point.take(operation)
    times.take(operation)
    underFault.take(operation)
  }
  let judgements = checks.map { $0.judge(facts) }
  var verdict = DrillVerdict(
    items: [], overall: .vacuous, rows: [],
    recoveryTimes: facts.isFailover ? times.measure(facts, lagZero: judgements.compactMap(\.lagZero).first) : nil,
    contract: facts.contract, faults: facts.faults)
  var examinations = examineStack(evidence)
  do throws(Unmeasurable) {
    let failover = try FailoverRecord(evidence, facts)
    verdict.failover = FailoverFigures(failover)
    examinations += examineFailover(failover)
  } catch {
    examinations += failoverAnomalies.map { absentFailover($0, error.what, evidence, facts) }
  }
  if facts.isExternal {
    examinations = examinations.map {
      .notApplicable($0.anomaly, "nobody of ours writes to an external system or reads its logs")
    }
  }
  var table = RowTable(examinations, checklist)
  for (item, judgement) in zip(checklist, judgements) { table.add(judgement, of: item) }
  verdict.rows = rows(table, facts)
  verdict.items = zip(checklist, judgements).map { item, judgement in
    var whole = judgement.joined(with: verdict.rows, table, as: item)
    whole.coverage.notes += TimeAudit.clockNotes(item, evidence.clocks)
    let underFault = underFault.measure(item)
    return ItemVerdict(
      item: item, title: item.title, verdict: whole.verdict(facts, underFault), measures: judgement.measures,
      underFault: underFault)
  }
  let alone = verdict.rows.filter { $0.item == nil }.map(\.kind)
  for place in verdict.items.indices where verdict.items[place].verdict.kind == .fail {
    verdict.items[place].witnessFile = WitnessFile.name(verdict.items[place].item, "")
  }
  for place in verdict.rows.indices where verdict.rows[place].item == nil && verdict.rows[place].state == .found {
    verdict.rows[place].witnessFile = WitnessFile.name(nil, verdict.rows[place].anomaly.rawValue)
  }
  verdict.overall = max(.merged(verdict.items.map(\.verdict.kind)), alone.max() ?? .pass)
  switch point.measure(facts) {
  case .success(let measured): verdict.recoveryPoint = measured
  case .failure(let reason): verdict.recoveryPointMissing = facts.isFailover ? reason.what : nil
  }
  return verdict
}

/// Judges a history that comes alone, without the dumps and the journal of a drill: the rows of the taxonomy that it can show,
/// and no checklist item.
///
/// Nothing found makes a pass only if there was something to look at.
public func judge(_ history: HistoryEvidence, permissions: Permissions = .none) -> DrillVerdict {
  let evidence = Evidence(
    history: history, truth: GroundTruth(), faults: [], milestones: Milestones(),
    roles: Roles(primary: "", survivor: "", stores: [], mirrors: [], consumers: []),
    contract: Contract(permits: [], permissions: permissions, refusalCodes: [], redeliveryCodes: []),
    objectives: Objectives(leaseTTL: 0))
  let facts = Facts(evidence)
  if let complaint = facts.complaint { return inconclusive(complaint, [], facts) }
  let failover = failoverAnomalies.map { RowExamination.notApplicable($0, "a history alone tells of no failover") }
  let stack = examineStack(evidence).map { row in
    // What dumps of a drill would tell of mirrors and leadership is not missing from a history: it never has it.
    guard row.findings.isEmpty, !row.missing.isEmpty, !LogChecks.anomalies.contains(row.anomaly) else { return row }
    return .notApplicable(
      row.anomaly, "a history alone does not show it; it takes \(row.missing.joined(separator: "; "))")
  }
  let table = RowTable(stack + failover, [])
  var verdict = DrillVerdict(
    items: [], overall: .vacuous, rows: rows(table, facts), contract: facts.contract, faults: [])
  let looked = verdict.rows.contains { $0.state == .clean || $0.state == .permitted }
  verdict.overall = max(looked ? .pass : .vacuous, verdict.rows.map(\.kind).max() ?? .vacuous)
  return verdict
}

private func rows(_ table: RowTable, _ facts: Facts) -> [RowVerdict] {
  Anomaly.allCases.map { anomaly in
    RowVerdict(
      table[anomaly], item: table.item(for: anomaly),
      permission: facts.contract.permission(of: anomaly), gaps: facts.missingFromRecord)
  }
}

/// A row of a failover that there was not, or that cannot be told of because `missing` is.
private func absentFailover(
  _ row: Anomaly, _ missing: String, _ evidence: Evidence, _ facts: Facts
) -> RowExamination {
  if row == .nonConvergence {
    return NonConvergence.examine(evidence.snapshots, refreshInterval: facts.objectives.freshness)
  }
  guard facts.isFailover else { return .notApplicable(row, "no fault cut the owner off, and nothing failed over") }
  return promotionAnomalies.contains(row)
    ? .inconclusive(row, missing: [missing])
    : .notApplicable(row, "there is no failover to judge, for this is missing: \(missing)")
}

/// The rows of a failover.
private let failoverAnomalies = Anomaly.allCases.filter { $0.rawValue.hasPrefix("D") }

/// Those of them that are about the promotion itself, which a drill of a failover must have.
private let promotionAnomalies: Set<Anomaly> = [
  .recoveryPointMissed, .recoveryPointAge, .recoveryTimeMissed, .dualWriters, .crossFailoverOrder,
]

/// Looks for every row that is not about the failover itself, family by family.
private func examineStack(_ evidence: Evidence) -> [RowExamination] {
  examineLogs(evidence) + examineMirrors(MirrorEvidence.of(evidence)).rows
    + examineLeadership(LeadershipEvidence.of(evidence)).rows
}

/// The verdict on evidence that nobody can reckon with.
private func inconclusive(_ complaint: String, _ checklist: [ChecklistItem], _ facts: Facts) -> DrillVerdict {
  let items = checklist.map {
    ItemVerdict(item: $0, title: $0.title, verdict: .inconclusive(Missing([complaint])), measures: [])
  }
  let rows = Anomaly.allCases.map { anomaly in
    RowVerdict(
      .inconclusive(anomaly, missing: [complaint]), item: anomaly.item.flatMap { checklist.contains($0) ? $0 : nil },
      permission: nil, gaps: [])
  }
  return DrillVerdict(
    items: items, overall: .inconclusive, rows: rows, recoveryPointMissing: complaint, contract: facts.contract,
    faults: facts.faults)
}
