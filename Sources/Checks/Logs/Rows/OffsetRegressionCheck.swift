internal import Events

/// L5, offset regression: a record got an offset that is not above one that had been acknowledged before the record was sent. The
/// log lost its end in between and was written anew.
struct OffsetRegressionCheck: LogCheck {
  static let anomaly = Anomaly.offsetRegression

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .acknowledgedBelow(let bound) = fact.kind, fact.event.offset <= bound else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly,
        "\(record) got offset \(fact.event.offset), although \(bound) had been acknowledged before it was sent",
        events: [record], store: ledger.logName(fact.event), positions: [bound, fact.event.offset]))
  }
}
