internal import Events

/// L15, poll skip: a consumer jumped over an offset that is known to hold a record, within one operation or between two.
///
/// Ranks count and not offsets: a hole is no skip. If a record turns up in a hole later, the jump is found then. Records below
/// the log's start are retention's (L25), and those of failed sends nobody's.
///
/// - SeeAlso: the `poll-skip` and `int-poll-skip` of Jepsen's Kafka workload.
struct PollSkipCheck: LogCheck {
  static let anomaly = Anomaly.pollSkip

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .pollSkip(let from, let to, _, let skipped) = fact.kind else { return }
    findings.add(
      Self.anomaly, fact.id, log: UInt16(truncatingIfNeeded: fact.event.process), at: Int64(fact.event.operation),
      Finding(
        Self.anomaly,
        "worker \(fact.event.process) went from offset \(from) to \(to) and left out \(ledger.list(skipped))",
        events: ledger.events(skipped), store: ledger.logName(fact.event), positions: [from, to]))
  }
}
