/// Sends, from their beginning to their end.
extension LogLedger {
  /// The most sends of one worker that are followed at a time.
  private var openLimit: Int { 12 }

  @inline(__always)
  mutating func begin(_ event: LogEvent) {
    let log = log(event)
    let id = records.id(of: event)
    let lane = lane(event)
    records.invoke(id)
    let bound = event.offset == LogEvent.unmeasured ? windows[log].highestAcknowledged : event.offset
    if _fastPath(lanes[lane].order > 0) {
      let index = lanes[lane].index(id)
      if _fastPath(sends.storage[index].id == OpenSend.none) {
        sends.storage[index] = OpenSend(id: id, bound: bound)
        return
      }
    }
    beginSlowly(OpenSend(id: id, bound: bound), lane)
  }

  @inline(never)
  private mutating func beginSlowly(_ send: OpenSend, _ lane: Int) {
    while true {
      let order = lanes[lane].order
      if order > 0 {
        let index = lanes[lane].place + Int(truncatingIfNeeded: send.id) & (1 << order - 1)
        let open = sends.storage[index].id
        if open == OpenSend.none || open == send.id || order >= openLimit {
          if open != OpenSend.none && open != send.id { counts.unbounded += 1 }
          sends.storage[index] = send
          return
        }
      }
      let next = order == 0 ? 2 : order + 1
      let place = sends.take(order: next)
      if order > 0 {
        for old in lanes[lane].place..<lanes[lane].place + 1 << order where sends.storage[old].id != OpenSend.none {
          sends.storage[place + Int(truncatingIfNeeded: sends.storage[old].id) & (1 << next - 1)] = sends.storage[old]
        }
        sends.give(lanes[lane].place, order: order)
      }
      lanes[lane].place = place
      lanes[lane].order = next
    }
  }

  /// Ends a send; the highest offset that was acknowledged when it began, if it was followed.
  @inline(__always)
  private mutating func end(_ id: RecordID, _ lane: Int) -> Int64? {
    if lanes[lane].order == 0 { return nil }
    let index = lanes[lane].index(id)
    let open = sends.storage[index]
    if open.id != id { return nil }
    sends.storage[index].id = OpenSend.none
    return open.bound
  }

  @inline(__always)
  mutating func acknowledge(_ event: LogEvent) {
    let log = log(event)
    let id = records.id(of: event)
    let lane = lane(event)
    counts.acknowledged += 1
    let bound = end(id, lane)
    if _slowPath(!event.hasOffset) {
      acknowledgeUnplaced(event, id, log, lane)
      return
    }
    if let bound, _slowPath(event.offset <= bound) { note(.acknowledgedBelow(bound), event, id) }
    if event.offset > windows[log].highestAcknowledged { windows[log].highestAcknowledged = event.offset }
    place(event, id, log, evidence: LogSlot.acknowledged, marks: .acknowledged)
    let row = row(lane, log)
    if _slowPath(!chains.isEmpty), chains[row] != nil {
      chain(event, id, row, event.offset)
    }
    let sender = senders[row]
    if _slowPath(!sender.isFollowed(by: event)), chains[row] == nil {
      let last = event.offset - event.offset.distance(fromLow: sender.offset)
      step(event, id, from: last, sender.operation, record(at: last, in: event.log))
    }
    senders[row] = SenderState(event)
  }

  /// Judges a send by the one before it.
  @inline(never)
  private mutating func step(
    _ event: LogEvent, _ id: RecordID, from last: Int64, _ operation: UInt32, _ previous: RecordID?
  ) {
    if event.offset == last && id == previous { return }  // acknowledged twice, as a retried send may be
    let inside = event.operation == operation
    if event.offset <= last {
      note(.sendBack(from: last, previous: previous, inside: inside), event, id)
    } else if inside {
      jump(LogJump(kind: .send, event: event, id: id, from: last, to: event.offset))
    }
  }

  @inline(never)
  private mutating func acknowledgeUnplaced(_ event: LogEvent, _ id: RecordID, _ log: Int, _ lane: Int) {
    let before = records.add(.acknowledged, to: id)
    if before.isDisjoint(with: [.acknowledged, .seen]) {
      windows[log].unseen += 1
      unplaced[id] = event.log
    }
    let place = before.contains(.placed) ? self.place(of: id, in: log) : nil
    chain(event, id, row(lane, log), place)
  }

  /// The offset of a record in its log's window.
  func place(of id: RecordID, in log: Int) -> Int64? {
    let window = windows[log]
    guard window.head >= window.low else { return nil }
    return (window.low...window.head).first {
      let slot = slots.storage[window.index($0)]
      return slot.state & LogSlot.known != 0 && slot.id == id
    }
  }

  // MARK: Sends whose offset becomes known later

  /// The most sends of one worker to one log that wait for their offset.
  private var chainLimit: Int { 64 }

