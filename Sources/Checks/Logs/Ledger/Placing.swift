/// Puts records at their offsets.
extension LogLedger {
  /// What an event says about a record at an offset; `evidence` is the slot state that it makes.
  @inline(__always)
  mutating func place(_ event: LogEvent, _ id: RecordID, _ log: Int, evidence: UInt8, marks: RecordMarks) {
    let offset = event.offset
    if _slowPath(offset > windows[log].head || offset < windows[log].low) {
      guard makeRoom(log, offset) else {
        placeBelow(event, id, log, marks)
        return
      }
    }
    let index = windows[log].index(offset)
    let slot = slots.storage[index]
    if slot.state & LogSlot.known == 0 {
      slots.storage[index] = LogSlot(id: id, checksum: event.checksum, state: LogSlot.known | evidence)
      let before = records.add(marks.union(.placed), to: id)
      settle(before, marks, event, id, log)
      if _slowPath(before.contains(.placed)) {
        placeAgain(event, id, log)
      } else if event.keySequence != 0 {
        follow(event, id)
      }
      if _slowPath(slot.state & LogSlot.watched != 0) { fill(event, id, log) }
    } else if slot.id == id {
      if slot.state & evidence != evidence {
        slots.storage[index].state = slot.state | evidence
        settle(records.add(marks, to: id), marks, event, id, log)
      }
      if _slowPath(slot.checksum != event.checksum && event.checksum != 0) {
        compareChecksum(event, id, index)
      }
    } else {
      contest(event, id, log, index, marks)
    }
  }

  /// Keeps the number of unseen records, and resolves what waited for this record to be seen.
  @inline(__always)
  private mutating func settle(
    _ before: RecordMarks, _ marks: RecordMarks, _ event: LogEvent, _ id: RecordID, _ log: Int
  ) {
    if marks.contains(.acknowledged) {
      if before.isDisjoint(with: [.acknowledged, .seen]) { windows[log].unseen += 1 }
    } else if marks.contains(.seen) && !before.contains(.seen) {
      if before.contains(.acknowledged) { windows[log].unseen -= 1 }
      if _slowPath(before.contains(.failed)) { note(.failedRead, event, id) }
      if _slowPath(!outcomes.isEmpty || !unplaced.isEmpty || !overdue.isEmpty) { resolve(id) }
    }
  }

  @inline(never)
  private mutating func resolve(_ id: RecordID) {
    unplaced[id] = nil
    overdue[id] = nil
    promote(id)
  }

  @inline(never)
  private mutating func placeBelow(_ event: LogEvent, _ id: RecordID, _ log: Int, _ marks: RecordMarks) {
    let before = records.add(marks.union(.placed), to: id)
    settle(before, marks, event, id, log)
    if !before.contains(.placed) && event.keySequence != 0 { follow(event, id) }
    if marks.contains(.acknowledged) && !before.contains(.seen) {
      overdue[id] = LogPlace(log: event.log, offset: event.offset)
    }
  }

  @inline(never)
  private mutating func placeAgain(_ event: LogEvent, _ id: RecordID, _ log: Int) {
    var places = manyPlaces[id] ?? find(id, except: LogPlace(log: event.log, offset: event.offset))
    places.append(LogPlace(log: event.log, offset: event.offset))
    manyPlaces[id] = places
    note(.placedAgain, event, id)
  }

  /// Where else a record stands in the windows. Looks everywhere, which only errors cost.
  private func find(_ id: RecordID, except: LogPlace) -> [LogPlace] {
    if let place = overdue[id] { return [place] }
    if manyPlaces.count > options.findingLimit { return [] }
    for (log, window) in windows.enumerated() where window.head >= window.low {
      for offset in window.low...window.head {
        let place = LogPlace(log: UInt16(log), offset: offset)
        let slot = slots.storage[window.index(offset)]
        if slot.state & LogSlot.known != 0 && slot.id == id && place != except { return [place] }
      }
    }
    return contested.filter { $0.value.contains(id) && $0.key != except }.map(\.key)
  }

  @inline(never)
  private mutating func contest(_ event: LogEvent, _ id: RecordID, _ log: Int, _ index: Int, _ marks: RecordMarks) {
    let before = records.add(marks.union(.placed), to: id)
    settle(before, marks, event, id, log)
    let place = LogPlace(log: event.log, offset: event.offset)
    if contested[place]?.contains(id) == true { return }
    slots.storage[index].state |= LogSlot.contested
    contested[place, default: []].append(id)
    note(.conflict(slots.storage[index].id), event, id)
    if before.contains(.placed) { placeAgain(event, id, log) }
  }

  @inline(never)
  private mutating func compareChecksum(_ event: LogEvent, _ id: RecordID, _ index: Int) {
    let known = slots.storage[index].checksum
    if known == 0 {
      slots.storage[index].checksum = event.checksum
    } else {
      note(.checksum(known), event, id)
    }
  }

  /// A record turned up where somebody had jumped.
  @inline(never)
  private mutating func fill(_ event: LogEvent, _ id: RecordID, _ log: Int) {
    if records.marks(of: id).contains(.failed) { return }
    let waiting = jumps[event.log] ?? []
    jumps[event.log] = waiting.filter { !($0.from < event.offset && event.offset < $0.to) }
    for jump in waiting where jump.from < event.offset && event.offset < jump.to { note(jump, [id]) }
  }

  // MARK: Keys

  /// Compares a record with the latest of its key: sequence and offset must rise together.
  @inline(__always)
  mutating func follow(_ event: LogEvent, _ id: RecordID) {
    let table = keyTable(of: event)
    guard table.has(event.key) else {
      followSlowly(event, id)
      return
    }
    let index = table.place + Int(event.key)
    let state = keys.storage[index]
    // By far most often the next record of a key stands behind the latest.
    if _fastPath(state.isFollowed(by: event)) {
      keys.storage[index] = KeyState(event)
    } else {
      keys.storage[index] = compare(event, id, state)
    }
  }

  private func keyTable(of event: LogEvent) -> KeyTable {
    let topic = windows[Int(event.log)].topic
    return topic < keyTables.count ? keyTables[topic] : KeyTable()
  }

  @inline(never)
  private mutating func followSlowly(_ event: LogEvent, _ id: RecordID) {
    let topic = windows[Int(event.log)].topic
    guard topic < 1 << 10, event.key < 1 << 20 else {
      let key = UInt64(topic) << 32 | UInt64(event.key)
      otherKeys[key] = compare(event, id, otherKeys[key] ?? KeyState())
      return
    }
    while keyTables.count <= topic { keyTables.append(KeyTable()) }
    let old = keyTables[topic]
    var new = KeyTable(order: max(4, old.order))
    while !new.has(event.key) { new.order += 1 }
    new.place = keys.take(order: new.order)
    for key in 0..<old.count { keys.storage[new.place + key] = keys.storage[old.place + key] }
    if old.order > 0 { keys.give(old.place, order: old.order) }
    keyTables[topic] = new
    follow(event, id)
  }

  @inline(never)
  private mutating func compare(_ event: LogEvent, _ id: RecordID, _ state: KeyState) -> KeyState {
    let next = KeyState(event)
    if state.sequence == 0 { return next }
    if state.log != event.log {
      note(.keyMoved(from: state.log), event, id)
      return next
    }
    let distance = event.offset.distance(fromLow: state.offset)
    if distance == 0 { return state }
    if (distance > 0) != (event.keySequence > state.sequence) {
      let other = event.offset - distance
      note(.keyOrder(other: record(at: other, in: event.log), otherOffset: other), event, id)
    }
    return distance > 0 ? next : state
  }
}
