internal import Scenarios
internal import Support

/// Judges the steady-state hypothesis sample by sample: since when it has held without a break, and what broke it last.
struct SteadyStateMonitor: Sendable {
  private let expectations: [Expectation]
  private(set) var heldSince: Int64?
  private(set) var broken: [String] = ["no sample yet"]

  init(_ expectations: [Expectation]) {
    self.expectations = expectations
  }

  /// Takes the figures of one moment.
  mutating func take(_ sample: Sample, leader: String?, at time: Int64) {
    broken = expectations.compactMap { Self.violation(of: $0, by: sample, leader: leader) }
    heldSince = broken.isEmpty ? heldSince ?? time : nil
  }

  /// Whether it has held for `duration` by now.
  func hasHeld(_ duration: Duration, now: Int64) -> Bool {
    guard let heldSince else { return false }
    return now - heldSince >= duration.nanoseconds
  }

  /// Why `sample` breaks `expectation`, in words; `nil` when it keeps it. No data breaks it: what nobody measured does not hold.
  static func violation(of expectation: Expectation, by sample: Sample, leader: String?) -> String? {
    switch expectation {
    case .writeErrorRate(let max):
      let total = sample.rates.values.reduce(into: Sample.Rates()) { sum, rates in
        sum.acknowledged += rates.acknowledged
        sum.failed += rates.failed
        sum.unknown += rates.unknown
      }
      let all = total.acknowledged + total.failed + total.unknown
      guard all > 0 else { return "write-error-rate: no write was attempted" }
      let share = Double(total.failed + total.unknown) / Double(all)
      return share <= max.fraction ? nil : "write-error-rate is \(fixed(share * 100, 1))%, at most \(max) is steady"
    case .mirrorLag(let max):
      guard let worst = sample.lag.max(by: { $0.value.age < $1.value.age }) else {
        return "mirror-lag: no mirror was seen"
      }
      return worst.value.age <= max.nanoseconds
        ? nil
        : "mirror-lag \(worst.key) is \(Duration.nanoseconds(worst.value.age).brief), at most \(max.text) is steady"
    case .leader(let region):
      guard let leader else { return "leader: nobody holds write authority" }
      return leader == region ? nil : "leader is \(leader), not \(region)"
    }
  }
}

/// Watches one abort condition: since when it has been broken without a break.
struct AbortMonitor: Sendable {
  let condition: AbortCondition
  private var brokenSince: Int64?
  private var why = ""

  init(_ condition: AbortCondition) {
    self.condition = condition
  }

  /// Takes the figures of one moment; returns why the drill must end, if it must.
  mutating func take(_ sample: Sample, leader: String?, at time: Int64) -> String? {
    guard let violation = SteadyStateMonitor.violation(of: condition.expectation, by: sample, leader: leader) else {
      brokenSince = nil
      return nil
    }
    let since = brokenSince ?? time
    brokenSince = since
    return time - since >= condition.tolerance.nanoseconds
      ? "\(violation), for longer than \(condition.tolerance.text)" : nil
  }
}
