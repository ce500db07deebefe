internal import Events

/// L6, aborted read (G1a): a consumer was given a record whose send certainly failed, or whose transaction was aborted.
///
/// - SeeAlso: A. Adya, "Weak Consistency: A Generalized Theory and Optimistic Implementations for Distributed Transactions", 1999.
struct AbortedReadCheck: LogCheck {
  static let anomaly = Anomaly.abortedRead

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .failedRead = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly, "\(record) is in the log, although its send failed", events: [record],
        store: ledger.logName(fact.event), positions: fact.event.offset < 0 ? [] : [fact.event.offset]))
  }
}
