internal import Support

/// A clean record of logs, drawn from a seed: what logs that keep every promise look like from outside.
///
/// Producers send alone and in transactions; sends fail, or end unknown with and without effect; acknowledgements come without an
/// offset; logs begin somewhere and have holes; a group is rebalanced, marks what it was done with, commits and begins again at
/// what was committed; single readers read all; polls are given up and repeated; at the end all logs are dumped.
struct LogHistory {
  struct Entry {
    var event: LogEvent
    var isAborted: Bool
  }

  static let logs = 4
  private static let producers = 5
  private static let members: [UInt32] = [20, 21, 22]
  static let group: UInt32 = 1
  /// Consumers of no group, each of which reads all logs.
  static let readers: [UInt32] = [30, 31]
  /// Workers and producers that no clean record has begin here.
  static let stranger: UInt32 = 40

  var events: [LogEvent] = []
  /// Where the dumps begin in ``events``.
  var end = 0
  /// The next offset of each log.
  var next: [Int64] = []
  /// Where each log began.
  private(set) var first: [Int64] = []
  var random: SeededRandom
  var operation: UInt32 = 0
  var transaction: UInt32 = 0

  private var contents: [[Int64: Entry]] = Array(repeating: [:], count: logs)
  private var sequences: [UInt64] = Array(repeating: 0, count: producers)
  private var keySequences: [UInt32] = Array(repeating: 0, count: 64)
  private var positions: [UInt32: [Int64]] = [:]
  private var committed: [Int64] = []
  private var owner: [UInt32] = []
  private var generation: UInt32 = 0
  /// Whether acknowledgements come with an offset always.
  private var tellsAll = false
  /// What a producer learns later than it happens.
  private var answers: [UInt32: [LogEvent]] = [:]

  init(seed: UInt64, steps: Int = 150) {
    random = SeededRandom(seed: seed, for: "log history")
    for _ in 0..<Self.logs { first.append(Int64.random(in: 10...1_000_000_000, using: &random)) }
    next = first
    committed = first
    for reader in Self.readers { positions[reader] = first }
    rebalance()
    // What every edit of the record finds a place in: records at both ends of each log, a hole in each, and transactions.
    sendEverywhere()
    for log in 0..<Self.logs { next[log] += 1 }
    transact(0, fate: 5)
    transact(1, fate: 0)
    for _ in 0..<steps { step() }
    sendEverywhere()
    for log in 0..<Self.logs { while consume(log) {} }
    for reader in Self.readers { for log in 0..<Self.logs { while read(reader, log, .ok) {} } }
    end = events.count
    for log in 0..<Self.logs { dump(log) }
  }

  private mutating func sendEverywhere() {
    let before = next
    tellsAll = true
    defer { tellsAll = false }
    while zip(before, next).contains(where: { $0 >= $1 }) {
      for producer in 0..<Self.producers { send(UInt32(producer), .ok) }
      for producer in 0..<Self.producers { answer(UInt32(producer)) }
    }
  }

  private mutating func step() {
    let producer = UInt32.random(in: 0..<UInt32(Self.producers), using: &random)
    let log = Int.random(in: 0..<Self.logs, using: &random)
    switch Int.random(in: 0..<100, using: &random) {
    case 0..<30: send(producer, .ok)
    case 30..<34: send(producer, .failed)
    case 34..<38: send(producer, .unknown)
    case 38..<46: transact(producer, fate: Int.random(in: 0..<10, using: &random))
    case 46..<60: answer(producer)
    case 60..<76: _ = consume(log)
    case 76..<92: _ = read(pick(Self.readers), log, .ok)
    case 92..<94: _ = read(pick(Self.readers), log, .failed)
    case 94..<96: _ = read(pick(Self.readers), log, .unknown)
    case 96..<98: advanceStart(log)
    default: rebalance()
    }
  }

  private mutating func pick(_ numbers: [UInt32]) -> UInt32 {
    numbers[Int.random(in: 0..<numbers.count, using: &random)]
  }

  // MARK: Producers

  /// The next record of a producer: its keys are its own, and each has one log.
  private mutating func record(_ kind: LogEvent.Kind, _ producer: UInt32) -> LogEvent {
    let key = producer * 8 + UInt32.random(in: 0..<8, using: &random)
    keySequences[Int(key)] += 1
    operation += 1
    var event = LogEvent(kind, log: UInt16(key % UInt32(Self.logs)), process: producer, operation: operation)
    event.producer = producer
    event.sequence = sequences[Int(producer)]
    event.key = key
    event.keySequence = keySequences[Int(key)]
    event.checksum = UInt32.random(in: 1 ... .max, using: &random)
    event.offset = LogEvent.unmeasured
    sequences[Int(producer)] += 1
    return event
  }

  private mutating func append(_ event: LogEvent, isAborted: Bool = false) -> Int64 {
    let log = Int(event.log)
    // Now and then something that is no record stands in between.
    if Int.random(in: 0..<10, using: &random) == 0 { next[log] += 1 }
    defer { next[log] += 1 }
    contents[log][next[log]] = Entry(event: event, isAborted: isAborted)
    return next[log]
  }

