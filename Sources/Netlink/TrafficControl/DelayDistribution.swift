internal import Glibc

/// The shapes in which delays scatter, as tables of equally likely values: 8192 for one standard deviation, mean 0.
///
/// The names are those of the tables that come with `tc`. Ours are made from the quantiles of each distribution, cut off
/// where 16 bits end (four standard deviations), and then scaled so that what is left has mean 0 and deviation 1. The
/// tables of `tc` are cut off the same way and then left: the numbers of its `pareto.dist` have deviation 0.82 and mean −0.03.
public enum DelayDistribution: String, Sendable, Hashable, Codable, CaseIterable {
  /// The bell curve.
  case normal
  /// A long tail to the right: Pareto's with exponent 3.
  case pareto
  /// A quarter normal and three quarters pareto, value by value.
  case paretonormal

  /// Numbers of a table.
  static let size = 4096
  /// One standard deviation (NETEM_DIST_SCALE).
  static let scale = 8192.0

  /// 4096 values in rising order.
  public var table: [Int16] { Self.tables[self] ?? [] }

  /// Every value from −1 to 1 jitter alike, which is what the kernel does without a table.
  static let uniform: [Int16] = (0..<size).map { Int16(((Double($0) + 0.5) / Double(size) * 2 - 1) * scale) }

  private static let tables: [DelayDistribution: [Int16]] = Dictionary(
    uniqueKeysWithValues: allCases.map { ($0, standardised($0.quantiles)) })

  /// The value below which each of 4096 equal parts has its middle.
  private var quantiles: [Double] {
    let places = (0..<Self.size).map { (Double($0) + 0.5) / Double(Self.size) }
    switch self {
    case .normal: return places.map(Self.normalQuantile)
    case .pareto: return places.map(Self.paretoQuantile)
    case .paretonormal: return places.map { 0.25 * Self.normalQuantile($0) + 0.75 * Self.paretoQuantile($0) }
    }
  }

  /// Exponent 3, moved and scaled to mean 0 and deviation 1.
  private static func paretoQuantile(_ place: Double) -> Double {
    (pow(1 - place, -1 / 3.0) - 1.5) / 0.75.squareRoot()
  }

  /// By halving: the distribution function is exact in the C library, its inverse is not there.
  private static func normalQuantile(_ place: Double) -> Double {
    var (low, high) = (-8.0, 8.0)
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if 0.5 * erfc(-middle / 2.0.squareRoot()) < place { low = middle } else { high = middle }
    }
    return (low + high) / 2
  }

  /// Cut off at what 16 bits hold, with mean 0 and deviation 1 after that.
  private static func standardised(_ values: [Double]) -> [Int16] {
    let most = Double(Int16.max) / scale
    var now = values
    // Each pass stretches what the cut took away, and cuts again; the passes settle within some ten.
    for _ in 0..<50 {
      let mean = now.reduce(0, +) / Double(now.count)
      let deviation = (now.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(now.count)).squareRoot()
      now = now.map { max(-most, min(most, ($0 - mean) / deviation)) }
    }
    return now.map { Int16(($0 * scale).rounded()) }
  }
}
