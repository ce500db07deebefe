/// How another machine's monotonic clock stands to ours, as bounds that hold for certain: it was read between two moments of ours.
///
/// What the other machine dates is told in our time, earlier or later than it was, whichever claims less.
public struct RemoteClock: Sendable, Hashable {
  /// Ours is at least so much ahead (ns).
  public private(set) var least: Int64
  /// Ours is at most so much ahead (ns).
  public private(set) var most: Int64
  /// When it was read last, on our clock (ns).
  private var readAt: Int64

  /// How far two quartz clocks may drift apart: 100 parts in a million of the time that passed.
  static let driftPartsPerMillion: Int64 = 100

  /// From one reading.
  ///
  /// - Parameters:
  ///   - sent: when it was asked for, on our clock (ns).
  ///   - answered: what the other clock showed (ns).
  ///   - received: when the answer was here, on our clock (ns).
  public init(sent: Int64, answered: Int64, received: Int64) {
    let answered = Self.believable(answered)
    least = sent - answered
    most = received - answered
    readAt = received
  }

  /// Takes in another reading. Bounds only ever become narrower, but for the drift since the last one.
  public mutating func take(sent: Int64, answered: Int64, received: Int64) {
    let answered = Self.believable(answered)
    let drift = max(0, received - readAt) * Self.driftPartsPerMillion / 1_000_000
    let narrower = (least: max(least - drift, sent - answered), most: min(most + drift, received - answered))
    // A clock that was stepped, or a machine that slept: the newest reading alone is believed.
    (least, most) =
      narrower.least <= narrower.most ? narrower : (least: sent - answered, most: received - answered)
    readAt = received
  }

  /// Times come from another machine: one that no clock can show must not make ours overflow.
  private static func believable(_ time: Int64) -> Int64 { min(max(time, 0), 1 << 61) }

  /// The earliest moment of ours that a moment of theirs can have been.
  public func earliest(_ time: Int64) -> Int64 { Self.believable(time) + least }

  /// The latest moment of ours that a moment of theirs can have been.
  public func latest(_ time: Int64) -> Int64 { Self.believable(time) + most }
}