  private mutating func send(_ producer: UInt32, _ outcome: LogEvent.Outcome) {
    answer(producer)
    var event = record(.sendInvoked, producer)
    events.append(event)
    switch outcome {
    case .ok:
      event.offset = append(event)
      event.kind = .sendAcknowledged
      if !tellsAll && Int.random(in: 0..<12, using: &random) == 0 { event.offset = -1 }
    case .failed:
      event.kind = .sendFailed
      event.offset = -1
    case .unknown:
      if Bool.random(using: &random) { _ = append(event) }
      event.kind = .sendUnknown
      event.offset = -1
    }
    answers[producer] = [event]
  }

  /// A transaction: its records and its marker are in the logs before anybody else writes there.
  private mutating func transact(_ producer: UInt32, fate: Int) {
    answer(producer)
    transaction += 1
    let isAborted = fate < 3
    var later: [LogEvent] = []
    var logs: Set<Int> = []
    for _ in 0..<Int.random(in: 2...4, using: &random) {
      var event = record(.sendInvoked, producer)
      event.transaction = transaction
      events.append(event)
      event.offset = append(event, isAborted: isAborted)
      event.kind = .sendAcknowledged
      logs.insert(Int(event.log))
      later.append(event)
    }
    for log in logs { next[log] += 1 }
    let kind: LogEvent.Kind =
      fate == 2 || fate == 9 ? .transactionUnknown : isAborted ? .transactionAborted : .transactionCommitted
    later.append(LogEvent(kind, process: producer, transaction: transaction))
    answers[producer] = later
  }

  /// What a producer waits for arrives.
  private mutating func answer(_ producer: UInt32) { events += answers.removeValue(forKey: producer) ?? [] }

  // MARK: Consumers

  /// The next records of a log that are committed, at most `count`.
  private func readable(_ log: Int, from offset: Int64, _ count: Int) -> [(Int64, LogEvent)] {
    var found: [(Int64, LogEvent)] = []
    var at = offset
    while at < next[log] && found.count < count {
      if let entry = contents[log][at], !entry.isAborted { found.append((at, entry.event)) }
      at += 1
    }
    return found
  }

  private mutating func give(
    _ records: [(Int64, LogEvent)], to process: UInt32, _ outcome: LogEvent.Outcome = .ok
  ) {
    operation += 1
    for (offset, record) in records {
      var event = record
      event.kind = .polled
      event.process = process
      event.operation = operation
      event.offset = offset
      event.outcome = outcome
      event.transaction = 0
      events.append(event)
    }
  }

  /// A poll of a reader of no group; one that is given up is done again.
  private mutating func read(_ reader: UInt32, _ log: Int, _ outcome: LogEvent.Outcome) -> Bool {
    guard let position = positions[reader]?[log] else { return false }
    let records = readable(log, from: position, Int.random(in: 1...4, using: &random))
    guard let last = records.last else { return false }
    give(records, to: reader, outcome)
    if outcome == .ok { positions[reader]?[log] = last.0 + 1 }
    return true
  }

  /// A poll of the log's owner, what it was done with, and now and then a commit.
  private mutating func consume(_ log: Int) -> Bool {
    let member = owner[log]
    guard let position = positions[member]?[log] else { return false }
    let records = readable(log, from: position, Int.random(in: 1...5, using: &random))
    guard let last = records.last else { return false }
    give(records, to: member)
    for (offset, _) in records {
      events.append(LogEvent(.processed, log: UInt16(log), process: member, offset: offset))
    }
    positions[member]?[log] = last.0 + 1
    if Int.random(in: 0..<3, using: &random) > 0 {
      committed[log] = last.0 + 1
      events.append(
        LogEvent(.committed, log: UInt16(log), process: member, producer: Self.group, offset: committed[log]))
    }
    return true
  }

  private mutating func rebalance() {
    generation += 1
    let before = owner
    owner = (0..<Self.logs).map { _ in pick(Self.members) }
    for member in Self.members {
      events.append(LogEvent(.assignmentBegan, process: member, producer: Self.group, key: generation))
      if positions[member] == nil { positions[member] = first }
      for log in 0..<Self.logs where owner[log] == member {
        events.append(LogEvent(.assigned, log: UInt16(log), process: member))
        if before.isEmpty || before[log] != member { positions[member]?[log] = committed[log] }
      }
      events.append(LogEvent(.assignmentEnded, process: member))
    }
  }

  // MARK: Logs

  /// The log lets go of what all have read.
  private mutating func advanceStart(_ log: Int) {
    let read = positions.filter { Self.readers.contains($0.key) }.map { $0.value[log] }
    let start = (read + [committed[log], positions[owner[log]]?[log] ?? first[log]]).min() ?? first[log]
    events.append(LogEvent(.logStart, log: UInt16(log), offset: start))
  }

  private mutating func dump(_ log: Int) {
    for (offset, entry) in contents[log].sorted(by: { $0.key < $1.key }) {
      var event = entry.event
      event.kind = entry.isAborted ? .dumpedAborted : .dumped
      event.offset = offset
      event.transaction = 0
      events.append(event)
    }
    events.append(LogEvent(.dumpEnded, log: UInt16(log)))
  }
}
