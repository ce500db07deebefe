/// What consumer groups say: who owns which log, and how far they have committed.
struct LogGroups: Sendable {
  private struct Key: Hashable {
    var group: UInt32
    var log: UInt16
  }

  private struct Owner {
    var lane: Int
    var generation: UInt32
  }

  private struct Pending: Hashable {
    var lane: Int
    var log: UInt16
  }

  private var positions: [Key: Int64] = [:]
  private var owners: [Key: Owner] = [:]
  /// Records that a consumer left out while it was done with later ones.
  private var leftOut: [Pending: [Int64: RecordID]] = [:]

  func committed(_ group: UInt32, _ log: UInt16) -> Int64? { positions[Key(group: group, log: log)] }

  /// Sets a group's position; returns the one before.
  mutating func commit(_ group: UInt32, _ log: UInt16, _ position: Int64) -> Int64? {
    positions.updateValue(position, forKey: Key(group: group, log: log))
  }

  func owner(_ group: UInt32, _ log: UInt16) -> Int? { owners[Key(group: group, log: log)]?.lane }

  /// Makes a member the owner; returns the other one that is in this generation.
  mutating func own(_ group: UInt32, _ log: UInt16, lane: Int, generation: UInt32) -> Int? {
    let key = Key(group: group, log: log)
    let before = owners[key]
    // An assignment of an older generation that arrives late takes nothing away.
    if let before, before.generation > generation { return nil }
    owners[key] = Owner(lane: lane, generation: generation)
    guard let before, before.generation == generation, before.lane != lane else { return nil }
    return before.lane
  }

  mutating func disown(_ group: UInt32, _ log: UInt16, lane: Int) {
    let key = Key(group: group, log: log)
    if owners[key]?.lane == lane { owners[key] = nil }
  }

  mutating func leaveOut(_ records: [(offset: Int64, id: RecordID)], lane: Int, log: UInt16) {
    for record in records { leftOut[Pending(lane: lane, log: log), default: [:]][record.offset] = record.id }
  }

  /// A record that was left out was dealt with after all.
  mutating func makeUp(_ offset: Int64, lane: Int, log: UInt16) {
    let key = Pending(lane: lane, log: log)
    leftOut[key]?[offset] = nil
    if leftOut[key]?.isEmpty == true { leftOut[key] = nil }
  }

  func leftOut(below offset: Int64, lane: Int, log: UInt16) -> [RecordID] {
    guard let pending = leftOut[Pending(lane: lane, log: log)] else { return [] }
    return pending.filter { $0.key < offset }.sorted { $0.key < $1.key }.map(\.value)
  }

  mutating func forget(lane: Int, log: UInt16) { leftOut[Pending(lane: lane, log: log)] = nil }
}

/// Assignments, commits and what consumers were done with.
extension LogLedger {
  mutating func beginAssignment(_ event: LogEvent) {
    let lane = lane(event)
    lanes[lane].stamp += 1
    lanes[lane].group = event.producer
    lanes[lane].generation = event.key
    lanes[lane].isManaged = event.producer != .max && event.key != 0
  }

  mutating func assign(_ event: LogEvent) {
    let log = log(event)
    let lane = lane(event)
    let row = row(lane, log)
    readers[row].stamp = lanes[lane].stamp
    guard lanes[lane].isManaged else { return }
    let group = lanes[lane].group
    if let other = groups.own(group, event.log, lane: lane, generation: lanes[lane].generation) {
      note(.twoOwners(other: number(other)), event, 0)
    }
  }

  /// A consumer keeps its position in the logs that it still has, and loses it in the others.
  mutating func endAssignment(_ event: LogEvent) {
    let lane = lane(event)
    for log in windows.indices where readers[row(lane, log)].stamp != lanes[lane].stamp {
      leave(lane, log)
    }
  }

  mutating func revoke(_ event: LogEvent) {
    let lane = lane(event)
    leave(lane, log(event))
  }

  private mutating func leave(_ lane: Int, _ log: Int) {
    readers[row(lane, log)] = ReaderState()
    // A client that leaves a log is a new sender to it, too.
    senders[row(lane, log)] = SenderState()
    chains[row(lane, log)] = nil
    groups.forget(lane: lane, log: UInt16(log))
    if lanes[lane].group != .max { groups.disown(lanes[lane].group, UInt16(log), lane: lane) }
  }

  mutating func process(_ event: LogEvent) {
    guard event.hasOffset else { return }
    let log = log(event)
    let lane = lane(event)
    let row = row(lane, log)
    let before = readers[row].processed
    if before != ReaderState.nowhere && event.offset <= before {
      groups.makeUp(event.offset, lane: lane, log: event.log)
      return
    }
    let from = before != ReaderState.nowhere ? before + 1 : readers[row].start
    if from != ReaderState.nowhere, event.offset > from {
      groups.leaveOut(records(log, from: from, to: event.offset), lane: lane, log: event.log)
    }
    readers[row].processed = event.offset
  }

  private func records(_ log: Int, from: Int64, to: Int64) -> [(offset: Int64, id: RecordID)] {
    let window = windows[log]
    let first = max(from, window.low)
    let last = min(to - 1, window.head)
    guard first <= last else { return [] }
    return (first...last).compactMap {
      let slot = slots.storage[window.index($0)]
      return slot.state & LogSlot.polled != 0 ? ($0, slot.id) : nil
    }
  }

  mutating func commit(_ event: LogEvent) {
    guard event.hasOffset else { return }
    let log = log(event)
    let lane = lane(event)
    let before = groups.commit(event.producer, event.log, event.offset)
    if let before, event.offset < before { note(.committedBack(from: before), event, 0) }
    let leftOut = groups.leftOut(below: event.offset, lane: lane, log: event.log)
    if !leftOut.isEmpty { note(.committedPast(position: event.offset, skipped: leftOut), event, leftOut[0]) }
    let reader = readers[row(lane, log)]
    var reached = options.marksProcessing ? reader.processed : reader.position
    if reached == ReaderState.nowhere, reader.start != ReaderState.nowhere { reached = reader.start - 1 }
    // A member that reads nothing can only repeat what was committed before.
    if reached == ReaderState.nowhere { reached = (before ?? ReaderState.nowhere + 1) - 1 }
    if reached != ReaderState.nowhere, event.offset > reached + 1, leftOut.isEmpty {
      jump(LogJump(kind: .commit, event: event, id: 0, from: reached, to: event.offset))
    }
  }
}
