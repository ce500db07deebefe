internal import Support

/// A clock that programs ask for the time.
public enum SkewedClock: String, Sendable, Hashable, Codable, CaseIterable, Comparable {
  /// The time of day: CLOCK_REALTIME and its coarse form, `gettimeofday`, `time`.
  case realtime
  /// CLOCK_TAI.
  case tai
  /// Time since some start: CLOCK_MONOTONIC and its raw and coarse forms. At the end of the skew such a clock jumps back,
  /// which it never does in nature.
  case monotonic
  /// CLOCK_BOOTTIME; the same holds.
  case boottime

  /// The kernel's numbers for it (`linux/time.h`).
  var numbers: [UInt64] {
    switch self {
    case .realtime: [0, 5]
    case .tai: [11]
    case .monotonic: [1, 4, 6]
    case .boottime: [7]
    }
  }

  /// In the order of their names.
  public static func < (one: SkewedClock, other: SkewedClock) -> Bool { one.rawValue < other.rawValue }
}

/// How the clock of a program is wrong: by a constant, and by an error that grows with time.
public struct ClockSkew: Sendable, Hashable, Codable {
  /// How far it is ahead at the moment of arming, in nanoseconds; negative for behind.
  public var offsetNanoseconds: Int64
  /// How much faster it runs, in parts per billion (1000 ppb are 1 ppm); negative for slower.
  public var driftPartsPerBillion: Int64
  /// Which clocks.
  public var clocks: Set<SkewedClock>

  /// A skew of the time of day unless other clocks are named.
  public init(
    offsetNanoseconds: Int64, driftPartsPerBillion: Int64 = 0, clocks: Set<SkewedClock> = [.realtime]
  ) {
    self.offsetNanoseconds = offsetNanoseconds
    self.driftPartsPerBillion = driftPartsPerBillion
    self.clocks = clocks
  }

  /// A century, beyond which dates of programs overflow.
  public static let largestOffset: Int64 = 100 * 365 * 86_400 * 1_000_000_000
  /// Half or one and a half times as fast.
  public static let largestDrift: Int64 = 500_000_000

  /// What is wrong with it, in words; `nil` if nothing is.
  public var mistake: String? {
    if clocks.isEmpty { return "no clock is named" }
    if offsetNanoseconds == 0 && driftPartsPerBillion == 0 { return "it neither moves a clock nor changes its pace" }
    if offsetNanoseconds.magnitude > Self.largestOffset.magnitude { return "the offset is beyond 100 years" }
    if driftPartsPerBillion.magnitude > Self.largestDrift.magnitude { return "the drift is beyond ±500,000 ppm" }
    return nil
  }

  /// By how much a skewed clock is ahead after `elapsed` nanoseconds.
  func offset(after elapsed: Int64) -> Int64 {
    let product = elapsed.multipliedFullWidth(by: rate)
    // The stub's own arithmetic: the middle of the product, rounded down.
    let drift = product.high << 24 | Int64(bitPattern: UInt64(product.low) >> 40)
    return drift &+ offsetNanoseconds
  }

  /// The drift as the stub multiplies it: a fraction with 40 binary places (10⁻¹² fine).
  var rate: Int64 {
    // ppb · 2^40 / 10^9, within 2^62.
    let product = driftPartsPerBillion.multipliedFullWidth(by: 1 << 40)
    return (1_000_000_000 as Int64).dividingFullWidth(product).quotient
  }

  /// Bits of the kernel's numbers.
  var mask: UInt64 { clocks.flatMap(\.numbers).reduce(0) { $0 | 1 << $1 } }
}

extension ClockSkew: CustomStringConvertible {
  /// `realtime +5 s, +200 ppm`.
  public var description: String {
    var parts: [String] = []
    if offsetNanoseconds != 0 {
      let sign = offsetNanoseconds < 0 ? "−" : "+"
      parts.append(sign + Duration.nanoseconds(Int64(clamping: offsetNanoseconds.magnitude)).brief)
    }
    if driftPartsPerBillion != 0 {
      let sign = driftPartsPerBillion < 0 ? "−" : "+"
      let part = Int64(clamping: driftPartsPerBillion.magnitude)
      parts.append("\(sign)\(part % 1000 == 0 ? "\(part / 1000)" : fixed(Double(part) / 1000, 3)) ppm")
    }
    return "\(clocks.sorted().map(\.rawValue).joined(separator: " and ")) \(parts.joined(separator: ", "))"
  }
}
