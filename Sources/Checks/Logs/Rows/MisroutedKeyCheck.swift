internal import Events

/// L21, misrouted key: a record stands in another partition of its topic than the records of its key before it: the partitioner
/// changed, or the number of partitions did under keys that were there.
struct MisroutedKeyCheck: LogCheck {
  static let anomaly = Anomaly.misroutedKey

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .keyMoved(let from) = fact.kind, from != fact.event.log else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly,
        "key \(fact.event.key): \(record) stands in \(ledger.logName(fact.event)), those before it in "
          + ledger.options.name(of: from), events: [record], store: ledger.logName(fact.event),
        positions: [fact.event.offset]))
  }
}
