/// By how much the clocks that count from a start differ for a process that we start, in a time namespace of its own
/// (time_namespaces(7)): it sees a machine that has been up for longer, or shorter. The time of day is the same in all of them.
public struct TimeOffsets: Sendable, Hashable, Codable {
  /// Added to CLOCK_MONOTONIC and its raw and coarse forms, in nanoseconds.
  public var monotonicNanoseconds: Int64
  /// Added to CLOCK_BOOTTIME and what is derived from it, such as /proc/uptime, in nanoseconds.
  public var boottimeNanoseconds: Int64

  /// Offsets; 0 leaves a clock as it is.
  public init(monotonicNanoseconds: Int64 = 0, boottimeNanoseconds: Int64 = 0) {
    self.monotonicNanoseconds = monotonicNanoseconds
    self.boottimeNanoseconds = boottimeNanoseconds
  }

  /// Whether they change nothing.
  public var isZero: Bool { monotonicNanoseconds == 0 && boottimeNanoseconds == 0 }

  /// What /proc/self/timens_offsets takes: a line for each clock, with whole seconds rounded down and the rest.
  public var kernelText: String {
    func line(_ clock: String, _ nanoseconds: Int64) -> String {
      var (seconds, rest) = nanoseconds.quotientAndRemainder(dividingBy: 1_000_000_000)
      if rest < 0 { (seconds, rest) = (seconds - 1, rest + 1_000_000_000) }
      return "\(clock) \(seconds) \(rest)\n"
    }
    return line("monotonic", monotonicNanoseconds) + line("boottime", boottimeNanoseconds)
  }
}

extension TimeOffsets: CustomStringConvertible {
  /// `monotonic +5 s, boottime −1 h`.
  public var description: String {
    let parts = [("monotonic", monotonicNanoseconds), ("boottime", boottimeNanoseconds)].filter { $0.1 != 0 }.map {
      "\($0) \($1 < 0 ? "−" : "+")\(Duration.nanoseconds(Int64(clamping: $1.magnitude)).text)"
    }
    return parts.isEmpty ? "unchanged" : parts.joined(separator: ", ")
  }
}
