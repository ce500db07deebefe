internal import Events

/// L19, unknown value: a record was read, or stands in the dump, that nobody ever began to send. Judged when all is over, because
/// a send may be told of after its record was read.
struct UnknownValueCheck: LogCheck {
  static let anomaly = Anomaly.unknownValue

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    ledger.records.forEachUninvoked { id in
      let record = ledger.records.event(id)
      findings.add(
        Self.anomaly, id, Finding(Self.anomaly, "\(record) was read, but nobody sent it", events: [record]))
    }
  }
}
