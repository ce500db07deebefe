internal import Support

/// What planting an error needs: places in a record, and ways to change it there. Chosen by the record's own seed.
extension LogHistory {
  static func find(in events: [LogEvent]) -> Set<Anomaly> {
    var checks = LogChecks(LogOptions(marksProcessing: true))
    checks.take(events)
    checks.finish()
    return Set(checks.totals.keys)
  }

  // MARK: Places

  mutating func anyLog() -> UInt16 { UInt16.random(in: 0..<UInt16(Self.logs), using: &random) }

  /// The next offset of a log.
  mutating func take(_ log: UInt16) -> Int64 {
    defer { next[Int(log)] += 1 }
    return next[Int(log)]
  }

  mutating func nextOperation() -> UInt32 {
    operation += 1
    return operation
  }

  mutating func anyPlace(where isWanted: (LogEvent) -> Bool) -> Int {
    let places = events.indices.filter { isWanted(events[$0]) }
    precondition(!places.isEmpty, "a clean record of \(events.count) events has no place for the error")
    return places[Int.random(in: 0..<places.count, using: &random)]
  }

  /// A record of a transaction that its producer knows to be aborted.
  mutating func anyAborted() -> LogEvent {
    let aborted = Set(events.filter { $0.kind == .transactionAborted }.map(\.transaction))
    let ids = events.filter { $0.kind == .sendAcknowledged && aborted.contains($0.transaction) }
    let id = ids[Int.random(in: 0..<ids.count, using: &random)]
    return events[anyPlace { $0.kind == .dumpedAborted && $0.isRecord(id) }]
  }

  /// Where a log's position was committed for the last time.
  mutating func anyPlaceOfLastCommit() -> Int {
    let log = events[anyPlace { $0.kind == .committed }].log
    return events.lastIndex { $0.kind == .committed && $0.log == log } ?? 0
  }

  /// A record that was sent alone, acknowledged with its offset, and is neither the first nor the last of its log.
  mutating func anyRead() -> LogEvent {
    let alone = events.filter { $0.kind == .sendAcknowledged && $0.transaction == 0 && $0.offset >= 0 }
    var bounds: [UInt16: (Int64, Int64)] = [:]
    for event in events where event.kind == .dumped {
      let known = bounds[event.log] ?? (event.offset, event.offset)
      bounds[event.log] = (min(known.0, event.offset), max(known.1, event.offset))
    }
    let inner = alone.filter { event in
      bounds[event.log].map { $0.0 < event.offset && event.offset < $0.1 } ?? false
    }
    precondition(!inner.isEmpty, "no log of a clean record has three records")
    return inner[Int.random(in: 0..<inner.count, using: &random)]
  }

  /// The last record of a log, sent alone.
  mutating func newest() -> LogEvent {
    var newest: [UInt16: LogEvent] = [:]
    for event in events where event.kind == .dumped && event.offset >= (newest[event.log]?.offset ?? 0) {
      newest[event.log] = event
    }
    let alone = events.filter { event in
      event.kind == .sendAcknowledged && event.transaction == 0 && event.offset >= 0
        && newest[event.log]?.offset == event.offset
    }
    precondition(!alone.isEmpty, "no log of a clean record ends with a record sent alone")
    return alone[Int.random(in: 0..<alone.count, using: &random)]
  }

  /// The last record of a reader's completed poll.
  mutating func anyPlaceAtEndOfPoll() -> Int {
    let places = events.indices.filter { place in
      let event = events[place]
      return event.kind == .polled && event.outcome == .ok && Self.readers.contains(event.process)
        && events[place + 1].operation != event.operation
    }
    precondition(!places.isEmpty, "no reader of a clean record has read")
    return places[Int.random(in: 0..<places.count, using: &random)]
  }

  /// An offset between two records of a log that holds none.
  func hole(in log: UInt16) -> Int64 {
    let held = events[end...].filter { $0.log == log && $0.kind != .dumpEnded }.map(\.offset)
    let hole = ((held.min() ?? 0)...(held.max() ?? 0)).first { !held.contains($0) }
    guard let hole else { preconditionFailure("log \(log) of a clean record has no hole") }
    return hole
  }

  /// Where a member says that it was done with a record which it commits afterwards, before it loses the log.
  mutating func processedBeforeCommit() -> Int {
    let places = events.indices.filter { place in
      let event = events[place]
      guard event.kind == .processed else { return false }
      let later = events[(place + 1)...]
      let commit = later.firstIndex { $0.kind == .committed && $0.log == event.log && $0.process == event.process }
      let loss = later.firstIndex { $0.kind == .assignmentBegan && $0.process == event.process } ?? events.count
      return commit.map { $0 < loss } ?? false
    }
    precondition(!places.isEmpty, "no member of a clean record has committed")
    return places[Int.random(in: 0..<places.count, using: &random)]
  }

