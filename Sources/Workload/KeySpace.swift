public import Support

/// The aggregates that one producer alone writes, and which of them it may write now.
///
/// An aggregate's order survives a change of store only if its next event is written where its last one can be seen.
/// After a switch (or an unknown outcome) an aggregate is *held* until the store in use shows every event of it that may
/// exist; an event that never took effect holds its aggregate for good, which costs one aggregate and no order.
public struct KeySpace: Sendable {
  private struct Progress {
    var attempted: UInt64 = 0
    var possible: UInt64 = 0
    var isHeld = false
  }

  private let first: UInt32
  private var progress: [Progress]
  private var free: [Int]

  /// Aggregates numbered from `first`.
  public init(first: UInt32, count: Int) {
    precondition(count > 0, "a producer needs an aggregate")
    self.first = first
    progress = Array(repeating: Progress(), count: count)
    free = Array(0..<count)
  }

  /// Draws an aggregate and the sequence number of its next event; `nil` while all are held, or when the one drawn is not
  /// admitted.
  public mutating func draw(
    using random: inout SeededRandom, where isAdmitted: (UInt32) -> Bool = { _ in true }
  ) -> (key: UInt32, sequence: UInt64)? {
    guard let index = free.randomElement(using: &random), isAdmitted(first + UInt32(index)) else { return nil }
    progress[index].attempted += 1
    return (first + UInt32(index), progress[index].attempted)
  }

  /// Records that the event `sequence` of `key` was acknowledged.
  public mutating func acknowledged(_ key: UInt32, _ sequence: UInt64) {
    progress[Int(key - first)].possible = sequence
  }

  /// Records that nobody knows whether the event took effect, and holds its aggregate.
  public mutating func unknown(_ key: UInt32, _ sequence: UInt64) {
    progress[Int(key - first)].possible = sequence
    hold([Int(key - first)])
  }

  /// Holds every aggregate with an event, because another store is written from now on.
  public mutating func storeChanged() {
    hold(progress.indices.filter { progress[$0].possible > 0 })
  }

  /// Whether an aggregate waits for its last event to be seen.
  public var holdsAny: Bool { free.count < progress.count }

  /// The aggregates that wait for their last event to be seen.
  public var held: [UInt32] {
    progress.indices.filter { progress[$0].isHeld }.map { first + UInt32($0) }
  }

  /// Whether all aggregates are held.
  public var isExhausted: Bool { free.isEmpty }

  /// Frees the held aggregates whose last possible event the store shows.
  ///
  /// - Parameter latest: highest sequence in the store for each aggregate; one without events is absent.
  public mutating func release(latest: [UInt32: UInt64]) {
    for index in progress.indices where progress[index].isHeld {
      if (latest[first + UInt32(index)] ?? 0) >= progress[index].possible { progress[index].isHeld = false }
    }
    free = progress.indices.filter { !progress[$0].isHeld }
  }

  private mutating func hold(_ indices: [Int]) {
    for index in indices { progress[index].isHeld = true }
    free = progress.indices.filter { !progress[$0].isHeld }
  }
}
