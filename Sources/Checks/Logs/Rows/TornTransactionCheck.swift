internal import Events

/// L8, torn transaction: one part of a transaction that took effect is in its logs, another is absent from the dump or stands
/// there as aborted.
///
/// - SeeAlso: KIP-890, "Transactions Server-Side Defense": markers of an earlier transaction may end a later one.
struct TornTransactionCheck: LogCheck {
  static let anomaly = Anomaly.tornTransaction

  mutating func finish<Records>(_ ledger: LogLedger<Records>, _ findings: inout LogFindings) {
    for entry in ledger.transactions.kept where entry.sends.count > 1 {
      func isThere(_ id: RecordID) -> Bool {
        ledger.records.isDumped(id) || ledger.records.marks(of: id).contains(.seen)
      }
      let absent = entry.sends.filter { send in
        if ledger.dumpedAborted.contains(send.id) { return true }
        let window = ledger.windows[Int(send.place.log)]
        let isBelow = send.place.offset >= 0 && send.place.offset < window.start
        return window.isDumped && !isBelow && !ledger.records.isDumped(send.id)
      }
      let present = entry.sends.filter { isThere($0.id) && !ledger.dumpedAborted.contains($0.id) }
      guard !absent.isEmpty, let kept = present.first(where: { send in !absent.contains { $0.id == send.id } }) else {
        continue
      }
      findings.add(
        Self.anomaly, RecordID(entry.number),
        Finding(
          Self.anomaly,
          "transaction \(entry.number): \(ledger.list([kept.id])) is in its log, \(ledger.list(absent.map(\.id))) not",
          events: ledger.events([kept.id] + absent.map(\.id)), store: ledger.options.name(of: absent[0].place.log)))
    }
  }
}
