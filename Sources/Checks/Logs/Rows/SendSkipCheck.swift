internal import Events

/// L17, send skip: another's record stands between two successive records of one operation. A Kafka log permits it.
///
/// - SeeAlso: the `int-send-skip` of Jepsen's Kafka workload; KIP-98.
struct SendSkipCheck: LogCheck {
  static let anomaly = Anomaly.sendSkip

  mutating func judge<Records>(_ fact: LogFact, _ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    guard case .sendSkip(let from, let to, let skipped) = fact.kind else { return }
    findings.add(
      Self.anomaly, fact.id, log: fact.event.log, at: to,
      Finding(
        Self.anomaly,
        "\(ledger.list(skipped)) between offsets \(from) and \(to), which one operation of worker \(fact.event.process) wrote",
        events: ledger.events(skipped), store: ledger.logName(fact.event), positions: [from, to]))
  }
}
