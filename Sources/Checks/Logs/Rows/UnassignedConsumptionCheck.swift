internal import Events

/// L24, unassigned consumption: a member of a group was given a record of a log that is not its own, or two members own a log in
/// one generation.
struct UnassignedConsumptionCheck: LogCheck {
  static let anomaly = Anomaly.unassignedConsumption

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    switch fact.kind {
    case .unassigned:
      let record = ledger.records.event(fact.id)
      findings.add(
        Self.anomaly, RecordID(fact.event.process), log: fact.event.log, at: Int64(fact.event.operation),
        Finding(
          Self.anomaly, "worker \(fact.event.process) was given \(record) of a log that it does not own",
          events: [record], store: ledger.logName(fact.event), positions: [fact.event.offset]))
    case .twoOwners(let other):
      findings.add(
        Self.anomaly, RecordID(fact.event.process), log: fact.event.log, at: -2,
        Finding(
          Self.anomaly, "workers \(other) and \(fact.event.process) own one log in one generation",
          store: ledger.logName(fact.event)))
    default: return
    }
  }
}
