internal import Events

/// L1, lost write: an acknowledged record (or one that is proven to have been accepted) that nobody was ever given, although
/// somebody was given a record at its offset or behind it; and its log's dump, where there is one, has it not.
///
/// Offsets without a record are no loss: control records, aborted transactions and compaction leave holes.
///
/// - SeeAlso: the `lost-write` of Jepsen's Kafka workload (J. Kingsbury, "Redpanda 21.10.1", 2022); a dump is evidence that it
///   does not use.
struct LostWriteCheck: LogCheck {
  static let anomaly = Anomaly.lostWrite

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    for owed in ledger.owed {
      guard case .passed(let highest) = owed.fate, let log = owed.log, let offset = owed.offset else { continue }
      let record = ledger.records.event(owed.id)
      findings.add(
        Self.anomaly, owed.id,
        Finding(
          Self.anomaly,
          "\(record) was acknowledged at offset \(offset) and never read, but offset \(highest) was",
          events: [record], store: ledger.options.name(of: log), positions: [offset, highest]))
    }
  }
}
