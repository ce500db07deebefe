/// Makes room in the windows, and looks into them.
extension LogLedger {
  private var firstOrder: Int { 8 }
  /// Offsets that lead all others by more than this are taken for errors until a second one confirms them.
  private var leap: Int64 { Int64(options.windowLimit) }

  /// Makes an offset part of its log's window; false when it is below the window for good, or an error most likely.
  @inline(__always)
  mutating func makeRoom(_ log: Int, _ offset: Int64) -> Bool {
    let window = windows[log]
    if _fastPath(offset == window.head + 1 && offset - window.low < window.capacity) {
      windows[log].head = offset
      return true
    }
    return makeRoomSlowly(log, offset)
  }

  @inline(never)
  private mutating func makeRoomSlowly(_ log: Int, _ offset: Int64) -> Bool {
    if windows[log].order == 0 {
      windows[log].place = slots.take(order: firstOrder)
      windows[log].order = firstOrder
    }
    windows[log].lowest = min(windows[log].lowest, offset)
    let window = windows[log]
    if window.head < window.low {
      windows[log].low = offset
      windows[log].head = offset
      return true
    }
    if offset < window.low {
      guard offset >= window.floor, window.head - offset < leap else { return false }
      while windows[log].head - offset >= windows[log].capacity { grow(log) }
      windows[log].low = offset
      return true
    }
    guard offset - window.head < leap || window.stray.map({ abs($0 - offset) < leap }) == true else {
      windows[log].stray = offset
      return false
    }
    while offset - windows[log].low >= windows[log].capacity {
      if offset - windows[log].head >= leap {
        evict(log, below: offset)
      } else {
        advance(log, toward: offset)
      }
    }
    windows[log].head = offset
    return true
  }

  /// Lets go of what all readers have passed, half of the window at most; grows if that is little.
  private mutating func advance(_ log: Int, toward offset: Int64) {
    let window = windows[log]
    let half = window.low + window.capacity / 2
    var slowest = window.highestPolled + 1
    for lane in readerLanes[log] {
      let reader = readers[row(lane, log)]
      if reader.position != ReaderState.nowhere { slowest = min(slowest, reader.position) }
    }
    if slowest >= half || window.order >= 62 || 1 << window.order >= options.windowLimit {
      evict(log, below: half)
    } else {
      grow(log)
    }
  }

  private mutating func grow(_ log: Int) {
    let window = windows[log]
    var next = window
    next.order += 1
    next.place = slots.take(order: next.order)
    if window.head >= window.low {
      for offset in window.low...window.head { slots.storage[next.index(offset)] = slots.storage[window.index(offset)] }
    }
    slots.give(window.place, order: window.order)
    windows[log].order = next.order
    windows[log].place = next.place
  }

  private mutating func evict(_ log: Int, below offset: Int64) {
    let window = windows[log]
    let end = min(offset, window.head + 1)
    for gone in window.low..<max(end, window.low) {
      let index = window.index(gone)
      let slot = slots.storage[index]
      if slot.state & (LogSlot.acknowledged | LogSlot.polled) == LogSlot.acknowledged,
        !records.marks(of: slot.id).contains(.seen)
      {
        overdue[slot.id] = LogPlace(log: UInt16(log), offset: gone)
      }
      slots.storage[index] = LogSlot()
    }
    windows[log].low = offset
    windows[log].floor = offset
    if windows[log].head < offset { windows[log].head = offset - 1 }
    if let waiting = jumps[UInt16(log)] { jumps[UInt16(log)] = waiting.filter { $0.to > offset } }
  }

  /// The records known between two offsets, as many as a finding names; offsets where nothing is known are watched.
  mutating func known(_ log: Int, between from: Int64, and to: Int64, watch: Bool) -> (ids: [RecordID], watched: Bool) {
    let window = windows[log]
    var ids: [RecordID] = []
    var watched = false
    let first = max(from == ReaderState.nowhere ? window.low : from + 1, window.low, window.start)
    let last = min(to - 1, window.head)
    if first > last { return ([], false) }
    for offset in first...last {
      let index = window.index(offset)
      let slot = slots.storage[index]
      if slot.state & LogSlot.known != 0 {
        if ids.count < Finding.listLimit && !records.marks(of: slot.id).contains(.failed) { ids.append(slot.id) }
      } else if watch {
        slots.storage[index].state = slot.state | LogSlot.watched
        watched = true
      }
    }
    return (ids, watched)
  }

  /// The record at an offset, as far as it is kept.
  func record(at offset: Int64, in log: UInt16) -> RecordID? {
    guard windows[Int(log)].holds(offset) else { return nil }
    let slot = slots.storage[windows[Int(log)].index(offset)]
    return slot.state & LogSlot.known != 0 ? slot.id : nil
  }

  /// Judges a jump by what is known now, and keeps it if more may become known.
  @inline(never)
  mutating func jump(_ jump: LogJump) {
    let log = Int(jump.event.log)
    let between = known(log, between: jump.from, and: jump.to, watch: true)
    if !between.ids.isEmpty {
      note(jump, between.ids)
    } else if between.watched {
      jumps[jump.event.log, default: []].append(jump)
    }
  }

  mutating func note(_ jump: LogJump, _ skipped: [RecordID]) {
    switch jump.kind {
    case .poll(let inside):
      transactions.noteSkip(jump.event, skipped)
      note(.pollSkip(from: jump.from, to: jump.to, inside: inside, skipped: skipped), jump.event, jump.id)
    case .send: note(.sendSkip(from: jump.from, to: jump.to, skipped: skipped), jump.event, jump.id)
    case .commit: note(.committedPast(position: jump.to, skipped: skipped), jump.event, jump.id)
    }
  }
}

extension Finding {
  /// The most records that one finding names.
  static let listLimit = 16
}
