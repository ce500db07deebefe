/// A history from elsewhere, in our terms.
public struct ImportedHistory: Sendable, Hashable {
  /// The operations, in the order in which they ended.
  public var history: History
  /// The values that stood for events in the file it came from, where an event's sequence is not the value itself.
  public var values: [EventID: String]
  /// Whether times are places in the file, because it has none, or none that only rise.
  public var timesArePlaces: Bool
}

extension JepsenHistory {
  /// The same history as operations.
  ///
  /// A step of a call is one operation; the steps of a call share ``Operation/call``, and those of a `txn` also
  /// ``Operation/transaction``. A record's identity is its partition's number and its value; where a value in the history is no
  /// number from 0, the events of its partition are numbered as they are met, and ``ImportedHistory/values`` tells which is which.
  ///
  /// - Throws: ``ImportError`` when a process has two calls at a time or ends one twice, or there are more partitions or errors than
  ///   a history can name; its line counts events, from 1.
  public func imported() throws(ImportError) -> ImportedHistory {
    var importer = JepsenImporter(events)
    return try importer.run()
  }
}

/// Pairs invocations with completions and makes operations of them.
private struct JepsenImporter {
  private let events: [JepsenEvent]
  private let usesPlaces: Bool
  private var names = NameTable()
  private let node: NodeIndex
  private var identities = JepsenIdentities()
  private var operations: [Operation] = []
  private var open: [UInt32: (place: Int, event: JepsenEvent)] = [:]
  /// Where each process that has begun a call ended its last one.
  private var ended: [UInt32: Int] = [:]
  private var calls: UInt64 = 0
  private var transactions: UInt64 = 0

  init(_ events: [JepsenEvent]) {
    self.events = events
    let times = events.compactMap(\.time)
    usesPlaces = times.count < events.count || !zip(times, times.dropFirst()).allSatisfy { $0 < $1 }
    node = names.node("imported")
    for event in events { identities.note(event.call) }
  }

  mutating func run() throws(ImportError) -> ImportedHistory {
    for (place, event) in events.enumerated() {
      // An event of nobody's gets a process that no other has; files number theirs from 0.
      let process = event.process ?? UInt32.max - UInt32(truncatingIfNeeded: place)
      let begun = open.removeValue(forKey: process)
      if event.kind == .invoke {
        if let begun {
          throw ImportError(
            line: place + 1,
            what: "process \(process) begins a call, but the one it began in event \(begun.place + 1) has not ended")
        }
        open[process] = (place, event)
      } else {
        // There are files without invocations; but who has begun a call ends it once.
        if begun == nil, let before = ended[process] {
          throw ImportError(
            line: place + 1, what: "process \(process) ends a call that it has ended in event \(before + 1) already")
        }
        if begun != nil { ended[process] = place }
        let invoked = time(begun?.place ?? place)
        do { try append(process, begun: begun?.event, at: invoked, ended: event, time(place)) } catch {
          throw ImportError(line: place + 1, what: error.what)
        }
      }
    }
    for (process, begun) in open.sorted(by: { $0.value.place < $1.value.place }) {
      do { try append(process, begun: begun.event, at: time(begun.place), ended: nil, nil) } catch {
        throw ImportError(line: begun.place + 1, what: error.what)
      }
    }
    let history = History(
      header: HistoryHeader(runID: "imported", monotonicStart: events.isEmpty ? 0 : time(0), wallStart: 0),
      names: names, operations: operations)
    return ImportedHistory(history: history, values: identities.values, timesArePlaces: usesPlaces)
  }

  private func time(_ place: Int) -> Int64 { usesPlaces ? Int64(place) : events[place].time ?? 0 }

