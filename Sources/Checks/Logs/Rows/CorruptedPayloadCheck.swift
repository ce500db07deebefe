internal import Events

/// L20, corrupted payload: the checksum of a record as it was read or dumped is not that of the record as it was sent.
struct CorruptedPayloadCheck: LogCheck {
  static let anomaly = Anomaly.corruptedPayload

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .checksum(let known) = fact.kind, known != fact.event.checksum else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly,
        "\(record) at offset \(fact.event.offset) has two checksums: \(String(known, radix: 16)) and "
          + String(fact.event.checksum, radix: 16), events: [record], store: ledger.logName(fact.event),
        positions: [fact.event.offset]))
  }
}
