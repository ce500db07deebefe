internal import Checks
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
  ///
  /// - Parameter other: looks at what no sample has: a probe, a token.
  mutating func take(
    _ sample: Sample, leader: String?, at time: Int64, other: (Expectation) -> Look = Self.unmeasured
  ) {
    broken = expectations.compactMap { Self.violation(of: $0, by: sample, leader: leader, other: other) }
    heldSince = broken.isEmpty ? heldSince ?? time : nil
  }

  /// Whether it has held for `duration` by now.
  func hasHeld(_ duration: Duration, now: Int64) -> Bool {
    guard let heldSince else { return false }
    return now - heldSince >= duration.nanoseconds
  }

  /// Why `sample` breaks `expectation`, in words; `nil` when it keeps it. No data breaks it: what nobody measured does not hold.
  static func violation(
    of expectation: Expectation, by sample: Sample, leader: String?, other: (Expectation) -> Look = Self.unmeasured
  ) -> String? {
    switch expectation {
    case .writeErrorRate(let limits):
      let total = sample.total
      guard total.all > 0 else { return "write-error-rate: no write was attempted" }
      let share = Double(total.failed + total.unknown) / Double(total.all)
      let isSteady = limits.map(\.fraction).contains(share)
      return isSteady ? nil : "write-error-rate is \(fixed(share * 100, 1))%, \(wanted(expectation)) is steady"
    case .writeRate(let limits):
      guard sample.interval > 0 else { return "write-rate: no time was measured" }
      let rate = Double(sample.total.acknowledged) * 1e9 / Double(sample.interval)
      let isSteady = limits.map(\.perSecond).contains(rate)
      return isSteady ? nil : "write-rate is \(fixed(rate, 1))/s, \(wanted(expectation)) is steady"
    case .mirrorLag(let limits):
      guard let worst = sample.lag.max(by: { $0.value.age < $1.value.age }) else {
        return "mirror-lag: no mirror was seen"
      }
      let age = Duration.nanoseconds(worst.value.age)
      return limits.contains(age)
        ? nil : "mirror-lag \(worst.key) is \(age.brief), \(wanted(expectation)) is steady"
    case .mirrorBacklog(let limits):
      guard let worst = sample.lag.max(by: { $0.value.records < $1.value.records }) else {
        return "mirror-backlog: no mirror was seen"
      }
      return limits.contains(Int64(worst.value.records))
        ? nil : "mirror-backlog \(worst.key) is \(worst.value.records), \(wanted(expectation)) is steady"
    case .leader(.is(let region)):
      guard let leader else { return "leader: nobody holds write authority" }
      return leader == region ? nil : "leader is \(leader), not \(region)"
    case .leader(.isNot(let region)):
      guard let leader else { return "leader: nobody holds write authority" }
      return leader != region ? nil : "leader is \(region) still"
    case .token, .events, .probe:
      let look = other(expectation)
      return look.holds == true ? nil : "\(wanted(expectation)): \(look.seen)"
    }
  }

  /// What is seen where nobody looks.
  static func unmeasured(_ expectation: Expectation) -> Look { .none("nobody measures it here") }

  /// `at most 1%`; for other bounds the expectation's own words.
  private static func wanted(_ expectation: Expectation) -> String {
    switch expectation {
    case .writeErrorRate(let limits) where limits.min == nil: limits.max.map { "at most \($0)" } ?? ""
    case .mirrorLag(let limits) where limits.min == nil: limits.max.map { "at most \($0.text)" } ?? ""
    default: "\(expectation)"
    }
  }
}

extension DrillRun {
  /// Journals how each expectation of the steady state stands, where it stands otherwise than before.
  func noteSteadyState(at now: Int64, _ stood: inout [String: SteadyEvidence.State]) async throws {
    for expectation in scenario.steadyState.expect {
      let look = look(at: expectation)
      let state: SteadyEvidence.State = look.holds.map { $0 ? .held : .broken } ?? .noData
      guard stood.updateValue(state, forKey: "\(expectation)") != state else { continue }
      try await journal.record(SteadySeen(expectation: "\(expectation)", state: state, seen: look.seen, at: now))
    }
  }
}

extension Sample {
  /// The completions of all regions together.
  var total: Rates {
    rates.values.reduce(into: Rates()) { sum, rates in
      sum.acknowledged += rates.acknowledged
      sum.failed += rates.failed
      sum.unknown += rates.unknown
    }
  }
}

extension Sample.Rates {
  /// Completions, however they went.
  var all: UInt64 { acknowledged + failed + unknown }
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
  mutating func take(
    _ sample: Sample, leader: String?, at time: Int64,
    other: (Expectation) -> Look = SteadyStateMonitor.unmeasured
  ) -> String? {
    guard
      let violation = SteadyStateMonitor.violation(
        of: condition.expectation, by: sample, leader: leader, other: other)
    else {
      brokenSince = nil
      return nil
    }
    let since = brokenSince ?? time
    brokenSince = since
    return time - since >= condition.tolerance.nanoseconds
      ? "\(violation), for longer than \(condition.tolerance.text)" : nil
  }
}
