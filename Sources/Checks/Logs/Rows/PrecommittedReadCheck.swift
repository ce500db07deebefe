internal import Events

/// L12, precommitted read: a transaction polled a record that it sent itself, which cannot have been committed.
///
/// - SeeAlso: the `precommitted-read` of Jepsen's Kafka workload.
struct PrecommittedReadCheck: LogCheck {
  static let anomaly = Anomaly.precommittedRead

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .readOwn = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id, at: Int64(fact.event.transaction),
      Finding(
        Self.anomaly, "transaction \(fact.event.transaction) polled \(record), which it sent itself", events: [record]))
  }
}
