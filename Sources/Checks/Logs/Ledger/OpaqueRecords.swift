internal import Events

/// Marks of records whose identity is an opaque 64-bit number, or is not dense: a hash table with open addressing, nine bytes a
/// slot, at most half full. It grows with the number of records, which dense identities spare.
struct OpaqueRecords: RecordIndex {
  private var keys: [UInt64] = Array(repeating: 0, count: 1 << 10)
  /// The marks; 0 where the slot is free, which is why each entry has ``occupied``.
  private var marks: [UInt8] = Array(repeating: 0, count: 1 << 10)
  private var count = 0
  private var isOpaque = false
  /// Of what was read ahead, so that reading it is not optimised away.
  private var touched: UInt64 = 0

  private static let occupied: UInt8 = 128
  private static let packed: UInt64 = 1 << 40
  private static let content: UInt8 = 15

  init() {}

  @inline(__always)
  mutating func id(of event: LogEvent) -> RecordID {
    if event.producer == LogEvent.opaque { isOpaque = true }
    return Self.number(event)
  }

  static var isFar: Bool { true }

  mutating func touch(_ events: ArraySlice<LogEvent>) {
    for event in events where event.kind != .sendInvoked {
      let index = home(of: Self.number(event))
      touched ^= keys[index] ^ UInt64(marks[index])
    }
  }

  @inline(__always)
  private static func number(_ event: LogEvent) -> RecordID {
    if event.producer == LogEvent.opaque { return event.sequence }
    // Two numbers in one: exact below 2²⁴ producers of 2⁴⁰ records, and 2⁻⁶⁴ a pair from a collision beyond.
    if event.producer < 1 << 24 && event.sequence < packed { return UInt64(event.producer) << 40 | event.sequence }
    return (event.sequence ^ UInt64(event.producer) << 32) &* 0x9E37_79B9_7F4A_7C15
  }

  func event(_ id: RecordID) -> EventID {
    isOpaque
      ? EventID(producer: LogEvent.opaque, sequence: id)
      : EventID(producer: UInt32(id >> 40), sequence: id & (Self.packed - 1))
  }

  /// Where the search for a record begins.
  @inline(__always)
  private func home(of id: RecordID) -> Int {
    var hash = id &* 0x9E37_79B9_7F4A_7C15
    hash ^= hash >> 32
    return Int(truncatingIfNeeded: hash) & (keys.count - 1)
  }

  @inline(__always)
  private func slot(of id: RecordID) -> Int {
    let mask = keys.count - 1
    var index = home(of: id)
    while marks[index] != 0 && keys[index] != id { index = (index + 1) & mask }
    return index
  }

  @inline(__always)
  private mutating func insert(_ bits: UInt8, _ id: RecordID) -> UInt8 {
    let index = slot(of: id)
    let before = marks[index]
    marks[index] = before | bits | Self.occupied
    if before == 0 {
      keys[index] = id
      count += 1
      if count * 2 > keys.count { grow() }
    }
    return before
  }

  private mutating func grow() {
    let old = (keys, marks)
    keys = Array(repeating: 0, count: old.0.count * 2)
    marks = Array(repeating: 0, count: old.0.count * 2)
    for index in old.0.indices where old.1[index] != 0 {
      let place = slot(of: old.0[index])
      keys[place] = old.0[index]
      marks[place] = old.1[index]
    }
  }

  mutating func add(_ marks: RecordMarks, to id: RecordID) -> RecordMarks {
    RecordMarks(rawValue: insert(marks.rawValue, id) & Self.content)
  }

  @inline(__always)
  mutating func advance(_ id: RecordID, from: RecordMarks, by marks: RecordMarks) -> Bool {
    let index = slot(of: id)
    let before = self.marks[index]
    guard before != 0, before & Self.content == from.rawValue else { return false }
    self.marks[index] = before | marks.rawValue
    return true
  }

  func marks(of id: RecordID) -> RecordMarks { RecordMarks(rawValue: marks[slot(of: id)] & Self.content) }

  mutating func invoke(_ id: RecordID) { _ = insert(RecordMarks.invoked.rawValue, id) }

  mutating func dump(_ id: RecordID) -> Bool {
    insert(RecordMarks.dumped.rawValue, id) & RecordMarks.dumped.rawValue != 0
  }

  func isDumped(_ id: RecordID) -> Bool { marks[slot(of: id)] & RecordMarks.dumped.rawValue != 0 }

  private func forEach(with: RecordMarks, without: RecordMarks, _ body: (RecordID) -> Void) {
    var found: [RecordID] = []
    for index in keys.indices where marks[index] != 0 {
      let marks = RecordMarks(rawValue: marks[index])
      if !marks.isDisjoint(with: with) && marks.isDisjoint(with: without) { found.append(keys[index]) }
    }
    for id in found.sorted() { body(id) }
  }

  func forEachUnseen(_ body: (RecordID) -> Void) { forEach(with: .acknowledged, without: .seen, body) }

  func forEachUninvoked(_ body: (RecordID) -> Void) { forEach(with: [.seen, .dumped], without: .invoked, body) }

  func forEachUndumped(_ body: (RecordID) -> Void) {
    forEach(with: .acknowledged, without: [.dumped, .failed], body)
  }
}
