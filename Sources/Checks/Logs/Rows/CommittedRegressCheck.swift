internal import Events

/// L23, committed regress: a group's committed position went back, or a member that the log was newly assigned to began below it.
struct CommittedRegressCheck: LogCheck {
  static let anomaly = Anomaly.committedRegress

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    let what: String
    let before: Int64
    switch fact.kind {
    case .committedBack(let from):
      what = "the committed position went from \(from) back to \(fact.event.offset)"
      before = from
    case .beganBelow(let committed):
      what =
        "worker \(fact.event.process) began at offset \(fact.event.offset), below the committed position \(committed)"
      before = committed
    default: return
    }
    findings.add(
      Self.anomaly, RecordID(fact.event.process), log: fact.event.log, at: fact.event.offset,
      Finding(
        Self.anomaly, what, store: ledger.logName(fact.event), positions: [before, fact.event.offset]))
  }
}
