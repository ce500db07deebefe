internal import Events

/// L14, nonmonotonic poll: a consumer's next operation begins at or before the place where its last completed one ended, and its
/// assignment is the same. Operations that failed or whose end is unknown do not count as read: an aborted transaction rewinds.
///
/// - SeeAlso: the `nonmonotonic-poll` of Jepsen's Kafka workload.
struct NonmonotonicPollCheck: LogCheck {
  static let anomaly = Anomaly.nonmonotonicPoll

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .pollBack(let from, inside: false) = fact.kind else { return }
    let record = ledger.records.event(fact.id)
    findings.add(
      Self.anomaly, fact.id, log: UInt16(truncatingIfNeeded: fact.event.process), at: Int64(fact.event.operation),
      Finding(
        Self.anomaly,
        "worker \(fact.event.process) was given \(record) at offset \(fact.event.offset), but had read to offset \(from)",
        events: [record], store: ledger.logName(fact.event), positions: [from, fact.event.offset]))
  }
}
