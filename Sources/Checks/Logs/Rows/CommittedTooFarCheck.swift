internal import Events

/// L22, committed too far: a group committed a position above a record that its consumer was not done with; after a crash the
/// record is skipped for ever.
///
/// Judged by what consumers say they were done with, where they say it (``LogOptions/marksProcessing``), because what a client
/// commits by itself is the poll before last in one library and the last one in another; else by what they were given.
struct CommittedTooFarCheck: LogCheck {
  static let anomaly = Anomaly.committedTooFar

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .committedPast(let position, let skipped) = fact.kind else { return }
    findings.add(
      Self.anomaly, skipped.first ?? 0, log: fact.event.log, at: position,
      Finding(
        Self.anomaly,
        "worker \(fact.event.process) committed \(position), but was not done with \(ledger.list(skipped))",
        events: ledger.events(skipped), store: ledger.logName(fact.event), positions: [position]))
  }
}
