internal import Events

/// Marks of records whose identity is dense: four bits each, in a ring a producer.
///
/// A ring holds a producer's latest records. When it is full its older half is looked through: if nearly all of it is settled, the
/// few others go into a table and the half is used again; if not, the ring doubles. So memory follows what is owed, and not the
/// length of the run. A bit a record more is kept once dumps are read.
struct DenseRecords: RecordIndex {
  private struct Producer {
    var place = 0
    var order = 0
    /// The oldest record in the ring.
    var low: UInt64 = 0
    /// One more than the highest record met.
    var high: UInt64 = 0
    /// One more than the highest record that somebody began to send.
    var invoked: UInt64 = 0

    /// How many records its ring has room for.
    @inline(__always)
    var span: UInt64 { 16 &<< UInt64(truncatingIfNeeded: order) }

    /// Where the marks of a record in its ring are.
    @inline(__always)
    func index(_ sequence: UInt64) -> Int {
      place &+ Int(truncatingIfNeeded: sequence &>> 4) & (1 &<< order &- 1)
    }
  }

  private static let sequenceBits: UInt64 = 40
  private static let sequenceMask: UInt64 = 1 << sequenceBits - 1
  /// Producers beyond this number, and records further than this ahead of their producer, are no dense identity: errors, most
  /// likely, that must not cost memory.
  private static let producerLimit = 1 << 16
  private static let leap: UInt64 = 1 << 22
  /// 1,024 records a ring at first.
  private static let firstOrder = 6
  private static let settledWord: UInt64 = 0xBBBB_BBBB_BBBB_BBBB

  private var producers: [Producer] = []
  private var words = Extents<UInt64>(blank: 0)
  /// Records that are not in the ring of their producer and not settled, or failed.
  private var others: [RecordID: RecordMarks] = [:]
  private var dumpedBits: [[UInt64]] = []
  private var dumpedOthers: Set<RecordID> = []

  init() {}

  static var isFar: Bool { false }

  mutating func touch(_ events: ArraySlice<LogEvent>) {}

  @inline(__always)
  func id(of event: LogEvent) -> RecordID {
    if _fastPath(event.producer < 1 << 24 && event.sequence <= Self.sequenceMask) {
      return UInt64(event.producer) << Self.sequenceBits | event.sequence
    }
    // No dense identity at all: folded into the range that no real producer has.
    return .max << 48 | (event.sequence ^ UInt64(event.producer) &* 0x9E37_79B9) & (1 << 48 - 1)
  }

  func event(_ id: RecordID) -> EventID {
    EventID(producer: UInt32(id >> Self.sequenceBits), sequence: id & Self.sequenceMask)
  }

  @inline(__always)
  mutating func add(_ marks: RecordMarks, to id: RecordID) -> RecordMarks {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    if _fastPath(number < producers.count) {
      let producer = producers[number]
      if _fastPath(sequence &- producer.low < producer.span && producer.order > 0) {
        if sequence >= producer.high { producers[number].high = sequence + 1 }
        let index = producer.index(sequence)
        let shift = (sequence & 15) << 2
        let word = words.storage[index]
        words.storage[index] = word | UInt64(marks.rawValue) &<< shift
        return RecordMarks(rawValue: UInt8(truncatingIfNeeded: word &>> shift) & 15)
      }
    }
    return addSlowly(marks, to: id, number, sequence)
  }

  @inline(__always)
  mutating func advance(_ id: RecordID, from: RecordMarks, by marks: RecordMarks) -> Bool {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    guard number < producers.count else { return false }
    let producer = producers[number]
    guard sequence &- producer.low < producer.span, producer.order > 0 else { return false }
    let index = producer.index(sequence)
    let shift = (sequence & 15) << 2
    let word = words.storage[index]
    guard word &>> shift & 15 == UInt64(from.rawValue) else { return false }
    words.storage[index] = word | UInt64(marks.rawValue) &<< shift
    if sequence >= producer.high { producers[number].high = sequence + 1 }
    return true
  }

  @inline(never)
  private mutating func addSlowly(_ marks: RecordMarks, to id: RecordID, _ number: Int, _ sequence: UInt64)
    -> RecordMarks
  {
    guard number < Self.producerLimit else { return addOther(marks, to: id, standard: []) }
    while producers.count <= number { producers.append(Producer()) }
    if producers[number].order == 0 {
      producers[number].place = words.take(order: Self.firstOrder)
      producers[number].order = Self.firstOrder
    }
    if sequence < producers[number].low { return addOther(marks, to: id, standard: .settled) }
    guard sequence - min(sequence, producers[number].high) < Self.leap else {
      return addOther(marks, to: id, standard: [])
    }
    while sequence - producers[number].low >= 16 << UInt64(producers[number].order) { makeRoom(number) }
    return add(marks, to: id)
  }

  private mutating func addOther(_ marks: RecordMarks, to id: RecordID, standard: RecordMarks) -> RecordMarks {
    let before = others[id] ?? standard
    let after = before.union(marks)
    others[id] = after == .settled && standard == .settled ? nil : after
    return before
  }

  private mutating func makeRoom(_ number: Int) {
    let producer = producers[number]
    let half = 1 << (producer.order - 1)
    let first = Int(producer.low >> 4) & (1 << producer.order - 1)
    let range = producer.place + first..<producer.place + first + half
    let owed = range.reduce(0) { $0 + unsettled(words.storage[$1]) }
    if owed * 4 <= half {
      for index in range where words.storage[index] != Self.settledWord {
        setAside(words.storage[index], number, producer.low + UInt64(index - range.lowerBound) * 16)
      }
      for index in range { words.storage[index] = 0 }
      producers[number].low += UInt64(half) * 16
    } else {
      let place = words.take(order: producer.order + 1)
      for offset in 0..<2 * half {
        let absolute = Int(producer.low >> 4) + offset
        words.storage[place + absolute & (4 * half - 1)] =
          words.storage[producer.place + absolute & (2 * half - 1)]
      }
      words.give(producer.place, order: producer.order)
      producers[number].place = place
      producers[number].order += 1
    }
  }

