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
}

/// What the checklist says about a drill. Equal evidence gives equal bytes.
public struct DrillVerdict: Sendable, Hashable, Codable {
  /// The items, in the order of the checklist.
  public var items: [ItemVerdict]
  /// The heaviest of their verdicts.
  public var overall: Verdict.Kind
  /// What the failover cost. `nil`: it could not be measured.
  public var recoveryPoint: RecoveryPoint?
  /// What was missing to measure ``recoveryPoint``. `nil`: nothing.
  public var recoveryPointMissing: String?
  /// How long recovery took. `nil`: the loss of the leader was not recorded.
  public var recoveryTimes: RecoveryTimes?
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
public func judge(_ evidence: Evidence, checklist: [ChecklistItem] = ChecklistItem.allCases) -> DrillVerdict {
  let facts = Facts(evidence)
  if let complaint = facts.complaint { return inconclusive(complaint, checklist, facts) }
  var checks = checklist.map { $0.makeCheck(facts) }
  var point = RecoveryPointMeter(facts)
  var times = RecoveryTimesMeter(facts)
  for operation in evidence.history.operations {
    for place in checks.indices { checks[place].take(operation) }
    point.take(operation)
    times.take(operation)
  }
  let judgements = checks.map { $0.judge(facts) }
  let items = zip(checklist, judgements).map { item, judgement in
    ItemVerdict(item: item, title: item.title, verdict: judgement.verdict(facts), measures: judgement.measures)
  }
  var verdict = DrillVerdict(
    items: items, overall: .merged(items.map(\.verdict.kind)),
    recoveryTimes: times.measure(facts, lagZero: judgements.compactMap(\.lagZero).first), contract: facts.contract,
    faults: facts.faults)
  switch point.measure(facts) {
  case .success(let measured): verdict.recoveryPoint = measured
  case .failure(let reason): verdict.recoveryPointMissing = reason.what
  }
  return verdict
}

/// The verdict on evidence that nobody can reckon with.
private func inconclusive(_ complaint: String, _ checklist: [ChecklistItem], _ facts: Facts) -> DrillVerdict {
  let items = checklist.map {
    ItemVerdict(item: $0, title: $0.title, verdict: .inconclusive(Missing([complaint])), measures: [])
  }
  return DrillVerdict(
    items: items, overall: .inconclusive, recoveryPointMissing: complaint, contract: facts.contract,
    faults: facts.faults)
}
