internal import Events

/// L7, intermediate read (G1b): a consumer read one record of a transaction and read past another one of it.
///
/// Judged when all is over, for the transactions that the ledger still keeps; the jump itself is L15.
///
/// - SeeAlso: Adya 1999 (G1b).
struct IntermediateReadCheck: LogCheck {
  static let anomaly = Anomaly.intermediateRead

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    if ledger.transactions.skips.isEmpty { return }
    var entryOf: [RecordID: Int] = [:]
    for (place, entry) in ledger.transactions.kept.enumerated() where entry.sends.count > 1 {
      for send in entry.sends { entryOf[send.id] = place }
    }
    var skipped: [UInt32: Set<RecordID>] = [:]
    for skip in ledger.transactions.skips { skipped[skip.process, default: []].insert(skip.id) }
    for skip in ledger.transactions.skips {
      guard let place = entryOf[skip.id] else { continue }
      let entry = ledger.transactions.kept[place]
      let read = entry.sends.first { send in
        skipped[skip.process]?.contains(send.id) != true && ledger.hasRead(skip.process, send.id, send.place)
      }
      guard let read else { continue }
      let both = ledger.events([read.id, skip.id])
      findings.add(
        Self.anomaly, skip.id, log: UInt16(truncatingIfNeeded: skip.process),
        Finding(
          Self.anomaly,
          "worker \(skip.process) read \(both[0]) of transaction \(entry.number) and read past \(both[1]) of the same",
          events: both, store: ledger.options.name(of: skip.log)))
    }
  }
}
