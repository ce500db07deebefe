/// The short way of events that are as they should be, which nearly all are.
///
/// A send begins; its record is acknowledged at the next offset of its log; a reader is given the next record. Such events change a
/// few places of what the ledger keeps, and show nothing. Every other event is left to ``LogLedger/take(_:)``, which would do just
/// the same with these: the tests hold the two ways against each other.
///
/// A stretch of events is taken with all tables borrowed at once, so that no look-up asks again whether its table is shared.
extension LogLedger {
  /// Takes the events from `start` on as long as they are ordinary.
  ///
  /// - Returns: the place of the first one that is not, of which nothing was taken; `end`: there was none.
  @inline(__always)
  mutating func takeOrdinary(_ events: [LogEvent], from start: Int, to end: Int) -> Int {
    guard chains.isEmpty else { return start }
    // While something waits for a record to be seen, every first sight is looked into.
    let isQuiet = outcomes.isEmpty && unplaced.isEmpty && overdue.isEmpty
    return Self.takeOrdinary(
      events, start..<end, Lanes(of: self), isQuiet: isQuiet, &counts, &records, &windows, &slots.storage,
      &sends.storage, &readers, &senders, &keys.storage)
  }

  /// What ordinary events only read.
  struct Lanes {
    var lanes: [LogLane]
    var direct: [Int32]
    var keyTables: [KeyTable]
    var logOrder: Int

    init(of ledger: LogLedger) {
      lanes = ledger.lanes
      direct = ledger.directLanes
      keyTables = ledger.keyTables
      logOrder = ledger.logOrder
    }
  }

  @inline(__always)
  private static func takeOrdinary(
    _ events: [LogEvent], _ range: Range<Int>, _ own: borrowing Lanes, isQuiet: Bool, _ counts: inout LogCounts,
    _ records: inout Records, _ windows: inout [LogWindow], _ slots: inout [LogSlot], _ sends: inout [OpenSend],
    _ readers: inout [ReaderState], _ senders: inout [SenderState], _ keys: inout [KeyState]
  ) -> Int {
    let events = events.span
    let (lanes, direct, keyTables) = (own.lanes.span, own.direct.span, own.keyTables.span)
    var windows = windows.mutableSpan
    var slots = slots.mutableSpan
    var sends = sends.mutableSpan
    var readers = readers.mutableSpan
    var senders = senders.mutableSpan
    var keys = keys.mutableSpan
    var (acknowledged, polled) = (0, 0)
    defer {
      counts.acknowledged += acknowledged
      counts.polled += polled
    }
    for place in range {
      let event = events[place]
      let log = Int(event.log)
      let process = Int(event.process)
      guard log < windows.count, process < direct.count, direct[process] >= 0 else { return place }
      let lane = Int(direct[process])

      switch event.kind {
      case .sendInvoked:
        let id = records.id(of: event)
        guard lanes[lane].order > 0, sends[lanes[lane].index(id)].id == OpenSend.none else { return place }
        let bound = event.offset == LogEvent.unmeasured ? windows[log].highestAcknowledged : event.offset
        sends[lanes[lane].index(id)] = OpenSend(id: id, bound: bound)
        records.invoke(id)

      case .sendAcknowledged:
        let id = records.id(of: event)
        let offset = event.offset
        let row = lane &<< own.logOrder &+ log
        let window = windows[log]
        let slot = window.index(offset)
        guard event.transaction == 0, event.hasOffset, lanes[lane].order > 0,
          offset == window.head + 1, offset - window.low < window.capacity, slots[slot].state == 0,
          senders[row].isFollowed(by: event)
        else { return place }
        let send = lanes[lane].index(id)
        let isFollowed = sends[send].id == id
        guard !isFollowed || offset > sends[send].bound else { return place }
        if event.keySequence != 0 {
          guard window.topic < keyTables.count, keyTables[window.topic].has(event.key) else { return place }
          let key = keyTables[window.topic].place + Int(event.key)
          guard keys[key].isFollowed(by: event), records.advance(id, from: [], by: [.acknowledged, .placed])
          else { return place }
          keys[key] = KeyState(event)
        } else {
          guard records.advance(id, from: [], by: [.acknowledged, .placed]) else { return place }
        }
        if isFollowed { sends[send].id = OpenSend.none }
        slots[slot] = LogSlot(id: id, checksum: event.checksum, state: LogSlot.known | LogSlot.acknowledged)
        windows[log].head = offset
        windows[log].highestAcknowledged = max(window.highestAcknowledged, offset)
        windows[log].unseen += 1
        senders[row] = SenderState(event)
        acknowledged += 1

      case .polled:
        let id = records.id(of: event)
        let offset = event.offset
        let row = lane &<< own.logOrder &+ log
        guard event.transaction == 0, event.hasOffset, windows[log].holds(offset) else { return place }
        let slot = windows[log].index(offset)
        guard slots[slot].id == id, slots[slot].state & LogSlot.known != 0, slots[slot].checksum == event.checksum,
          readers[row].isFollowed(by: event), !lanes[lane].isManaged || readers[row].stamp == lanes[lane].stamp
        else { return place }
        if slots[slot].state & LogSlot.polled == 0 {
          guard isQuiet, records.advance(id, from: [.acknowledged, .placed], by: .seen) else { return place }
          slots[slot].state |= LogSlot.polled
          windows[log].unseen -= 1
        }
        windows[log].highestPolled = max(windows[log].highestPolled, offset)
        readers[row].move(event)
        polled += 1

      default: return place
      }
    }
    return range.upperBound
  }
}
