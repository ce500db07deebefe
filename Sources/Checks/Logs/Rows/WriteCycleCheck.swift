internal import Events

/// L9, write cycle (G0): one transaction's record stands before another's in one log and behind it in another. A Kafka log permits
/// it.
///
/// - SeeAlso: Adya 1999 (G0); KIP-98.
struct WriteCycleCheck: LogCheck {
  static let anomaly = Anomaly.writeCycle

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .cycle(let transactions, onlyWrites: true, let records) = fact.kind else { return }
    findings.add(
      Self.anomaly, fact.id, at: Int64(transactions[0]),
      Finding(
        Self.anomaly,
        "transactions \(transactions.map(String.init).joined(separator: " → ")) and back, by order of writes",
        events: ledger.events(records)))
  }
}
