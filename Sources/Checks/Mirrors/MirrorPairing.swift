internal import Events

/// What pairing the two ends of one partition has shown.
enum MirrorFact: Sendable {
  /// A record arrived for the first time, in the order of the source.
  case arrived(source: MirrorRecord, target: MirrorRecord)
  /// A record arrived for the first time, after records that follow it at the source.
  case late(source: MirrorRecord, target: MirrorRecord)
  /// A record arrived once more. `source`: its offset at the source; `nil`: it first arrived too long ago to be known.
  case repeated(target: MirrorRecord, source: Int64?)
  /// The mirror went past this record of the source, and it never came.
  case skipped(source: MirrorRecord, wasTruncated: Bool)
  /// The mirror never came as far as this record of the source.
  case pending(source: MirrorRecord, wasTruncated: Bool)
  /// The source never had this record of the target.
  case foreign(target: MirrorRecord)
}

/// Pairs the records of one partition at both ends of a mirror, by identity: a merge of two sequences that rise together.
///
/// Kept are the records of the source that have not arrived (the lag), those of the target whose source record has not been
/// seen yet (where the source is read more slowly), and a bit for every record that has arrived. Records are judged by rank, not
/// by offset: holes are no records.
struct MirrorPairing: Sendable {
  private struct Entry: Sendable {
    var record: MirrorRecord
    var seen: Int64
    var wasTruncated = false
  }

  /// How many records of the target wait for their source record before the newest of them is asked for the reason.
  private static let patience = 1024

  private var window: [Entry] = []
  private var windowStart = 0
  /// The rank of the first entry of ``window``.
  private var frontier = 0
  private var ranks: [EventID: Int] = [:]
  private var skipped: [EventID: Entry] = [:]
  private var arrived = EventSet()
  private var recent = RecentOffsets()
  private var waiting: [MirrorRecord] = []
  private var waitingStart = 0
  private var aside: [EventID: MirrorRecord] = [:]
  /// The first offset that the source still has, by its last sample.
  private var sourceStart: Int64 = 0
  private var hasPaired = false
  /// By key: the highest source offset that has arrived, and the highest that the source has. Only where keys matter.
  private var newestArrived: [UInt64: Int64] = [:]
  private var newestAtSource: [UInt64: Int64] = [:]
  private let isCompacted: Bool
  private let isOrderedByKey: Bool
  /// The source offset of the last record that arrived in order.
  private(set) var position: Int64?
  /// The first offset of the source that was seen.
  private(set) var firstSource: Int64?
  private(set) var sourceCount = 0
  private(set) var targetCount = 0

  init(_ expectations: MirrorExpectations) {
    isCompacted = expectations.isCompacted
    isOrderedByKey = expectations.isOrderedByKey
  }

  /// How many records of the source have not arrived, those left behind aside.
  var behind: Int { window.count - windowStart }

  /// When the oldest of those was seen at the source. `nil`: there is none.
  var oldestSeen: Int64? { windowStart < window.count ? window[windowStart].seen : nil }

  mutating func takeSource(_ record: MirrorRecord, _ event: EventID, at time: Int64, _ facts: inout [MirrorFact]) {
    sourceCount += 1
    firstSource = firstSource ?? record.offset
    if isCompacted { newestAtSource[record.key] = max(newestAtSource[record.key] ?? .min, record.offset) }
    // The same event again at the source is two records of one identity; that is for the checks of logs.
    guard ranks[event] == nil, !arrived.contains(event), skipped[event] == nil else { return }
    let entry = Entry(record: record, seen: time, wasTruncated: record.offset < sourceStart)
    if let target = aside.removeValue(forKey: event) {
      _ = arrived.insert(event)
      noteLate(record, target, &facts)
      return
    }
    ranks[event] = frontier + behind
    window.append(entry)
    settle(&facts)
  }

  mutating func takeTarget(_ record: MirrorRecord, _ facts: inout [MirrorFact]) {
    targetCount += 1
    waiting.append(record)
    settle(&facts)
  }

  mutating func takeSourceStart(_ start: Int64) {
    sourceStart = max(sourceStart, start)
    for place in windowStart..<window.count {
      guard window[place].record.offset < start else { break }
      window[place].wasTruncated = true
    }
  }