  /// Two records of a committed transaction that both readers were given, none the last of its log.
  mutating func anyTransaction() -> (LogEvent, LogEvent) {
    let committed = Set(events.filter { $0.kind == .transactionCommitted }.map(\.transaction))
    let sends = events.filter { $0.kind == .sendAcknowledged && committed.contains($0.transaction) }
    let whole = Dictionary(grouping: sends, by: \.transaction).sorted { $0.key < $1.key }.map(\.value)
    for sends in whole.shuffled(using: &random) {
      let inner = sends.filter { send in
        events[end...].contains { $0.kind == .dumped && $0.log == send.log && $0.offset > send.offset }
          && events[end...].contains { $0.kind == .dumped && $0.log == send.log && $0.offset < send.offset }
      }
      if let dropped = inner.first, let kept = sends.first(where: { !$0.isRecord(dropped) }) { return (kept, dropped) }
    }
    preconditionFailure("a clean record has no transaction with records before it and behind it")
  }

  // MARK: Changes

  /// Adds events after all others but the dumps.
  mutating func insert(_ more: [LogEvent]) { insert(more, at: end) }

  mutating func insert(_ more: [LogEvent], at place: Int) {
    events.insert(contentsOf: more, at: place)
    end += more.count
  }

  /// The logs keep all that they ever had.
  mutating func keepAll() { drop { $0.kind == .logStart } }

  mutating func drop(where isDropped: (LogEvent) -> Bool) {
    end -= events[..<end].count(where: isDropped)
    events.removeAll(where: isDropped)
  }

  /// A record of a producer that no clean record has.
  mutating func stranger(_ producer: UInt32, to log: UInt16, _ sequence: UInt64 = 0) -> LogEvent {
    LogEvent(
      .sendAcknowledged, log: log, process: Self.stranger + producer, operation: nextOperation(),
      producer: Self.stranger + producer, sequence: sequence)
  }

  /// A record that is sent and acknowledged at an offset, and that no dump has.
  mutating func send(to log: UInt16, at offset: Int64) {
    var event = stranger(0, to: log)
    event.offset = offset
    insert([event.invoked, event])
  }

  /// A record that is sent, acknowledged and dumped.
  mutating func send(_ event: LogEvent, at offset: Int64) {
    var event = event
    event.offset = offset
    insert([event.invoked, event])
    events.append(event.dumped(at: offset))
  }

  /// Two transactions, the first of which writes first in one log and last in the other.
  mutating func transactAcross() {
    let logs: [UInt16] = [0, 1]
    var parts: [LogEvent] = []
    for (producer, places) in [(UInt32(0), [0, 1]), (1, [1, 0])] {
      for (number, log) in logs.enumerated() {
        var event = stranger(producer, to: log, UInt64(number))
        event.transaction = 9000 + producer
        event.offset = next[Int(log)] + Int64(places[number])
        parts.append(event)
      }
    }
    for log in logs { next[Int(log)] += 2 }
    insert(parts.map(\.invoked) + parts + (0...1).map { LogEvent(.transactionCommitted, transaction: 9000 + $0) })
    events += parts.map { $0.dumped(at: $0.offset) }
  }

  /// Two transactions, each of which polls what the other one sends.
  mutating func transactReading() {
    var parts: [LogEvent] = []
    for producer in [UInt32(0), 1] {
      var event = stranger(producer, to: UInt16(producer))
      event.transaction = 9000 + producer
      event.offset = take(event.log)
      parts.append(event)
    }
    let polls = [UInt32(0), 1].map { reader in
      var event = parts[1 - Int(reader)]
      event.kind = .polled
      event.process = Self.stranger + reader
      event.transaction = 9000 + reader
      event.operation = nextOperation()
      return event
    }
    insert(
      parts.map(\.invoked) + parts + polls + (0...1).map { LogEvent(.transactionCommitted, transaction: 9000 + $0) })
    events += parts.map { $0.dumped(at: $0.offset) }
  }

  /// Moves the start of a log past a record that a reader has still to read.
  mutating func passReader() {
    keepAll()
    // A reader of its own reads one record and then no more.
    let record = anyRead()
    insert([record.polled(by: Self.stranger, at: record.offset)])
    insert([LogEvent(.logStart, log: record.log, offset: next[Int(record.log)])])
  }
}

extension LogEvent {
  func isRecord(_ other: LogEvent) -> Bool {
    producer == other.producer && sequence == other.sequence && isAboutRecord && other.isAboutRecord
  }

  private var isAboutRecord: Bool {
    switch kind {
    case .sendInvoked, .sendAcknowledged, .sendFailed, .sendUnknown, .polled, .dumped, .dumpedAborted: true
    default: false
    }
  }

  /// The beginning of this send.
  var invoked: LogEvent {
    var event = self
    event.kind = .sendInvoked
    event.offset = LogEvent.unmeasured
    return event
  }

  func polled(by process: UInt32, at offset: Int64) -> LogEvent {
    var event = self
    event.kind = .polled
    event.process = process
    event.offset = offset
    event.outcome = .ok
    event.transaction = 0
    return event
  }

  func dumped(at offset: Int64) -> LogEvent {
    var event = self
    event.kind = .dumped
    event.offset = offset
    event.transaction = 0
    return event
  }
}
