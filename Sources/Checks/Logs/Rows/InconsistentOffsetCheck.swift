internal import Events

/// L4, inconsistent offset: one offset of a log held two records: by two acknowledgements, an acknowledgement and a read, or two
/// reads.
///
/// - SeeAlso: the `inconsistent-offsets` of Jepsen's Kafka workload.
struct InconsistentOffsetCheck: LogCheck {
  static let anomaly = Anomaly.inconsistentOffset

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .conflict(let other) = fact.kind else { return }
    let both = ledger.events([other, fact.id])
    findings.add(
      Self.anomaly, fact.id, log: fact.event.log, at: fact.event.offset,
      Finding(
        Self.anomaly, "offset \(fact.event.offset) held \(both[0]) and \(both[1])", events: both,
        store: ledger.logName(fact.event), positions: [fact.event.offset]))
  }
}
