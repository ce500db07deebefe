internal import Events

/// L16, nonmonotonic send: two successive sends of one worker to one log stand in it in the opposite order, within one operation or
/// across two.
///
/// - SeeAlso: the `nonmonotonic-send` and `int-nonmonotonic-send` of Jepsen's Kafka workload.
struct NonmonotonicSendCheck: LogCheck {
  static let anomaly = Anomaly.nonmonotonicSend

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .sendBack(let from, let previous, _) = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    let before = previous.map { ledger.records.event($0) }
    findings.add(
      Self.anomaly, fact.id, log: fact.event.log, at: fact.event.offset,
      Finding(
        Self.anomaly,
        "worker \(fact.event.process) sent \(before?.description ?? "another record") before \(record), but offset "
          + "\(from) is not before \(fact.event.offset)", events: [before, record].compactMap { $0 },
        store: ledger.logName(fact.event), positions: [from, fact.event.offset]))
  }
}
