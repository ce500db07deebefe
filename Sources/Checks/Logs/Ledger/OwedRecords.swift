internal import Events

/// An acknowledged record that nobody was given, or that its log has no more, at the end of the run.
struct OwedRecord: Sendable {
  enum Fate: Sendable, Hashable {
    /// Somebody read past it, and no dump has it: lost.
    case passed(highest: Int64)
    /// Nobody read as far, and the dump has it not: lost at the end of the log.
    case cutOff
    /// It was read once, and the dump has it no more.
    case gone
    /// The log's start passed it before anybody read it.
    case retained(start: Int64)
    /// Its log still has it: late, not lost.
    case late
    /// Nobody read as far, and the log was not dumped: it cannot be told.
    case untold
  }

  var id: RecordID
  var log: UInt16?
  var offset: Int64?
  var fate: Fate
}

extension LogLedger {
  /// What became of every acknowledged record that is not settled.
  ///
  /// A record at several offsets is owed from its last one on; a polled record proves that its log was read up to the first of
  /// its offsets: whatever the order in which they were found, no doubt about offsets makes a loss.
  mutating func owedRecords() -> [OwedRecord] {
    var places = overdue
    for (log, window) in windows.enumerated() where window.head >= window.low {
      for offset in window.low...window.head {
        let slot = slots.storage[window.index(offset)]
        if slot.state & (LogSlot.acknowledged | LogSlot.polled) == LogSlot.acknowledged {
          places[slot.id] = LogPlace(log: UInt16(log), offset: offset)
        }
      }
    }
    for (place, ids) in contested { for id in ids where places[id] == nil { places[id] = place } }
    for (id, many) in manyPlaces { if let last = many.max(by: { $0.offset < $1.offset }) { places[id] = last } }
    let bounds = windows.indices.map { highestRead($0) }

    var owed: [OwedRecord] = []
    records.forEachUnseen { id in
      let place = places[id]
      owed.append(
        OwedRecord(id: id, log: place?.log ?? unplaced[id], offset: place?.offset, fate: fate(id, place, bounds)))
    }
    if !windows.isEmpty, windows.allSatisfy({ $0.isDumped && $0.start <= $0.lowest }) {
      records.forEachUndumped { id in
        if records.marks(of: id).contains(.seen) && !dumpedAborted.contains(id) {
          owed.append(OwedRecord(id: id, fate: .gone))
        }
      }
    }
    return owed
  }

  private func fate(_ id: RecordID, _ place: LogPlace?, _ bounds: [Int64]) -> OwedRecord.Fate {
    if records.isDumped(id) { return .late }
    guard let place else {
      let isDumped = unplaced[id].map { windows[Int($0)].isDumped } ?? windows.allSatisfy(\.isDumped)
      return isDumped ? .cutOff : .untold
    }
    let window = windows[Int(place.log)]
    if place.offset < window.start { return .retained(start: window.start) }
    if place.offset <= bounds[Int(place.log)] { return .passed(highest: bounds[Int(place.log)]) }
    return window.isDumped ? .cutOff : .untold
  }

  /// The highest offset up to which the log was surely read: polled, and held by a record that stands nowhere before.
  func highestRead(_ log: Int) -> Int64 {
    let window = windows[log]
    var offset = window.highestPolled
    var best: Int64 = -1
    while offset > best && window.holds(offset) {
      let slot = slots.storage[window.index(offset)]
      if slot.state & (LogSlot.polled | LogSlot.contested) != 0 {
        let here = LogPlace(log: UInt16(log), offset: offset)
        for id in [slot.id] + (contested[here] ?? []) where records.marks(of: id).contains(.seen) {
          let first = (manyPlaces[id] ?? []).filter { $0.log == here.log }.map(\.offset).min() ?? offset
          best = max(best, min(first, offset))
        }
      }
      offset -= 1
    }
    return max(best, window.holds(offset) ? best : min(offset, window.highestPolled))
  }
}