  private mutating func append(
    _ process: UInt32, begun: JepsenEvent?, at invoked: Int64, ended: JepsenEvent?, _ completed: Int64?
  ) throws(LineProblem) {
    guard let call = merged(begun: begun?.call, ended: ended?.call) else { return }
    calls += 1
    var base = Operation(.poll, process: process, node: node, region: node, invoked: invoked, completed: completed)
    base.call = calls - 1
    switch ended?.kind {
    case .ok: base.outcome = .ok
    case .fail: base.outcome = .fail(try code(ended?.error ?? "fail"))
    case .info: base.outcome = .unknown(try code(ended?.error ?? "info"))
    case .invoke, nil: base.outcome = .unknown(.neverCompleted)
    }
    switch call {
    case .log(let function, let steps):
      if function == "txn" {
        base.transaction = transactions
        transactions += 1
      }
      for step in steps { try append(step, base) }
    case .partitions(let function, let partitions):
      base.kind = function == "assign" ? .assign : .subscribe
      if partitions.isEmpty { operations.append(base) }
      for partition in partitions {
        var operation = base
        operation.partition = try self.partition(partition)
        operations.append(operation)
      }
    case .queue(let function, let value):
      base.kind = function == "dequeue" ? .poll : .append
      if let value { base.event = identities.event(value, of: nil) }
      operations.append(base)
    case .read(let key, let value): try appendRegister(.read, key, value: value, base)
    case .write(let key, let value): try appendRegister(.write, key, value: value, base)
    case .compareAndSet(let key, let expected, let value):
      base.expected = expected
      try appendRegister(.compareAndSet, key, value: value, base)
    }
  }

  private mutating func partition(_ value: JepsenValue) throws(LineProblem) -> PartitionIndex {
    PartitionIndex(rawValue: UInt32(try names.place(value.name, .partitions)))
  }

  private mutating func code(_ name: String) throws(LineProblem) -> OutcomeCode {
    OutcomeCode(rawValue: UInt16(try names.place(name, .codes)))
  }

  /// What is known of a call once it has ended: what came back where something did, else what was asked for.
  private func merged(begun: JepsenEvent.Call?, ended: JepsenEvent.Call?) -> JepsenEvent.Call? {
    switch (begun, ended) {
    case (.log(_, let asked)?, .log(_, let got)?) where got.count < asked.count: begun
    case (.queue(_, _?)?, .queue(_, nil)?): begun
    case (.write?, .write(_, nil)?): begun
    case (.compareAndSet?, .compareAndSet(_, _, nil)?): begun
    default: ended ?? begun
    }
  }

  private mutating func append(_ step: JepsenEvent.MicroOperation, _ base: Operation) throws(LineProblem) {
    var operation = base
    switch step {
    case .send(let partition, let value, let offset):
      operation.kind = .append
      operation.partition = try self.partition(partition)
      if let value { operation.event = identities.event(value, of: operation.partition) }
      operation.position = offset
      operations.append(operation)
    case .poll(let partitions):
      let records = partitions?.contains { !$0.records.isEmpty } ?? false
      if !records { operations.append(operation) }
      for polled in partitions ?? [] {
        operation.partition = try self.partition(polled.partition)
        for record in polled.records {
          operation.event = record.value.map { identities.event($0, of: operation.partition) } ?? .none
          operation.position = record.offset
          operations.append(operation)
        }
      }
    }
  }

  private mutating func appendRegister(_ kind: OperationKind, _ key: JepsenValue?, value: Int64?, _ base: Operation)
    throws(LineProblem)
  {
    var operation = base
    operation.kind = kind
    operation.value = value
    if let key { operation.partition = try partition(key) }
    operations.append(operation)
  }
}

/// Which event a value of a file stands for.
private struct JepsenIdentities {
  /// Whether a value of the file is no number from 0, so that none can be taken as a sequence.
  private var numbered = false
  private var known: [UInt32: [JepsenValue: UInt64]] = [:]
  private(set) var values: [EventID: String] = [:]

  mutating func note(_ call: JepsenEvent.Call) {
    switch call {
    case .log(_, let steps):
      for step in steps {
        switch step {
        case .send(_, let value, _): note(value)
        case .poll(let partitions):
          for polled in partitions ?? [] { for record in polled.records { note(record.value) } }
        }
      }
    case .queue(_, let value): note(value)
    default: break
    }
  }

  private mutating func note(_ value: JepsenValue?) {
    switch value {
    case .integer(let number) where number >= 0: break
    case nil: break
    default: numbered = true
    }
  }

  mutating func event(_ value: JepsenValue, of partition: PartitionIndex?) -> EventID {
    let producer = partition?.rawValue ?? 0
    if !numbered, case .integer(let number) = value { return EventID(producer: producer, sequence: UInt64(number)) }
    let next = UInt64(known[producer]?.count ?? 0)
    let sequence = known[producer]?[value] ?? next
    known[producer, default: [:]][value] = sequence
    let event = EventID(producer: producer, sequence: sequence)
    values[event] = value.name
    return event
  }
}