  private func unsettled(_ word: UInt64) -> Int {
    if word == Self.settledWord { return 0 }
    var different = (word | 0x1111_1111_1111_1111) ^ Self.settledWord
    different |= different >> 2
    different |= different >> 1
    return (different & 0x1111_1111_1111_1111).nonzeroBitCount
  }

  private mutating func setAside(_ word: UInt64, _ number: Int, _ first: UInt64) {
    for place in 0..<UInt64(16) {
      let marks = RecordMarks(rawValue: UInt8(word >> (place * 4) & 15))
      // An old record that was read and not acknowledged came from elsewhere, or its acknowledgement adds nothing.
      if marks != .settled && marks != [.seen, .placed] {
        others[UInt64(number) << Self.sequenceBits | (first + place)] = marks
      }
    }
  }

  func marks(of id: RecordID) -> RecordMarks {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    guard number < producers.count, producers[number].order > 0 else { return others[id] ?? [] }
    let producer = producers[number]
    if sequence < producer.low { return others[id] ?? .settled }
    guard sequence - producer.low < 16 << UInt64(producer.order) else { return others[id] ?? [] }
    let word = words.storage[producer.place + Int(sequence >> 4) & (1 << producer.order - 1)]
    return RecordMarks(rawValue: UInt8(truncatingIfNeeded: word >> ((sequence & 15) << 2)) & 15)
  }

  @inline(__always)
  mutating func invoke(_ id: RecordID) {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    if _slowPath(number >= producers.count) {
      guard number < Self.producerLimit else { return }
      while producers.count <= number { producers.append(Producer()) }
    }
    if sequence >= producers[number].invoked { producers[number].invoked = sequence + 1 }
  }

  mutating func dump(_ id: RecordID) -> Bool {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    guard number < producers.count, sequence < producers[number].invoked else {
      return !dumpedOthers.insert(id).inserted
    }
    while dumpedBits.count <= number { dumpedBits.append([]) }
    let index = Int(sequence >> 6)
    while dumpedBits[number].count <= index { dumpedBits[number].append(0) }
    let bit: UInt64 = 1 << (sequence & 63)
    defer { dumpedBits[number][index] |= bit }
    return dumpedBits[number][index] & bit != 0
  }

  func isDumped(_ id: RecordID) -> Bool {
    let number = Int(id >> Self.sequenceBits)
    let sequence = id & Self.sequenceMask
    let index = Int(sequence >> 6)
    if number < dumpedBits.count, index < dumpedBits[number].count,
      dumpedBits[number][index] >> (sequence & 63) & 1 != 0
    {
      return true
    }
    return dumpedOthers.contains(id)
  }

  /// Calls `body` with every record in a ring, in order, then with those set aside.
  private func forEach(_ body: (RecordID, RecordMarks) -> Void) {
    for (number, producer) in producers.enumerated() where producer.order > 0 && producer.high > producer.low {
      for block in producer.low >> 4...(producer.high - 1) >> 4 {
        let word = words.storage[producer.place + Int(block) & (1 << producer.order - 1)]
        if word == 0 || word == Self.settledWord { continue }
        for place in 0..<UInt64(16) {
          let marks = RecordMarks(rawValue: UInt8(word >> (place * 4) & 15))
          body(UInt64(number) << Self.sequenceBits | (block << 4 + place), marks)
        }
      }
    }
    for (id, marks) in others.sorted(by: { $0.key < $1.key }) { body(id, marks) }
  }

  func forEachUnseen(_ body: (RecordID) -> Void) {
    forEach { id, marks in
      if marks.contains(.acknowledged) && !marks.contains(.seen) { body(id) }
    }
  }

  func forEachUninvoked(_ body: (RecordID) -> Void) {
    for (number, producer) in producers.enumerated() where producer.high > producer.invoked {
      for sequence in producer.invoked..<producer.high {
        let id = UInt64(number) << Self.sequenceBits | sequence
        if marks(of: id).contains(.seen) { body(id) }
      }
    }
    func isUninvoked(_ id: RecordID) -> Bool {
      let number = Int(id >> Self.sequenceBits)
      return number >= producers.count || id & Self.sequenceMask >= producers[number].invoked
    }
    var met: Set<RecordID> = []
    for (id, marks) in others.sorted(by: { $0.key < $1.key }) where marks.contains(.seen) && isUninvoked(id) {
      let number = Int(id >> Self.sequenceBits)
      if number >= producers.count || id & Self.sequenceMask >= producers[number].high {
        met.insert(id)
        body(id)
      }
    }
    for id in dumpedOthers.sorted() where isUninvoked(id) && !met.contains(id) && !marks(of: id).contains(.seen) {
      body(id)
    }
  }

  func forEachUndumped(_ body: (RecordID) -> Void) {
    for (number, producer) in producers.enumerated() {
      let bits = number < dumpedBits.count ? dumpedBits[number] : []
      for sequence in 0..<producer.invoked {
        let index = Int(sequence >> 6)
        let word = index < bits.count ? bits[index] : 0
        if word >> (sequence & 63) & 1 != 0 { continue }
        let id = UInt64(number) << Self.sequenceBits | sequence
        let marks = marks(of: id)
        if marks.contains(.acknowledged) && !marks.contains(.failed) { body(id) }
      }
    }
  }
}
