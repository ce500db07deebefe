internal import Glibc

/// The two clocks of a run. Passed in, never reached for, so that tests can stand time still.
///
/// All real-time order in a drill is order on `monotonic`, read by one process; `wall` is for people.
public struct Timebase: Sendable {
  /// Nanoseconds on CLOCK_MONOTONIC.
  public var monotonic: @Sendable () -> Int64
  /// Nanoseconds since 1970-01-01T00:00:00Z on CLOCK_REALTIME.
  public var wall: @Sendable () -> Int64

  /// A time base from two functions.
  public init(monotonic: @escaping @Sendable () -> Int64, wall: @escaping @Sendable () -> Int64) {
    self.monotonic = monotonic
    self.wall = wall
  }

  /// The kernel's clocks.
  public static let system = Timebase(
    monotonic: { Self.read(CLOCK_MONOTONIC) }, wall: { Self.read(CLOCK_REALTIME) })

  private static func read(_ clock: clockid_t) -> Int64 {
    var value = timespec()
    clock_gettime(clock, &value)
    return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
  }
}

extension Duration {
  /// Whole nanoseconds, rounded towards zero; saturates at ±292 years.
  public var nanoseconds: Int64 {
    let (seconds, attoseconds) = components
    let (product, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000_000)
    if overflow { return seconds < 0 ? .min : .max }
    let (sum, carried) = product.addingReportingOverflow(attoseconds / 1_000_000_000)
    return carried ? (seconds < 0 ? .min : .max) : sum
  }

  /// Whole milliseconds, rounded towards zero.
  public var milliseconds: Int64 { nanoseconds / 1_000_000 }

  /// Seconds as a floating-point number, for reports.
  public var inSeconds: Double { Double(nanoseconds) / 1e9 }

  /// The shortest exact text that a scenario may contain: `250ms`, `10s`, `5m`.
  public var text: String {
    let ns = nanoseconds
    if ns == 0 { return "0s" }
    for (unit, size) in [
      ("h", Int64(3_600_000_000_000)), ("m", 60_000_000_000), ("s", 1_000_000_000), ("ms", 1_000_000), ("us", 1_000),
    ]
    where ns % size == 0 {
      return "\(ns / size)\(unit)"
    }
    return "\(ns)ns"
  }

  /// For people: three significant figures with a fitting unit, `1.25 s`, `310 µs`.
  public var brief: String {
    let ns = Double(nanoseconds)
    let (value, unit): (Double, String) =
      switch abs(ns) {
      case ..<1e3: (ns, "ns")
      case ..<1e6: (ns / 1e3, "µs")
      case ..<1e9: (ns / 1e6, "ms")
      case ..<120e9: (ns / 1e9, "s")
      default: (ns / 60e9, "min")
      }
    return "\(fixed(value, abs(value) >= 100 ? 0 : abs(value) >= 10 ? 1 : 2)) \(unit)"
  }
}

/// Writes `value` with exactly `digits` decimals, independent of locale.
public func fixed(_ value: Double, _ digits: Int) -> String {
  guard value.isFinite else { return "\(value)" }
  var scale: Double = 1
  for _ in 0..<digits { scale *= 10 }
  let scaled = (abs(value) * scale).rounded()
  guard scaled < 9e15 else { return "\(value)" }
  let whole = Int64(scaled)
  let sign = value < 0 && whole != 0 ? "-" : ""
  let divisor = Int64(scale)
  guard digits > 0 else { return "\(sign)\(whole)" }
  let fraction = String(whole % divisor)
  return "\(sign)\(whole / divisor).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
}

/// Writes nanoseconds since 1970 as `2026-11-20T08:12:03.250Z` (RFC 3339, UTC, milliseconds).
public func timestamp(_ wallNanoseconds: Int64) -> String {
  // Rounded down, so that moments before 1970 keep their order.
  let milliseconds = wallNanoseconds / 1_000_000 - (wallNanoseconds % 1_000_000 < 0 ? 1 : 0)
  let part = (milliseconds % 1000 + 1000) % 1000
  var seconds = time_t((milliseconds - part) / 1000)
  var parts = tm()
  gmtime_r(&seconds, &parts)
  func pad(_ value: Int, _ width: Int) -> String {
    let text = String(value)
    return String(repeating: "0", count: max(0, width - text.count)) + text
  }
  let date = "\(pad(Int(parts.tm_year) + 1900, 4))-\(pad(Int(parts.tm_mon) + 1, 2))-\(pad(Int(parts.tm_mday), 2))"
  let clock = "\(pad(Int(parts.tm_hour), 2)):\(pad(Int(parts.tm_min), 2)):\(pad(Int(parts.tm_sec), 2))"
  return "\(date)T\(clock).\(pad(Int(part), 3))Z"
}
