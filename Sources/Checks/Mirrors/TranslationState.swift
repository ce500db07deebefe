/// What is known, at one moment, about the translation of group offsets in one partition: where each record stands at both
/// ends, and every state in which the mirror's table of sync points may be.
///
/// We see a sync point when it is written; the checkpoint task reads it a little later, and behind an outage when its connection
/// has come back. Between the two, any of the states from ``settled`` on may be the one it translates by. Where the task began anew,
/// nobody tells whether it could use what the topic still had, or the last point only: both are possible states from there on.
struct TranslationState: Sendable {
  private(set) var map = OffsetMap()
  private static let mostStates = 8
  private static let fewPoints = 512
  /// Clients of Kafka give a connection up after half a minute, and try anew soon: nothing is read later than this after an outage.
  private static let longestReturn: Int64 = 60_000_000_000
  /// The tables that the task may have, with all sync points that it has certainly read.
  private var settled: [OffsetSyncStore]
  /// Those tables with all sync points that were written.
  private var latest: [OffsetSyncStore]
  private var recent: [(due: Int64, point: SyncPoint)] = []
  /// Whether an offset went back within ``recent``.
  private var isUneven = false
  private var newest: SyncPoint?
  private let delay: Int64
  private let outages: [ClosedRange<Int64>]
  private let back: Int64
  /// The last read end of the target's log, and when it was read.
  private(set) var targetEnd: (time: Int64, end: Int64)?

  init(_ expectations: MirrorExpectations) {
    delay = expectations.syncDelay
    outages = expectations.outages.sorted { $0.lowerBound < $1.lowerBound }
    back = min(expectations.catchUp, Self.longestReturn)
    var store = OffsetSyncStore()
    store.start()
    settled = [store]
    latest = [store]
  }

  var hasSyncs: Bool { newest != nil }

  mutating func add(source: Int64, target: Int64) { map.add(source: source, target: target) }

  mutating func take(_ point: SyncPoint, at time: Int64) {
    pass(time)
    if let newest, !recent.isEmpty, point.upstream < newest.upstream || point.downstream < newest.downstream {
      isUneven = true
    }
    newest = point
    recent.append((due(time), point))
    for place in latest.indices { latest[place].take(point) }
  }

  /// When a sync point that was seen at `time` has certainly been read.
  private func due(_ time: Int64) -> Int64 {
    var due = time + delay
    for outage in outages where outage.lowerBound <= due && time <= outage.upperBound + back {
      due = max(due, outage.upperBound + back + delay)
    }
    return due
  }

  /// Time has gone by: sync points of long ago have been read.
  mutating func pass(_ time: Int64) {
    var count = 0
    while count < recent.count, recent[count].due < time { count += 1 }
    if count > 0 { settle(count) }
  }

  private mutating func settle(_ count: Int) {
    for (_, point) in recent.prefix(count) { for place in settled.indices { settled[place].take(point) } }
    recent.removeFirst(count)
    if recent.isEmpty { isUneven = false }
  }

  /// The checkpoint task began anew and read all sync points to the end, of which it may use the last, or all.
  mutating func restart() {
    settle(recent.count)
    var anew = OffsetSyncStore()
    if let newest { anew.take(newest) }
    anew.start()
    settled.append(anew)
    if settled.count > Self.mostStates { settled.removeFirst() }
    latest = settled
  }

  mutating func takeTargetEnd(_ end: Int64, at time: Int64) { targetEnd = (time, end) }

  /// Every translation of `committed` that the mirror may make at this moment.
  func translations(of committed: Int64) -> [Translation] {
    settled.flatMap { translations(of: committed, by: $0) }
  }

  private func translations(of committed: Int64, by settled: OffsetSyncStore) -> [Translation] {
    var store = settled
    var found = [store.translate(committed)]
    for (_, point) in recent {
      store.take(point)
      found.append(store.translate(committed))
    }
    return found
  }

  /// The target offsets of ``translations(of:)``, without looking at every table in between: each point at or before `committed` was
  /// the newest such one for a moment, and what the first and the last table make of it are known. Left out are those of points that
  /// came to be used only because newer ones had thinned out, and were gone themselves at the end.
  func likelyOffsets(of committed: Int64) -> Set<Int64> {
    if isUneven { return Set(translations(of: committed).compactMap(\.offset)) }
    var offsets = Set((settled + latest).compactMap { $0.translate(committed).offset })
    for (_, point) in recent where point.upstream <= committed {
      offsets.insert(point.downstream + (point.upstream == committed ? 0 : 1))
    }
    return offsets
  }

  /// The lowest target offset that ``translations(of:)`` allow. `nil`: they allow none.
  func lowest(for committed: Int64) -> Int64? {
    settled.indices.compactMap { lowest(for: committed, settled[$0], latest[$0]) }.min()
  }

  /// As points come, an offset's translation first rises with those before it, and then falls as they thin out behind those that
  /// stand after it: the lowest is at one of the ends.
  private func lowest(for committed: Int64, _ first: OffsetSyncStore, _ last: OffsetSyncStore) -> Int64? {
    if !isUneven {
      switch (first.translate(committed), last.translate(committed)) {
      case (.offset(let one), .offset(let other)): return min(one, other)
      case (.tooOld, .tooOld): return nil
      case (.unavailable, .offset(let other)):
        guard let point = recent.first(where: { $0.point.upstream <= committed })?.point else { return other }
        return min(other, point.downstream + (point.upstream == committed ? 0 : 1))
      // What thins out meanwhile would take looking at every table in between; where they are many, there is no bound.
      default: if recent.count > Self.fewPoints { return nil }
      }
    }
    return translations(of: committed, by: first).compactMap(\.offset).min()
  }
}
