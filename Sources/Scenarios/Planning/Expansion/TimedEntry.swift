internal import Support

/// An entry of the timeline after its patterns have been written out, and what is known of its times before the run.
public struct TimedEntry: Sendable, Hashable {
  /// The entry, with an id of its own and a start that counts from the end of the baseline.
  public var entry: TimelineEntry
  /// The key path of what it was written as, such as `timeline[2].repeat[0]`.
  public var path: String
  /// From when to when it begins, at the earliest and at the latest; the same where the time is known.
  public var begins: ClosedRange<Duration>
  /// From when to when it ends.
  public var ends: ClosedRange<Duration>

  /// Whether both times are known before the run.
  public var isTimed: Bool { begins.lowerBound == begins.upperBound && ends.lowerBound == ends.upperBound }
  /// When it begins at the earliest.
  var from: Duration { begins.lowerBound }
  /// When it has ended at the latest.
  var through: Duration { ends.upperBound }
}
