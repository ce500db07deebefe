/// What is known, at one moment, about the translation of group offsets in one partition: where each record stands at both
/// ends, and every state in which the mirror's table of sync points may be.
///
/// We see a sync point when it is written; the checkpoint task reads it a little later. Between the two, any of the states from
/// ``settled`` on may be the one it translates by. Where the task began anew, nobody tells whether it could use what the topic
/// still had, or the last point only: both are possible states from there on.
struct TranslationState: Sendable {
  private(set) var map = OffsetMap()
  private static let mostStates = 8
  /// The tables that the task may have, with all sync points that it has certainly read.
  private var settled: [OffsetSyncStore]
  private var recent: [(time: Int64, point: SyncPoint)] = []
  private var newest: SyncPoint?
  private let delay: Int64
  /// The last read end of the target's log, and when it was read.
  private(set) var targetEnd: (time: Int64, end: Int64)?

  init(syncDelay: Int64) {
    delay = syncDelay
    var store = OffsetSyncStore()
    store.start()
    settled = [store]
  }

  var hasSyncs: Bool { newest != nil }

  mutating func add(source: Int64, target: Int64) { map.add(source: source, target: target) }

  mutating func take(_ point: SyncPoint, at time: Int64) {
    pass(time)
    newest = point
    recent.append((time, point))
  }

  /// Time has gone by: sync points of long ago have been read.
  mutating func pass(_ time: Int64) {
    var count = 0
    while count < recent.count, recent[count].time < time - delay {
      for place in settled.indices { settled[place].take(recent[count].point) }
      count += 1
    }
    recent.removeFirst(count)
  }

  /// The checkpoint task began anew and read all sync points to the end, of which it may use the last, or all.
  mutating func restart() {
    for (_, point) in recent { for place in settled.indices { settled[place].take(point) } }
    recent = []
    var anew = OffsetSyncStore()
    if let newest { anew.take(newest) }
    anew.start()
    settled.append(anew)
    if settled.count > Self.mostStates { settled.removeFirst() }
  }

  mutating func takeTargetEnd(_ end: Int64, at time: Int64) { targetEnd = (time, end) }

  /// Every translation of `committed` that the mirror may make at this moment.
  func translations(of committed: Int64) -> [Translation] {
    var found: [Translation] = []
    for var store in settled {
      found.append(store.translate(committed))
      for (_, point) in recent {
        store.take(point)
        found.append(store.translate(committed))
      }
    }
    return found
  }

  /// The lowest target offset that ``translations(of:)`` allow. `nil`: they allow none.
  func lowest(for committed: Int64) -> Int64? { translations(of: committed).compactMap(\.offset).min() }
}
