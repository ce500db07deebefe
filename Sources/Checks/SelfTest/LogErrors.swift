extension PlantedErrors {
  /// The errors that the checks of logs must find.
  public static let logs = PlantedErrors(
    family: "logs", findInClean: { LogHistory.find(in: LogHistory(seed: $0).events) },
    errors: losses + places + reads + sends + groups + wholes)

  private static func error(
    _ name: String, _ expected: Set<Anomaly>, _ plant: @escaping @Sendable (inout LogHistory) -> Void
  ) -> PlantedError {
    PlantedError(name, expected: expected) { seed in
      var history = LogHistory(seed: seed)
      plant(&history)
      return history.events
    } check: {
      LogHistory.find(in: $0)
    }
  }

  private static let losses = [
    error("acknowledge a record that no log ever has", [.lostWrite]) {
      $0.keepAll()
      let log = $0.anyLog()
      var event = $0.stranger(0, to: log)
      event.offset = $0.first[Int(log)] - 2
      $0.insert([event.invoked, event], at: 0)
    },
    error("drop a record that was read past, from the log and from all readers", [.lostWrite, .pollSkip]) {
      $0.keepAll()
      let record = $0.anyRead()
      // The group says that it was done with it, as a group does that never knew of it.
      $0.drop { $0.isRecord(record) && ($0.kind == .polled || $0.kind == .dumped) }
    },
    error("lose the end of a log", [.tailLoss]) {
      let record = $0.newest()
      $0.drop { event in
        event.log == record.log
          && (event.isRecord(record) && (event.kind == .polled || event.kind == .dumped)
            || (event.kind == .processed || event.kind == .committed) && event.offset >= record.offset)
      }
    },
    error("a record is read, and is gone from the log afterwards", [.tailLoss]) {
      $0.keepAll()
      let record = $0.anyRead()
      $0.drop { $0.isRecord(record) && $0.kind == .dumped }
    },
    error("the log's start passes a reader", [.retentionLoss]) { $0.passReader() },
  ]

  private static let places = [
    error("repeat an id at a later offset", [.duplicateAppend]) {
      var record = $0.anyRead()
      record.kind = .dumped
      record.offset = $0.take(record.log)
      $0.insert([record])
    },
    error("repeat an id in another log", [.duplicateAppend]) {
      var record = $0.anyRead()
      record.kind = .dumped
      record.log = (record.log + 1) % UInt16(LogHistory.logs)
      record.offset = $0.take(record.log)
      record.keySequence = 0
      $0.insert([record])
    },
    error("hold two ids at one offset", [.inconsistentOffset]) {
      let place = $0.anyRead()
      var other = $0.stranger(0, to: place.log)
      other.kind = .sendUnknown
      $0.insert([other.invoked, other, other.polled(by: LogHistory.stranger + 1, at: place.offset)])
      $0.events.append(other.dumped(at: place.offset))
    },
    error("acknowledge below what was acknowledged before", [.offsetRegression]) {
      let log = $0.anyLog()
      $0.send(to: log, at: $0.first[Int(log)] - 2)
      let event = $0.stranger(0, to: log)
      $0.events.append(event.dumped(at: $0.first[Int(log)] - 2))
    },
    error("turn a key's order round", [.keyOrderInversion]) {
      let log = $0.anyLog()
      for (producer, sequence) in [(UInt32(0), UInt32(2)), (1, 1)] {
        var event = $0.stranger(producer, to: log)
        event.key = 1000
        event.keySequence = sequence
        $0.send(event, at: $0.take(log))
      }
    },
    error("move a key to another log", [.misroutedKey]) {
      let log = $0.anyLog()
      for (producer, place) in [(UInt32(0), log), (1, (log + 1) % UInt16(LogHistory.logs))] {
        var event = $0.stranger(producer, to: place)
        event.key = 1000
        event.keySequence = producer + 1
        $0.send(event, at: $0.take(place))
      }
    },
  ]

  private static let reads = [
    error("read a record whose send failed", [.abortedRead]) {
      let log = $0.anyLog()
      var event = $0.stranger(0, to: log)
      event.kind = .sendFailed
      $0.insert([event.invoked, event, event.polled(by: LogHistory.stranger + 1, at: $0.first[Int(log)] - 2)])
    },
    error("read a record of an aborted transaction", [.abortedRead]) {
      let record = $0.anyAborted()
      $0.insert([record.polled(by: LogHistory.stranger, at: record.offset)])
    },
    error("read a record that nobody sent", [.unknownValue]) {
      let log = $0.anyLog()
      $0.insert([$0.stranger(0, to: log).polled(by: LogHistory.stranger, at: $0.first[Int(log)] - 2)])
    },
    error("mutate a payload", [.corruptedPayload]) { history in
      let place = history.anyPlace { $0.kind == .polled && LogHistory.readers.contains($0.process) }
      history.events[place].checksum ^= 0x10
    },
    error("give a record twice in one poll", [.internalNonmonotonicPoll]) { history in
      let place = history.anyPlace { $0.kind == .polled && LogHistory.readers.contains($0.process) }
      history.insert([history.events[place]], at: place)
    },
    error("give a record again in the next poll", [.nonmonotonicPoll]) { history in
      let place = history.anyPlaceAtEndOfPoll()
      var event = history.events[place]
      event.operation = history.nextOperation()
      history.insert([event], at: place + 1)
    },
    error("leave a record out for one reader", [.pollSkip]) { history in
      history.keepAll()
      let record = history.anyRead()
      let reader = LogHistory.readers[0]
      history.drop { $0.isRecord(record) && $0.kind == .polled && $0.process == reader }
    },
    error("leave a record out that only the dump shows", [.pollSkip]) { history in
      history.keepAll()
      let record = history.anyRead()
      var event = history.stranger(0, to: record.log)
      event.kind = .sendUnknown
      // A hole, as all readers saw it, in which there was something after all.
      let hole = history.hole(in: record.log)
      history.insert([event.invoked, event])
      history.events.append(event.dumped(at: hole))
    },
  ]

  private static let sends = [
    error("write one worker's records in the opposite order", [.nonmonotonicSend]) {
      let log = $0.anyLog()
      let offsets = [$0.take(log), $0.take(log)]
      var one = $0.stranger(0, to: log)
      var two = $0.stranger(0, to: log, 1)
      one.offset = offsets[1]
      two.offset = offsets[0]
      $0.insert([one.invoked, two.invoked, one, two])
      $0.events += [one.dumped(at: one.offset), two.dumped(at: two.offset)]
    },
    error("write another's record between two of one operation", [.sendSkip]) {
      let log = $0.anyLog()
      var one = $0.stranger(0, to: log)
      var other = $0.stranger(1, to: log)
      var two = $0.stranger(0, to: log, 1)
      two.operation = one.operation
      one.offset = $0.take(log)
      other.offset = $0.take(log)
      two.offset = $0.take(log)
      $0.insert([one.invoked, two.invoked, other.invoked, one, two, other])
      $0.events += [one, other, two].map { $0.dumped(at: $0.offset) }
    },
  ]

  private static let groups = [
    error("commit above a record that was not dealt with", [.committedTooFar]) { history in
      history.events.remove(at: history.processedBeforeCommit())
      history.end -= 1
    },
    error("commit lower than before", [.committedRegress]) { history in
      var commit = history.events[history.anyPlaceOfLastCommit()]
      commit.offset -= 1
      history.insert([commit])
    },
    error("a member begins below what its group committed", [.committedRegress]) { history in
      let record = history.anyRead()
      let member = LogHistory.stranger
      history.insert([
        LogEvent(.assignmentBegan, process: member, producer: 77, key: 1),
        LogEvent(.assigned, log: record.log, process: member), LogEvent(.assignmentEnded, process: member),
        LogEvent(.committed, log: record.log, process: member, producer: 77, offset: record.offset + 1),
        record.polled(by: member, at: record.offset),
      ])
    },
    error("give a member a record of a log that it does not own", [.unassignedConsumption]) { history in
      let record = history.anyRead()
      let member = LogHistory.stranger
      history.insert([
        LogEvent(.assignmentBegan, process: member, producer: 77, key: 1),
        LogEvent(.assignmentEnded, process: member), record.polled(by: member, at: record.offset),
      ])
    },
    error("give a log to two members in one generation", [.unassignedConsumption]) { history in
      let log = history.anyLog()
      for member in [LogHistory.stranger, LogHistory.stranger + 1] {
        history.insert([
          LogEvent(.assignmentBegan, process: member, producer: 77, key: 3),
          LogEvent(.assigned, log: log, process: member), LogEvent(.assignmentEnded, process: member),
        ])
      }
    },
  ]

  private static let wholes = [
    error("one reader is given half of a transaction", [.intermediateRead, .pollSkip]) { history in
      history.keepAll()
      let pair = history.anyTransaction()
      let reader = LogHistory.readers[1]
      history.drop { $0.isRecord(pair.1) && $0.kind == .polled && $0.process == reader }
    },
    error("half of a transaction stands in the log as aborted", [.tornTransaction]) { history in
      let pair = history.anyTransaction()
      for place in history.end..<history.events.count
      where history.events[place].isRecord(pair.1) && history.events[place].kind == .dumped {
        history.events[place].kind = .dumpedAborted
      }
    },
    error("half of a transaction is not in the log", [.tornTransaction, .tailLoss]) { history in
      history.keepAll()
      let pair = history.anyTransaction()
      history.drop { $0.isRecord(pair.1) && $0.kind == .dumped }
    },
    error("two transactions write in opposite orders", [.writeCycle]) { history in
      history.transactAcross()
    },
    error("two transactions read each other", [.informationCycle]) { history in
      history.transactReading()
    },
    error("a transaction reads what it sends", [.precommittedRead]) { history in
      let log = history.anyLog()
      var event = history.stranger(0, to: log)
      event.transaction = 9000
      event.offset = history.take(log)
      var poll = event.polled(by: LogHistory.stranger, at: event.offset)
      poll.transaction = 9000
      history.insert([event.invoked, event, poll, LogEvent(.transactionCommitted, transaction: 9000)])
      history.events.append(event.dumped(at: event.offset))
    },
    error("nobody reads anything", [.vacuousRun]) { history in
      history.drop { ![.sendInvoked, .sendAcknowledged].contains($0.kind) || $0.transaction != 0 }
    },
    error("nothing is acknowledged", [.vacuousRun]) { history in
      history.drop { $0.kind == .sendAcknowledged || $0.kind == .transactionCommitted }
    },
  ]
}
