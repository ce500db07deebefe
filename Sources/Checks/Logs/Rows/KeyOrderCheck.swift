internal import Events

/// L18, order inversion of a key: of two records of one key, the one with the higher number in the key's own sequence stands at
/// the lower offset.
///
/// Each record is compared at its first place, with the latest of its key; one that stands twice is L3 alone.
struct KeyOrderCheck: LogCheck {
  static let anomaly = Anomaly.keyOrderInversion

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .keyOrder(let other, let otherOffset) = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    let before = other.map { ledger.records.event($0) }
    findings.add(
      Self.anomaly, fact.id,
      Finding(
        Self.anomaly,
        "key \(fact.event.key): the order of \(before?.description ?? "the record") at offset \(otherOffset) and \(record) "
          + "at \(fact.event.offset) is not that of their numbers", events: [before, record].compactMap { $0 },
        store: ledger.logName(fact.event), positions: [otherOffset, fact.event.offset]))
  }
}
