/// The transactions: those that are open, and those whose records may still show that they were torn.
struct TransactionBook: Sendable {
  /// A transaction that took effect, or may have.
  struct Entry: Sendable {
    var number: UInt32
    var process: UInt32
    var isCertain: Bool
    var sends: [(id: RecordID, place: LogPlace)]
    var polls: [RecordID]
  }

  /// Somebody's jump over a record.
  struct Skip: Sendable {
    var process: UInt32
    var operation: UInt32
    var log: UInt16
    var id: RecordID
  }

  /// The latest transactions that are kept for the rows about transactions as wholes. What went wrong between two that are
  /// further apart is not found.
  static let keepLimit = 1 << 16

  private var open: [UInt32: [LogEvent]] = [:]
  private(set) var kept: [Entry] = []
  private(set) var skips: [Skip] = []
  /// Whether `kept` was looked through for cycles as far as it is now.
  var judged = 0

  /// Whether any transaction was met.
  private(set) var isUsed = false

  mutating func add(_ event: LogEvent) {
    isUsed = true
    open[event.transaction, default: []].append(event)
  }

  /// The events of a transaction, in order; it is open no more.
  mutating func close(_ transaction: UInt32) -> [LogEvent] { open.removeValue(forKey: transaction) ?? [] }

  /// The transactions that never ended.
  var unfinished: [UInt32] { open.keys.sorted() }

  mutating func keep(_ entry: Entry) { kept.append(entry) }

  var isFull: Bool { kept.count >= 2 * Self.keepLimit }

  /// Lets go of the older half.
  mutating func trim() {
    kept.removeFirst(Self.keepLimit)
    judged = kept.count
  }

  mutating func noteSkip(_ event: LogEvent, _ ids: [RecordID]) {
    guard isUsed, skips.count < 1 << 14 else { return }
    for id in ids {
      skips.append(Skip(process: event.process, operation: event.operation, log: event.log, id: id))
    }
  }
}

extension LogLedger {
  /// A transaction ended: what happened in it counts from now on, with its outcome.
  mutating func endTransaction(_ end: LogEvent) {
    let events = transactions.close(end.transaction)
    var sent: [(id: RecordID, place: LogPlace)] = []
    var polled: [RecordID] = []
    var doubted: [LogEvent] = []
    for var event in events {
      let id = records.id(of: event)
      switch event.kind {
      case .polled:
        event.outcome =
          end.kind == .transactionCommitted ? .ok : end.kind == .transactionAborted ? .failed : .unknown
        poll(event)
        polled.append(id)
      case .committed:
        if end.kind == .transactionCommitted { commit(event) }
      case .sendFailed: fail(event)
      default:
        sent.append((id, LogPlace(log: event.log, offset: event.offset)))
        switch end.kind {
        // A transaction that took effect did so whole, whatever was known of its single sends.
        case .transactionCommitted: acknowledge(event)
        case .transactionAborted: fail(event)
        default: doubted.append(event)
        }
      }
    }
    if !doubted.isEmpty { doubt(doubted) }
    judge(end, sent, polled)
  }

  /// The record is over: nobody knows what became of the transactions that did not end.
  mutating func endOpenTransactions() {
    for number in transactions.unfinished { endTransaction(LogEvent(.transactionUnknown, transaction: number)) }
  }

  private mutating func judge(_ end: LogEvent, _ sent: [(id: RecordID, place: LogPlace)], _ polled: [RecordID]) {
    if !sent.isEmpty && !polled.isEmpty {
      let own = Set(sent.map(\.id))
      for id in polled where own.contains(id) { note(.readOwn, end, id) }
    }
    guard end.kind != .transactionAborted, sent.count > 1 || !sent.isEmpty && !polled.isEmpty else { return }
    transactions.keep(
      TransactionBook.Entry(
        number: end.transaction, process: end.process, isCertain: end.kind == .transactionCommitted, sends: sent,
        polls: polled))
    if transactions.isFull {
      findCycles()
      transactions.trim()
    }
  }

  /// Looks for transactions that depend on each other in circles, among those kept.
  mutating func findCycles() {
    let kept = transactions.kept
    var graph = TransactionGraph(kept, orderingWrites: options.ordersWrites) { offset(of: $0, told: $1) }
    for cycle in graph.cycles(from: transactions.judged) {
      var event = LogEvent(.transactionCommitted, process: kept[cycle.nodes[0]].process)
      event.transaction = kept[cycle.nodes[0]].number
      note(
        .cycle(
          transactions: cycle.nodes.map { kept[$0].number }, onlyWrites: cycle.onlyWrites, records: cycle.records),
        event, cycle.records.first ?? 0)
    }
  }
}
