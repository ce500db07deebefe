/// When the next event is due at a steady rate. Slots that were missed are skipped and counted, never made up for by a
/// burst: a stalled producer must not look like a busy one afterwards.
public struct Pace: Sendable {
  private let interval: Int64
  private var next: Int64
  /// Slots in which nothing was sent because the one before took too long.
  public private(set) var missed: UInt64 = 0

  /// A pace of `perSecond` events from `start` on (ns, monotonic).
  public init(perSecond: Double, start: Int64) {
    precondition(perSecond > 0, "a pace needs a rate")
    interval = max(1, Int64(1e9 / perSecond))
    next = start
  }

  /// The moment of the next event, at or after `now`.
  public mutating func due(now: Int64) -> Int64 {
    if now > next + interval {
      let skipped = (now - next) / interval
      missed += UInt64(skipped)
      next += skipped * interval
    }
    defer { next += interval }
    return max(next, now)
  }
}
