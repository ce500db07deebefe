internal import Support

extension Expectation {
  /// Reads the keys that belong to the metric or probe; they may stand among others.
  static func read(_ fields: Fields) -> Expectation? {
    if let probe = fields.value("probe") { return probe.text(expected: "a probe").map { .probe($0) } }
    let metric = fields.required("metric") { $0.choice(Metric.self, called: "a metric") }
    switch metric {
    case .writeErrorRate: return limits(fields) { $0.unit() }.map { .writeErrorRate($0) }
    case .writeRate: return limits(fields) { $0.unit() }.map { .writeRate($0) }
    case .mirrorLag: return limits(fields) { $0.positiveDuration() }.map { .mirrorLag($0) }
    case .mirrorBacklog: return limits(fields, count).map { .mirrorBacklog($0) }
    case .token: return limits(fields, count).map { .token($0) }
    case .events: return limits(fields, count).map { .events($0) }
    case .leader:
      if let other = fields.value("isNot") { return other.text(expected: "a region").map { .leader(.isNot($0)) } }
      return fields.required("is") { $0.text(expected: "a region") }.map { .leader(.is($0)) }
    case nil:
      // Which of them belongs here depends on the metric; none is a second mistake.
      for key in ["min", "max", "is", "isNot"] { _ = fields.value(key) }
      return nil
    }
  }

  private static func count(_ value: Value) -> Int64? { value.integer(in: 0...Int64.max) }

  /// Bounds, of which `max` is meant where neither is given.
  private static func limits<T>(_ fields: Fields, _ read: (Value) -> T?) -> Limits<T>? {
    guard let least = fields.value("min") else { return fields.required("max", read).map { Limits(max: $0) } }
    let min = read(least)
    guard let most = fields.value("max") else { return min.map { Limits(min: $0) } }
    let max = read(most)
    guard let min, let max else { return nil }
    return Limits(min: min, max: max)
  }
}