  mutating func end(_ facts: inout [MirrorFact]) {
    while waitingStart < waiting.count {
      setAside(&facts)
      settle(&facts)
    }
    for target in aside.values.sorted(by: { $0.offset < $1.offset }) {
      if isCompacted, newestAtSource[target.key] != nil { continue }
      facts.append(.foreign(target: target))
    }
    for entry in skipped.values.sorted(by: { $0.record.offset < $1.record.offset }) where !isCompactedAway(entry.record)
    {
      facts.append(.skipped(source: entry.record, wasTruncated: entry.wasTruncated))
    }
    for entry in window[windowStart...] where !isCompactedAway(entry.record) {
      facts.append(.pending(source: entry.record, wasTruncated: entry.wasTruncated))
    }
    aside = [:]
    skipped = [:]
  }

  private func isCompactedAway(_ source: MirrorRecord) -> Bool {
    isCompacted && (newestArrived[source.key] ?? .min) > source.offset
  }

  /// Deals with the records of the target that wait, in their order, as far as the source has been read.
  private mutating func settle(_ facts: inout [MirrorFact]) {
    while waitingStart < waiting.count {
      let target = waiting[waitingStart]
      // Records without identity are not paired; they never get here.
      guard let event = target.event else { break }
      if let rank = ranks[event] {
        advance(to: rank, target, &facts)
      } else if let entry = skipped.removeValue(forKey: event) {
        _ = arrived.insert(event)
        noteLate(entry.record, target, &facts)
      } else if arrived.contains(event) {
        facts.append(.repeated(target: target, source: recent[event]))
      } else if isAheadOfItsPlace {
        setAside(&facts)
        continue
      } else {
        break
      }
      dropWaiting()
    }
  }

  /// Whether the first record that waits does so although the source has been read past it: what follows it at the target is
  /// known. Otherwise the source is merely read more slowly.
  private var isAheadOfItsPlace: Bool {
    let isKnown = { (record: MirrorRecord) in record.event.map { ranks[$0] != nil } ?? false }
    let count = waiting.count - waitingStart
    return count > 1 && isKnown(waiting[waitingStart + 1])
      || count > Self.patience && isKnown(waiting[waiting.count - 1])
  }

  private mutating func setAside(_ facts: inout [MirrorFact]) {
    let target = waiting[waitingStart]
    dropWaiting()
    guard let event = target.event else { return }
    // What the source no longer had when it was first read may stand in front of everything at the target.
    if !hasPaired, sourceStart > 0 { return }
    if aside.updateValue(target, forKey: event) != nil {
      facts.append(.repeated(target: target, source: recent[event]))
    }
  }

  private mutating func advance(to rank: Int, _ target: MirrorRecord, _ facts: inout [MirrorFact]) {
    while frontier < rank {
      let entry = dropFirst()
      guard let event = entry.record.event else { continue }
      skipped[event] = entry
    }
    let source = dropFirst().record
    if let event = source.event { _ = arrived.insert(event) }
    noteArrival(source)
    position = source.offset
    hasPaired = true
    facts.append(.arrived(source: source, target: target))
  }

  /// Where only the order within each key is kept, a record is late only if a later one of its key has arrived.
  private mutating func noteLate(_ source: MirrorRecord, _ target: MirrorRecord, _ facts: inout [MirrorFact]) {
    let isLate = !isOrderedByKey || (newestArrived[source.key] ?? .min) > source.offset
    noteArrival(source)
    facts.append(isLate ? .late(source: source, target: target) : .arrived(source: source, target: target))
  }

  private mutating func noteArrival(_ source: MirrorRecord) {
    if let event = source.event { recent.add(event, source.offset) }
    guard isCompacted || isOrderedByKey else { return }
    newestArrived[source.key] = max(newestArrived[source.key] ?? .min, source.offset)
  }

  private mutating func dropFirst() -> Entry {
    let entry = window[windowStart]
    windowStart += 1
    frontier += 1
    if let event = entry.record.event { ranks[event] = nil }
    if windowStart > 1024, windowStart * 2 > window.count {
      window.removeFirst(windowStart)
      windowStart = 0
    }
    return entry
  }

  private mutating func dropWaiting() {
    waitingStart += 1
    if waitingStart > 1024, waitingStart * 2 > waiting.count {
      waiting.removeFirst(waitingStart)
      waitingStart = 0
    }
  }
}

/// The source offsets of the records that arrived last: a mirror that reconnects repeats what it carried shortly before.
private struct RecentOffsets: Sendable {
  private static let capacity = 16_384
  private var offsets: [EventID: Int64] = [:]
  private var order: [EventID] = []
  private var next = 0

  subscript(event: EventID) -> Int64? { offsets[event] }

  mutating func add(_ event: EventID, _ offset: Int64) {
    if order.count < Self.capacity {
      order.append(event)
    } else {
      offsets[order[next]] = nil
      order[next] = event
      next = (next + 1) % Self.capacity
    }
    offsets[event] = offset
  }
}
