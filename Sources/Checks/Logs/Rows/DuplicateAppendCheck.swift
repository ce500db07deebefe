internal import Events

/// L3, duplicate append: one record at two offsets of a log, or in two logs of a topic. Reading one offset twice is none; that is
/// L14.
///
/// - SeeAlso: KIP-98 (idempotent producer); the `duplicate` of Jepsen's Kafka workload.
struct DuplicateAppendCheck: LogCheck {
  static let anomaly = Anomaly.duplicateAppend

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .placedAgain = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    let places = ledger.manyPlaces[fact.id] ?? []
    let text = places.map { "\($0.offset) of \(ledger.options.name(of: $0.log))" }.joined(separator: ", ")
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly, "\(record) stands more than once: at offset \(text)", events: [record],
        store: ledger.logName(fact.event), positions: places.map(\.offset)))
  }
}
