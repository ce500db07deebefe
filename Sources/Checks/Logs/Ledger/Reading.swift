/// Polls, dumps and the starts of logs.
extension LogLedger {
  @inline(__always)
  mutating func poll(_ event: LogEvent) {
    let log = log(event)
    let id = records.id(of: event)
    let lane = lane(event)
    counts.polled += 1
    if _slowPath(!event.hasOffset) {
      see(id, event)
      return
    }
    if !chains.isEmpty { placeChained(id, log, event.offset) }
    place(event, id, log, evidence: LogSlot.polled, marks: .seen)
    if event.offset > windows[log].highestPolled { windows[log].highestPolled = event.offset }
    let row = row(lane, log)
    let inside = readers[row].operation == event.operation && readers[row].last != ReaderState.nowhere
    let previous = inside ? readers[row].last : readers[row].position
    if _slowPath(previous == ReaderState.nowhere) {
      enter(event, id, lane, row)
    } else if event.offset != previous + 1 {
      step(event, id, from: previous, inside: inside)
    }
    readers[row].move(event)
    if _slowPath(lanes[lane].isManaged && readers[row].stamp != lanes[lane].stamp) { note(.unassigned, event, id) }
  }

  @inline(never)
  private mutating func step(_ event: LogEvent, _ id: RecordID, from previous: Int64, inside: Bool) {
    if event.offset <= previous {
      note(.pollBack(from: previous, inside: inside), event, id)
    } else {
      jump(LogJump(kind: .poll(inside: inside), event: event, id: id, from: previous, to: event.offset))
    }
  }

  /// A consumer's first record of a log since the log was assigned to it.
  @inline(never)
  private mutating func enter(_ event: LogEvent, _ id: RecordID, _ lane: Int, _ row: Int) {
    readers[row].start = event.offset
    if !readerLanes[Int(event.log)].contains(lane) { readerLanes[Int(event.log)].append(lane) }
    guard lanes[lane].group != .max, let committed = groups.committed(lanes[lane].group, event.log) else { return }
    if event.offset < committed {
      note(.beganBelow(committed: committed), event, id)
    } else if event.offset > committed {
      jump(LogJump(kind: .poll(inside: false), event: event, id: id, from: committed - 1, to: event.offset))
    }
  }

  /// A record was seen, nobody knows where.
  private mutating func see(_ id: RecordID, _ event: LogEvent) {
    let before = records.add(.seen, to: id)
    if before.contains(.failed) { note(.failedRead, event, id) }
    if before.contains(.acknowledged) && !before.contains(.seen) { windows[Int(event.log)].unseen -= 1 }
    unplaced[id] = nil
    overdue[id] = nil
    promote(id)
  }

  // MARK: Ground truth

  mutating func dump(_ event: LogEvent) {
    let log = log(event)
    let id = records.id(of: event)
    counts.dumped += 1
    if records.dump(id) {
      if manyPlaces[id] == nil {
        manyPlaces[id] = [LogPlace(log: event.log, offset: event.offset)]
        note(.placedAgain, event, id)
      }
    }
    if records.marks(of: id).contains(.failed) { note(.failedRead, event, id) }
    promote(id)
    guard event.hasOffset else { return }
    if !chains.isEmpty { placeChained(id, log, event.offset) }
    if windows[log].holds(event.offset) || windows[log].head < event.offset {
      place(event, id, log, evidence: 0, marks: [])
    }
  }

  mutating func dumpAborted(_ event: LogEvent) {
    _ = log(event)
    counts.dumped += 1
    dumpedAborted.insert(records.id(of: event))
  }

  /// The log begins later now. Readers that have records below it still to read have lost them.
  mutating func moveStart(_ event: LogEvent) {
    let log = log(event)
    guard event.hasOffset, event.offset > windows[log].start else { return }
    for lane in lanes.indices {
      let reader = readers[row(lane, log)]
      guard reader.position != ReaderState.nowhere, reader.position + 1 < event.offset else { continue }
      guard lanes[lane].group == .max || groups.owner(lanes[lane].group, event.log).map({ $0 == lane }) ?? true
      else { continue }
      let skipped = known(log, between: reader.position, and: event.offset, watch: false).ids
      if !skipped.isEmpty {
        note(.retained(lane: number(lane), position: reader.position, skipped: skipped), event, skipped[0])
      }
    }
    windows[log].start = event.offset
  }

  /// Whether a worker was given a record, as far as its positions tell.
  func hasRead(_ process: UInt32, _ id: RecordID, _ place: LogPlace) -> Bool {
    guard let lane = laneNumbers[process] else { return false }
    let reader = readers[row(lane, Int(place.log))]
    guard reader.start != ReaderState.nowhere, let offset = offset(of: id, told: place) else { return false }
    return reader.start <= offset && offset <= reader.last
  }

  /// The offset of a record: as it was told, or as it was found.
  func offset(of id: RecordID, told place: LogPlace) -> Int64? {
    place.offset >= 0 ? place.offset : self.place(of: id, in: Int(place.log))
  }

  /// The worker of a lane.
  func number(_ lane: Int) -> UInt32 {
    laneNumbers.first { $0.value == lane }?.key ?? UInt32(lane)
  }
}