  /// Adds a send to its sender's order.
  private mutating func chain(
    _ event: LogEvent, _ id: RecordID, _ row: Int, _ offset: Int64?, isDoubted: Bool = false
  ) {
    var chain = chains[row] ?? []
    if chain.isEmpty, senders[row].operation != 0 {
      // The one before it counts, too.
      var previous = event
      previous.operation = senders[row].operation
      let near = windows[Int(event.log)].head
      previous.offset = near - near.distance(fromLow: senders[row].offset)
      let known = record(at: previous.offset, in: event.log)
      chain.append(ChainedSend(event: previous, id: known ?? OpenSend.none, offset: previous.offset))
    }
    chain.append(ChainedSend(event: event, id: id, offset: offset, isDoubted: isDoubted))
    if offset != nil { compare(chain, at: chain.count - 1) }
    if chain.count > chainLimit { chain.removeFirst() }
    // Those of one operation in doubt are compared with each other: they stay until all of them are here.
    if isDoubted { chains[row] = chain } else { keep(chain, row) }
  }

  /// Keeps a chain as long as offsets are missing in it.
  private mutating func keep(_ chain: [ChainedSend], _ row: Int) {
    if chain.contains(where: { $0.offset == nil }) {
      chains[row] = chain
      return
    }
    chains[row] = nil
    if let last = chain.last(where: { !$0.isDoubted }), let offset = last.offset {
      senders[row] = SenderState(offset: UInt32(truncatingIfNeeded: offset), operation: last.event.operation)
    }
  }

  /// A record whose offset was not known was found.
  mutating func placeChained(_ id: RecordID, _ log: Int, _ offset: Int64) {
    for row in chains.keys.sorted() where row & (1 << logOrder - 1) == log {
      guard var chain = chains[row], let place = chain.firstIndex(where: { $0.id == id && $0.offset == nil }),
        !chain[place].event.hasOffset || chain[place].event.offset == offset
      else { continue }
      chain[place].offset = offset
      compare(chain, at: place)
      if let later = chain[(place + 1)...].firstIndex(where: { $0.offset != nil }) { compare(chain, at: later) }
      keep(chain, row)
    }
  }

  /// Compares a send with the one before it whose offset is known. One of another operation must have ended before: of one in
  /// doubt nobody knows that.
  private mutating func compare(_ chain: [ChainedSend], at place: Int) {
    let operation = chain[place].event.operation
    let before = chain[..<place].last { $0.offset != nil && (!$0.isDoubted || $0.event.operation == operation) }
    guard let before, let from = before.offset, let to = chain[place].offset else { return }
    var event = chain[place].event
    event.offset = to
    step(event, chain[place].id, from: from, before.event.operation, before.id)
  }

  // MARK: Failures and unknown ends

  mutating func fail(_ event: LogEvent) {
    let id = records.id(of: event)
    _ = log(event)
    _ = end(id, lane(event))
    if records.add(.failed, to: id).contains(.seen) { note(.failedRead, event, id) }
  }

  /// Sends of one operation of which nobody knows whether they took effect: all of them did, or none.
  mutating func doubt(_ events: [LogEvent]) {
    var ids: [RecordID] = []
    var rows: Set<Int> = []
    for event in events {
      let id = records.id(of: event)
      let log = log(event)
      let lane = lane(event)
      _ = end(id, lane)
      ids.append(id)
      // Its place among its sender's records counts as soon as its offset is known.
      let isFound = !event.hasOffset && records.marks(of: id).contains(.placed)
      let row = row(lane, log)
      chain(event, id, row, isFound ? place(of: id, in: log) : nil, isDoubted: true)
      rows.insert(row)
    }
    for row in rows { if let chain = chains[row] { keep(chain, row) } }
    outcomes.add(events, ids)
    for id in ids where records.marks(of: id).contains(.seen) { promote(id) }
  }

  /// One of the records of an unknown operation was seen: it took effect, and so did all of them.
  mutating func promote(_ id: RecordID) {
    for (event, id) in outcomes.remove(id) {
      let log = log(event)
      if event.hasOffset {
        place(event, id, log, evidence: LogSlot.acknowledged, marks: .acknowledged)
        if !chains.isEmpty { placeChained(id, log, event.offset) }
      } else {
        let before = records.add(.acknowledged, to: id)
        if before.isDisjoint(with: [.acknowledged, .seen]) {
          windows[log].unseen += 1
          unplaced[id] = event.log
        }
      }
    }
  }
}

extension LogEvent {
  /// As the offset of a ``Kind/sendInvoked``: the checks shall take the highest offset acknowledged so far themselves.
  public static let unmeasured = Int64.min
}

/// Operations of which nobody knows whether they took effect.
struct UnknownOutcomes: Sendable {
  private var operations: [Int: [(event: LogEvent, id: RecordID)]] = [:]
  private var operationOf: [RecordID: Int] = [:]
  private var next = 0

  var isEmpty: Bool { operationOf.isEmpty }

  mutating func add(_ events: [LogEvent], _ ids: [RecordID]) {
    operations[next] = Array(zip(events, ids))
    for id in ids { operationOf[id] = next }
    next += 1
  }

  /// The sends of the operation that the record belongs to, which is known from now on.
  mutating func remove(_ id: RecordID) -> [(event: LogEvent, id: RecordID)] {
    guard let number = operationOf[id], let operation = operations.removeValue(forKey: number) else { return [] }
    for (_, id) in operation { operationOf[id] = nil }
    return operation
  }
}
