/// Mirror lag by identity: what the origin's log was seen to hold and the target's was not yet.
///
/// Fed by tails of both logs; needs no figure that the mirror reports about itself (a mirror that is cut off goes on
/// reporting its last, comfortable one).
public struct LagTracker: Sendable {
  private var pending: [UInt64: Int64] = [:]
  private var early: Set<UInt64> = []

  /// Events seen in the target so far.
  public private(set) var mirrored: UInt64 = 0

  /// Starts with nothing seen.
  public init() {}

  /// The origin's log holds its record number `sequence`, seen at `time` (ns).
  public mutating func origin(_ sequence: UInt64, at time: Int64) {
    if early.remove(sequence) == nil { pending[sequence] = time }
  }

  /// The target's log holds it too.
  public mutating func target(_ sequence: UInt64) {
    mirrored += 1
    // Two tails take turns, so the copy may be seen before the original.
    if pending.removeValue(forKey: sequence) == nil { early.insert(sequence) }
  }

  /// Records that the target lacks.
  public var behind: Int { pending.count }

  /// Age of the oldest record that the target lacks (ns); 0 when it lacks none.
  public func age(now: Int64) -> Int64 {
    guard let oldest = pending.values.min() else { return 0 }
    return max(0, now - oldest)
  }
}
