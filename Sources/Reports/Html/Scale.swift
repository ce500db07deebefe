/// Where a value lies in a drawing, and which values are worth a mark.
struct Scale: Sendable {
  let domain: ClosedRange<Double>
  let start: Double
  let end: Double

  /// - Parameters:
  ///   - domain: the values.
  ///   - start: the coordinate of the lowest value.
  ///   - end: the coordinate of the highest value; may be below `start`, as heights on a screen are.
  init(_ domain: ClosedRange<Double>, from start: Double, to end: Double) {
    self.domain = domain.upperBound > domain.lowerBound ? domain : domain.lowerBound...(domain.lowerBound + 1)
    self.start = start
    self.end = end
  }

  /// The coordinate of `value`, kept within the drawing; what is no number lies at the start.
  func callAsFunction(_ value: Double) -> Double {
    guard !value.isNaN else { return start }
    let inside = min(max(value, domain.lowerBound), domain.upperBound)
    return start + (inside - domain.lowerBound) / (domain.upperBound - domain.lowerBound) * (end - start)
  }

  /// Round values inside the domain, at most `count` steps apart.
  func ticks(atMost count: Int) -> [Double] {
    let length = domain.upperBound - domain.lowerBound
    let steps = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21_600, 86_400]
    let step = steps.first { length / $0 <= Double(count) } ?? length
    var ticks: [Double] = []
    var next = (domain.lowerBound / step).rounded(.up)
    while next * step <= domain.upperBound + step * 1e-9 {
      ticks.append(next * step)
      next += 1
    }
    return ticks
  }
}

/// The least of 1, 2, 3, 4, 5, 6, 8 × 10ⁿ that is not below `value`: the top of an axis.
func roundedUp(_ value: Double) -> Double {
  guard value > 0, value.isFinite else { return 1 }
  var power = 1.0
  while power * 10 <= value { power *= 10 }
  while power > value { power /= 10 }
  return ([1, 2, 3, 4, 5, 6, 8, 10].first { $0 * power >= value * (1 - 1e-9) } ?? 10) * power
}

/// A mark of an axis: `60`, `0.5`.
func tickText(_ value: Double) -> String {
  value == value.rounded() ? coordinate(value) : coordinate((value * 100).rounded() / 100)
}
