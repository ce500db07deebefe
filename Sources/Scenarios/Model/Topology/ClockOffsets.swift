public import Support

/// How the clocks that count from a start differ for servers of a lab that are started with them: as on a machine that has been
/// up for longer, or shorter. The time of day stays as it is.
public struct ClockOffsets: Sendable, Hashable, Codable {
  /// Of the monotonic clock.
  public var monotonic: Offset
  /// Of the clock that counts the machine's sleep too.
  public var boottime: Offset

  /// Offsets of both clocks.
  public init(monotonic: Offset = Offset(nanoseconds: 0), boottime: Offset = Offset(nanoseconds: 0)) {
    self.monotonic = monotonic
    self.boottime = boottime
  }

  /// For the engine that starts servers.
  public var timeOffsets: TimeOffsets {
    TimeOffsets(monotonicNanoseconds: monotonic.nanoseconds, boottimeNanoseconds: boottime.nanoseconds)
  }
}

extension ClockOffsets: CustomStringConvertible {
  /// `monotonic +5s, boottime −1h`.
  public var description: String { "\(timeOffsets)" }
}
