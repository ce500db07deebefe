internal import Events

/// L25, retention loss: the log's start passed a record before every reader that needs it had it, mirrors among them; or before
/// anybody had it.
struct RetentionLossCheck: LogCheck {
  static let anomaly = Anomaly.retentionLoss

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .retained(let lane, let position, let skipped) = fact.kind else { return }
    findings.add(
      Self.anomaly, skipped[0], log: fact.event.log, at: Int64(lane),
      Finding(
        Self.anomaly,
        "the log begins at \(fact.event.offset) now, but worker \(lane) had read to \(position) only: it misses "
          + ledger.list(skipped), events: ledger.events(skipped), store: ledger.logName(fact.event),
        positions: [position, fact.event.offset]))
  }

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    for owed in ledger.owed {
      guard case .retained(let start) = owed.fate, let log = owed.log, let offset = owed.offset else { continue }
      let record = ledger.records.event(owed.id)
      findings.add(
        Self.anomaly, owed.id, log: log, at: -2,
        Finding(
          Self.anomaly, "\(record) at offset \(offset) was never read, and the log begins at \(start) now",
          events: [record], store: ledger.options.name(of: log), positions: [offset, start]))
    }
  }
}
