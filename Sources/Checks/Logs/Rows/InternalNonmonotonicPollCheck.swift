internal import Events

/// L13, internal nonmonotonic poll: within one operation a record of a log follows one at the same or a higher offset.
///
/// - SeeAlso: the `int-nonmonotonic-poll` of Jepsen's Kafka workload.
struct InternalNonmonotonicPollCheck: LogCheck {
  static let anomaly = Anomaly.internalNonmonotonicPoll

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .pollBack(let from, inside: true) = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id, log: UInt16(truncatingIfNeeded: fact.event.process), at: Int64(fact.event.operation),
      Finding(
        Self.anomaly,
        "worker \(fact.event.process) was given \(record) at offset \(fact.event.offset) after offset \(from), in one poll",
        events: [record], store: ledger.logName(fact.event), positions: [from, fact.event.offset]))
  }
}
