extension DelayLine {
  /// What a line has done until now.
  public struct Counters: Sendable, Hashable, Codable {
    /// Packets that came to it.
    public var arrived: UInt64 = 0
    /// Packets that went on, at their time or because the line was closed.
    public var released: UInt64 = 0
    /// Packets lost as asked for.
    public var lost: UInt64 = 0
    /// Packets dropped because the line was full (``Settings/capacity``).
    public var overflowed: UInt64 = 0
    /// Packets that passed without delay because they did not fit the line's socket. Those that passed because the kernel's
    /// queue was full (when this process was stopped) are seen by nobody but the counter of the rule in front.
    public var missed: UInt64 = 0
    /// Packets that the kernel dropped out of the line, as it does in all queues of a namespace when a base chain is removed
    /// there. It is noticed when they are due.
    public var flushed: UInt64 = 0
    /// Packets in the line now.
    public var held: UInt64 = 0
    /// The most packets that it ever held.
    public var mostHeld: UInt64 = 0
    /// How much later than due packets went on, nanoseconds: the median, to 3 %. `nil` before the first.
    public var medianErrorNanoseconds: Int64?
    /// The 99th percentile, to 3 %.
    public var highErrorNanoseconds: Int64?
    /// The largest.
    public var largestErrorNanoseconds: Int64?
    /// What became of answers; `nil` for a line that changes none.
    public var answers: Answers?
    /// Why the line gave up, in words; everything passes it without delay since then. `nil` while it works.
    public var failure: String?

    /// What became of the answers that came to a line.
    public struct Answers: Sendable, Hashable, Codable {
      /// They went on with other words, or late.
      public var changed: UInt64 = 0
      /// They were thrown away as asked for.
      public var silenced: UInt64 = 0
      /// They passed, for nobody meant them.
      public var passed: UInt64 = 0
      /// They passed although they may have been meant: fragments, authenticated ones, what is no answer.
      public var unreadable: UInt64 = 0

      /// Answers that something happened to.
      public var hit: UInt64 { changed &+ silenced }
    }
  }
}

/// Counts durations in buckets that are 1/32 of their value wide: a fixed size, whatever is counted.
struct DurationHistogram: Sendable {
  private var buckets = [UInt64](repeating: 0, count: 64 * 32)
  private(set) var count: UInt64 = 0
  private(set) var largest: Int64?

  /// Counts `times` durations of this length; below 0 counts as 0.
  mutating func add(_ nanoseconds: Int64, times: UInt64 = 1) {
    buckets[Self.bucket(max(0, nanoseconds))] += times
    count += times
    largest = max(largest ?? 0, nanoseconds)
  }

  /// The upper end of the bucket that holds the smallest value with `share` of all at or below it; `nil` without any.
  func quantile(_ share: Double) -> Int64? {
    guard let largest else { return nil }
    let rank = max(1, UInt64((share * Double(count)).rounded(.up)))
    var seen: UInt64 = 0
    for (index, number) in buckets.enumerated() {
      seen += number
      if seen >= rank { return min(largest, Self.upperEnd(index)) }
    }
    return largest
  }

  /// Below 32 each value has its own bucket; above, each power of two has 32.
  private static func bucket(_ value: Int64) -> Int {
    let magnitude = Int64.bitWidth - 1 - value.leadingZeroBitCount
    guard magnitude >= 5 else { return Int(value) }
    return (magnitude - 4) * 32 + Int(value >> Int64(magnitude - 5)) - 32
  }

  private static func upperEnd(_ bucket: Int) -> Int64 {
    guard bucket >= 32 else { return Int64(bucket) }
    let shift = Int64(bucket / 32 - 1)
    return (Int64(bucket % 32 + 32) << shift) + ((1 << shift) - 1)
  }
}
