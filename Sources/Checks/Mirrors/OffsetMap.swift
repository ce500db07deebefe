/// Which record of the source stands at which offset of the target, kept as runs in which both rise by one.
///
/// Memory is bounded: beyond ``capacity`` the older half is let go of, and what lies there can no longer be told.
struct OffsetMap: Sendable {
  /// A run of records that stand next to each other at both ends.
  private struct Run: Sendable {
    var source: Int64
    var target: Int64
    var count: Int64

    var sourceEnd: Int64 { source + count }
    var targetEnd: Int64 { target + count }
  }

  static let capacity = 65_536

  /// In the order of the target.
  private var runs: [Run] = []
  /// Whether the source offsets rise from run to run, as they do in a mirror that never repeats anything.
  private var isRising = true
  /// Target offsets below this are forgotten.
  private(set) var floor: Int64 = .min
  /// One past the last record of the target.
  private(set) var end: Int64 = 0

  mutating func add(source: Int64, target: Int64) {
    end = max(end, target + 1)
    if var last = runs.last {
      if last.sourceEnd == source, last.targetEnd == target {
        last.count += 1
        runs[runs.count - 1] = last
        return
      }
      if source < last.sourceEnd { isRising = false }
      if target < last.targetEnd {
        // A record whose source was seen late: it goes where it belongs.
        let place = runs.firstIndex { $0.target > target } ?? runs.count
        runs.insert(Run(source: source, target: target, count: 1), at: place)
        isRising = false
        return
      }
    }
    runs.append(Run(source: source, target: target, count: 1))
    if runs.count > Self.capacity {
      floor = runs[Self.capacity / 2].target
      runs.removeFirst(Self.capacity / 2)
    }
  }

  var isEmpty: Bool { runs.isEmpty }

  /// The source offset of the record that stands at `target`. `nil`: none does, or it is not known.
  func source(at target: Int64) -> Int64? {
    let place = first { $0.targetEnd > target }
    guard place < runs.count, runs[place].target <= target else { return nil }
    return runs[place].source + (target - runs[place].target)
  }

  /// The first place of ``runs`` whose run satisfies `holds`, where all after it do so too.
  private func first(_ holds: (Run) -> Bool) -> Int {
    var low = 0
    var high = runs.count
    while low < high {
      let middle = (low + high) / 2
      if holds(runs[middle]) { high = middle } else { low = middle + 1 }
    }
    return low
  }

  /// The source offsets from `committed` on that a group which goes on at `offset` would never be given: every copy of them
  /// stands before it.
  func skipped(from committed: Int64, goingOnAt offset: Int64) -> [Range<Int64>] {
    var before: [Range<Int64>] = []
    let from = isRising ? first { $0.sourceEnd > committed } : 0
    for run in runs[from...] {
      guard run.target < offset else { break }
      let count = min(run.count, offset - run.target)
      let range = max(run.source, committed)..<max(run.source + count, committed)
      if !range.isEmpty { before.append(range) }
    }
    guard !before.isEmpty, !isRising else { return before }
    before = Self.union(before)
    let place = first { $0.targetEnd > offset }
    for run in runs[place...] {
      let gone = max(0, offset - run.target)
      before = before.flatMap { Self.subtract(run.source + gone..<run.sourceEnd, from: $0) }
      if before.isEmpty { break }
    }
    return before
  }

  /// The same places once each, rising.
  private static func union(_ ranges: [Range<Int64>]) -> [Range<Int64>] {
    var united: [Range<Int64>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      guard let last = united.last, range.lowerBound <= last.upperBound else {
        united.append(range)
        continue
      }
      united[united.count - 1] = last.lowerBound..<max(last.upperBound, range.upperBound)
    }
    return united
  }

  private static func subtract(_ other: Range<Int64>, from range: Range<Int64>) -> [Range<Int64>] {
    let left = range.lowerBound..<max(range.lowerBound, min(range.upperBound, other.lowerBound))
    let right = min(range.upperBound, max(range.lowerBound, other.upperBound))..<range.upperBound
    return [left, right].filter { !$0.isEmpty }
  }

  /// How many records of the target from `offset` up to `limit` stand before source offset `committed`: those that a group
  /// which goes on at `offset` would read again.
  func reread(before committed: Int64, goingOnAt offset: Int64, upTo limit: Int64 = .max) -> Int64 {
    var count: Int64 = 0
    for run in runs[first { $0.targetEnd > offset }...] {
      guard run.target < limit else { break }
      if isRising, run.source >= committed { break }
      let skipped = max(0, offset - run.target)
      let most = min(run.count, limit - run.target)
      count += max(0, min(most, committed - run.source) - skipped)
    }
    return count
  }
}
