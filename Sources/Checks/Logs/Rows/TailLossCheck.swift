internal import Events

/// L2, tail loss: an acknowledged record that its log does not have at the end. Lost is not late: a record that merely nobody has
/// read is none, as long as the dump has it; and without a dump it cannot be told, and says so (``LogChecks/untold``).
///
/// A failover loses the end of a log, behind everything that was read, which a comparison of reads and writes alone never shows.
/// A record that was read and is in no dump is one, too: what a consumer acted upon is not in the log any more.
struct TailLossCheck: LogCheck {
  static let anomaly = Anomaly.tailLoss

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    for owed in ledger.owed where owed.fate == .cutOff || owed.fate == .gone {
      let record = ledger.records.event(owed.id)
      let read = owed.fate == .gone ? "and even read" : "and not read"
      let place = owed.offset.map { " at offset \($0)" } ?? ""
      findings.add(
        Self.anomaly, owed.id,
        Finding(
          Self.anomaly, "\(record) was acknowledged\(place) \(read), and the log's dump has it not",
          events: [record], store: owed.log.map { ledger.options.name(of: $0) },
          positions: owed.offset.map { [$0] } ?? []))
    }
  }
}
