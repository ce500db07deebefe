import Scenarios
import Testing

@testable import Drill

/// The steady-state hypothesis and the abort conditions, sample by sample.
@Suite struct SteadyStateTests {
  private let expectations: [Scenarios.Expectation] = [
    .writeErrorRate(max: Percentage(partsPerMillion: 10_000)), .mirrorLag(max: .seconds(2)), .leader(is: "east"),
  ]

  private func sample(
    acknowledged: UInt64 = 100, failed: UInt64 = 0, unknown: UInt64 = 0, lag: [String: Int64] = ["east→eu": 40]
  ) -> Sample {
    Sample(
      rates: [
        "east": .init(acknowledged: acknowledged, failed: failed, unknown: 0),
        "eu": .init(acknowledged: 0, failed: 0, unknown: unknown),
      ],
      lag: lag.mapValues { .init(records: 1, age: $0 * 1_000_000) }, interval: 500_000_000)
  }

  private func complaints(_ sample: Sample, leader: String? = "east") -> [String] {
    var monitor = SteadyStateMonitor(expectations)
    monitor.take(sample, leader: leader, at: 0)
    return monitor.broken
  }

  @Test func aQuietSystemBreaksNothing() {
    #expect(complaints(sample()) == [])
    #expect(complaints(sample(acknowledged: 99, failed: 1, lag: ["east→eu": 2000])) == [], "the bound itself is kept")
  }

  /// Failed and unknown writes count alike, in all regions together.
  @Test func tooManyFailedWritesAreAViolation() {
    #expect(
      complaints(sample(acknowledged: 98, failed: 1, unknown: 1))
        == ["write-error-rate is 2.0%, at most 1% is steady"])
  }

  @Test func theMirrorFarthestBehindIsTheOneThatCounts() {
    #expect(
      complaints(sample(lag: ["east→eu": 10, "eu→east": 2001]))
        == ["mirror-lag eu→east is 2.00 s, at most 2s is steady"])
  }

  @Test func anotherLeaderIsAViolation() {
    #expect(complaints(sample(), leader: "eu") == ["leader is eu, not east"])
  }

  /// What nobody measured does not hold.
  @Test func noDataIsAViolation() {
    #expect(
      complaints(Sample(rates: [:], lag: [:], interval: 1), leader: nil) == [
        "write-error-rate: no write was attempted", "mirror-lag: no mirror was seen",
        "leader: nobody holds write authority",
      ])
  }

  @Test func beforeTheFirstSampleNothingHolds() {
    let monitor = SteadyStateMonitor(expectations)
    #expect(monitor.broken == ["no sample yet"])
    #expect(!monitor.hasHeld(.zero, now: .max))
  }

  /// Held means held without a break: one bad sample starts the time anew.
  @Test func aBreakStartsTheTimeAnew() {
    var monitor = SteadyStateMonitor(expectations)
    func at(_ seconds: Int64) -> Int64 { 7_000_000_000 + seconds * 1_000_000_000 }
    monitor.take(sample(), leader: "east", at: at(0))
    monitor.take(sample(), leader: "east", at: at(1))
    #expect(monitor.hasHeld(.seconds(2), now: at(2)))
    #expect(!monitor.hasHeld(.seconds(3), now: at(2)))
    monitor.take(sample(), leader: "eu", at: at(2))
    #expect(!monitor.hasHeld(.zero, now: at(2)))
    monitor.take(sample(), leader: "east", at: at(3))
    #expect(!monitor.hasHeld(.seconds(2), now: at(4)))
    #expect(monitor.hasHeld(.seconds(2), now: at(5)))
  }

  @Test func aDrillIsAbortedOnlyWhenTheConditionStaysBroken() {
    var monitor = AbortMonitor(AbortCondition(expectations[2], tolerance: .seconds(3)))
    let seconds: Int64 = 1_000_000_000
    #expect(monitor.take(sample(), leader: "eu", at: 0) == nil)
    #expect(monitor.take(sample(), leader: "eu", at: 2 * seconds) == nil)
    #expect(monitor.take(sample(), leader: "east", at: 3 * seconds) == nil, "it was kept for a moment")
    #expect(monitor.take(sample(), leader: "eu", at: 4 * seconds) == nil)
    #expect(monitor.take(sample(), leader: "eu", at: 6 * seconds) == nil)
    #expect(monitor.take(sample(), leader: "eu", at: 7 * seconds) == "leader is eu, not east, for longer than 3s")
  }

  /// A workload that has died is no reason to go on.
  @Test func noDataAbortsToo() {
    var monitor = AbortMonitor(AbortCondition(expectations[0], tolerance: .seconds(1)))
    let nothing = Sample(rates: [:], lag: [:], interval: 1)
    #expect(monitor.take(nothing, leader: "east", at: 0) == nil)
    #expect(
      monitor.take(nothing, leader: "east", at: 1_000_000_000)
        == "write-error-rate: no write was attempted, for longer than 1s")
  }
}
