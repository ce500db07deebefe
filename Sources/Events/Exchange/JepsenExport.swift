extension JepsenHistory {
  /// The history of `history`'s operations in Jepsen's terms.
  ///
  /// Reading it back yields the same operations, with one node and region, and with the codes, calls, transactions and
  /// identities that ``imported()`` gives out. `values` are those of an ``ImportedHistory``.
  ///
  /// - Throws: ``ImportError`` when Jepsen has no word for an operation; its line counts operations, from 1.
  public init(_ history: History, values: [EventID: String] = [:]) throws(ImportError) {
    let exporter = JepsenExporter(names: history.names, values: values)
    var events: [(time: Int64, event: JepsenEvent)] = []
    var place = 0
    while place < history.operations.count {
      let first = history.operations[place]
      var steps = [first]
      while first.call != nil, place + steps.count < history.operations.count,
        history.operations[place + steps.count].call == first.call
      { steps.append(history.operations[place + steps.count]) }
      do { events += try exporter.events(steps) } catch { throw ImportError(line: place + 1, what: error.what) }
      place += steps.count
    }
    // Where times tie, what ended is before what begins: nothing says that they overlapped.
    let order = events.indices.sorted { left, right in
      let (a, b) = (events[left], events[right])
      if a.time != b.time { return a.time < b.time }
      let (beginsA, beginsB) = (a.event.kind == .invoke, b.event.kind == .invoke)
      return beginsA == beginsB || a.event.process == b.event.process ? left < right : !beginsA
    }
    self.init(events: order.map { events[$0].event })
  }
}

private struct JepsenExporter {
  let names: NameTable
  let values: [EventID: String]

  /// The invocation and the completion of a call that made `steps`.
  func events(_ steps: [Operation]) throws(LineProblem) -> [(time: Int64, event: JepsenEvent)] {
    let first = steps[0]
    let (asked, got) = try calls(steps)
    var events: [(time: Int64, event: JepsenEvent)] = []
    // Something that took no time was told only once it was over.
    if first.completed != first.invoked {
      events.append((first.invoked, JepsenEvent(.invoke, asked, process: first.process, time: first.invoked)))
    }
    guard let completed = first.completed else { return events }
    let (kind, code): (JepsenEvent.Kind, OutcomeCode?) =
      switch first.outcome {
      case .ok: (.ok, nil)
      case .fail(let code): (.fail, code)
      case .unknown(let code): (.info, code)
      }
    let error = code.flatMap(names.name(of:)).flatMap { $0 == kind.rawValue ? nil : $0 }
    events.append((completed, JepsenEvent(kind, got, process: first.process, time: completed, error: error)))
    return events
  }

  /// What a call asked for, and what it got.
  private func calls(_ steps: [Operation]) throws(LineProblem) -> (asked: JepsenEvent.Call, got: JepsenEvent.Call) {
    let first = steps[0]
    switch first.kind {
    case .assign, .subscribe:
      let partitions = steps.compactMap(\.partition).map(partition)
      let call = JepsenEvent.Call.partitions(function: first.kind.name, partitions)
      return (call, call)
    case .append, .poll:
      if first.partition == nil, steps.count == 1, first.kind == .append || first.event != .none {
        let value = try value(first.event)
        guard first.kind == .append else {
          return (.queue(function: "dequeue", nil), .queue(function: "dequeue", value))
        }
        return (.queue(function: "append", value), .queue(function: "append", value))
      }
      return try logCalls(steps)
    case .read, .write, .compareAndSet: return registerCalls(first)
    default: throw LineProblem(what: "an operation '\(first.kind.name)', for which Jepsen has no word")
    }
  }

  private func logCalls(_ steps: [Operation]) throws(LineProblem) -> (JepsenEvent.Call, JepsenEvent.Call) {
    let function = steps[0].transaction != nil ? "txn" : steps[0].kind == .append ? "send" : "poll"
    guard steps.allSatisfy({ $0.kind == .append || $0.kind == .poll }),
      function == "txn" || steps.allSatisfy({ $0.kind == steps[0].kind })
    else { throw LineProblem(what: "a call that is more than sends and polls, and no transaction") }
    var asked: [JepsenEvent.MicroOperation] = []
    var got: [JepsenEvent.MicroOperation] = []
    for step in steps {
      if step.kind == .append {
        let partition = step.partition.map(self.partition) ?? .text("")
        asked.append(.send(partition: partition, value: try value(step.event), offset: nil))
        got.append(.send(partition: partition, value: try value(step.event), offset: step.position))
      } else if let record = try record(step), case .poll(let partitions?)? = got.last,
        let joined = joined(partitions, record)
      {
        got[got.count - 1] = .poll(joined)
      } else {
        asked.append(.poll(nil))
        got.append(.poll(try record(step).map { [$0] } ?? []))
      }
    }
    return (.log(function: function, asked), .log(function: function, got))
  }

  private func record(_ step: Operation) throws(LineProblem) -> JepsenEvent.PolledPartition? {
    guard let partition = step.partition else { return nil }
    return .init(
      partition: self.partition(partition), records: [.init(offset: step.position, value: try value(step.event))])
  }

  /// `partitions` with one more record, as long as that leaves the order in which they came as it is.
  private func joined(
    _ partitions: [JepsenEvent.PolledPartition], _ record: JepsenEvent.PolledPartition
  ) -> [JepsenEvent.PolledPartition]? {
    guard let last = partitions.last else { return nil }
    if last.partition == record.partition {
      return partitions.dropLast() + [.init(partition: last.partition, records: last.records + record.records)]
    }
    return partitions.contains { $0.partition == record.partition } ? nil : partitions + [record]
  }

  private func registerCalls(_ op: Operation) -> (JepsenEvent.Call, JepsenEvent.Call) {
    let key = op.partition.map(partition)
    switch op.kind {
    case .read: return (.read(key: key, value: nil), .read(key: key, value: op.value))
    case .write: return (.write(key: key, value: op.value), .write(key: key, value: op.value))
    default:
      let call = JepsenEvent.Call.compareAndSet(key: key, expected: op.expected, value: op.value)
      return (call, call)
    }
  }

  private func partition(_ index: PartitionIndex) -> JepsenValue {
    JepsenValue(name: names.name(of: index) ?? "#\(index.rawValue)")
  }

  private func value(_ event: EventID) throws(LineProblem) -> JepsenValue? {
    if event == .none { return nil }
    if let known = values[event] { return JepsenValue(name: known) }
    guard let number = Int64(exactly: event.sequence) else {
      throw LineProblem(what: "the event \(event), whose number is beyond what Jepsen's histories hold")
    }
    return .integer(number)
  }
}
