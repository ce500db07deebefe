internal import Events

/// L10, circular flow of information (G1c): transactions each of which read what the next one wrote, or, where the order of writes
/// counts (``LogOptions/ordersWrites``), wrote behind it.
///
/// - SeeAlso: Adya 1999 (G1c).
struct InformationCycleCheck: LogCheck {
  static let anomaly = Anomaly.informationCycle

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .cycle(let transactions, onlyWrites: false, let records) = fact.kind else { return }
    findings.add(
      Self.anomaly, fact.id, at: Int64(transactions[0]),
      Finding(
        Self.anomaly,
        "transactions \(transactions.map(String.init).joined(separator: " → ")) and back each depend on the one before",
        events: ledger.events(records)))
  }
}
