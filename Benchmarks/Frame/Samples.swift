internal import Support

/// Durations of the same thing done again and again, in nanoseconds.
struct Samples: Sendable {
  private var sorted: [Int64] = []

  var count: Int { sorted.count }

  mutating func add(_ nanoseconds: Int64) {
    sorted.insert(nanoseconds, at: sorted.firstIndex { $0 > nanoseconds } ?? sorted.endIndex)
  }

  /// How many are no smaller than `least`.
  func count(atLeast least: Int64) -> Int { sorted.count { $0 >= least } }

  /// The same with `nanoseconds` added to each.
  func shifted(by nanoseconds: Int64) -> Samples {
    var shifted = self
    shifted.sorted = sorted.map { $0 + nanoseconds }
    return shifted
  }

  /// The smallest value such that `share` of all are no larger (nearest rank); `nil` without any.
  func quantile(_ share: Double) -> Int64? {
    if sorted.isEmpty { return nil }
    let rank = Int((share * Double(sorted.count)).rounded(.up))
    return sorted[Swift.max(0, Swift.min(sorted.count, rank) - 1)]
  }

  var min: Int64? { sorted.first }
  var median: Int64? { quantile(0.5) }
  var max: Int64? { sorted.last }

  /// The median over that of `base`; `nil` without samples in either.
  func ratio(to base: Samples) -> Double? {
    guard let own = median, let other = base.median, other > 0 else { return nil }
    return Double(own) / Double(other)
  }
}

/// `1.25 ms`; a dash for nothing.
func brief(_ nanoseconds: Int64?) -> String {
  nanoseconds.map { Duration.nanoseconds($0).brief } ?? "-"
}
