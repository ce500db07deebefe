import Netlink
import Support
import Testing

@testable import Faults

@Suite struct DelayScheduleTests {
  /// The releases of `count` packets that arrive `spacing` apart; `nil` for a lost one.
  private func releases(
    _ settings: DelayLine.Settings, count: Int = 20_000, spacing: Int64 = 1_000_000, lengthBytes: UInt32 = 100
  ) -> [Int64?] {
    var schedule = DelaySchedule(settings)
    return (0..<count).map { index in
      switch schedule.fate(ofArrivalAt: 1_000_000_000 + Int64(index) * spacing, lengthBytes: lengthBytes) {
      case .release(let time): time
      case .drop: nil
      }
    }
  }

  /// The times that packets are held.
  private func holds(_ settings: DelayLine.Settings, count: Int = 20_000, spacing: Int64 = 1_000_000_000) -> [Int64] {
    releases(settings, count: count, spacing: spacing).enumerated().compactMap { index, time in
      time.map { $0 - 1_000_000_000 - Int64(index) * spacing }
    }
  }

  private func mean(_ values: [Int64]) -> Double { values.reduce(0.0) { $0 + Double($1) } / Double(values.count) }

  /// Of neighbours.
  private func correlation(_ values: [Int64]) -> Double {
    let mean = mean(values)
    let all = values.map { Double($0) - mean }
    return zip(all, all.dropFirst()).reduce(0) { $0 + $1.0 * $1.1 } / all.reduce(0) { $0 + $1 * $1 }
  }

  @Test func withoutJitterEveryPacketIsHeldForTheSameTime() {
    #expect(Set(holds(.init(delay: .init(.milliseconds(50))))) == [50_000_000])
    #expect(Set(holds(.init())) == [0])
  }

  @Test func uniformJitterFillsItsWidthEvenly() {
    let held = holds(.init(delay: .init(.milliseconds(50), jitter: .milliseconds(10)), seed: 5))
    #expect(held.allSatisfy { (40_000_000...60_000_000).contains($0) })
    #expect(abs(mean(held) - 50_000_000) < 200_000)  // standard error 41,000
    for tenth in 0..<10 {
      let part = 40_000_000 + Int64(tenth) * 2_000_000
      let share = held.count { $0 >= part && $0 < part + 2_000_000 }
      #expect((1800...2200).contains(share))  // 2000 expected, standard deviation 42
    }
  }

  @Test(arguments: [Fault.Distribution.normal, .pareto, .paretonormal])
  func theOtherShapesHaveTheJitterAsTheirStandardDeviation(_ shape: Fault.Distribution) throws {
    let delay = Fault.Delay(.milliseconds(100), jitter: .milliseconds(10), distribution: shape)
    let held = holds(.init(delay: delay, seed: 8), count: 100_000)
    let deviation = (held.reduce(0.0) { $0 + (Double($1) - 1e8) * (Double($1) - 1e8) } / 100_000).squareRoot()
    #expect(abs(mean(held) - 100_000_000) < 150_000)  // standard error 32,000
    #expect(abs(deviation - 10_000_000) < 200_000)
    let median = held.sorted()[50_000]
    // The tails to the right pull the mean above the median.
    #expect(shape == .normal ? abs(median - 100_000_000) < 200_000 : median < 99_000_000)
    #expect(try #require(held.max()) <= 140_000_000)
  }

  @Test func aTableIsUsedInUnitsOfTheJitter() {
    // Half of the packets one jitter early, half two jitters late, and rounding to the nearest.
    let delay = Fault.Delay(
      .milliseconds(50), jitter: .nanoseconds(3), distribution: .table([-8192, 16384, 4096, -4096]))
    let held = holds(.init(delay: delay, seed: 1))
    #expect(Set(held) == [49_999_997, 49_999_998, 50_000_002, 50_000_006])
  }

  @Test(arguments: [0.25, 0.8]) func correlationIsThatOfNeighboursAndLeavesTheDistribution(_ wanted: Double) {
    let delay = Fault.Delay(.milliseconds(50), jitter: .milliseconds(10), correlation: wanted)
    let held = holds(.init(delay: delay, seed: 9), count: 100_000)
    #expect(abs(correlation(held) - wanted) < 0.02)
    #expect(abs(mean(held) - 50_000_000) < 200_000)
    let deviation = (held.reduce(0.0) { $0 + (Double($1) - 5e7) * (Double($1) - 5e7) } / Double(held.count))
      .squareRoot()
    #expect(abs(deviation - 10_000_000 / 3.0.squareRoot()) < 120_000)
  }

  @Test func nothingIsReleasedBeforeItArrives() {
    let delay = Fault.Delay(.milliseconds(1), jitter: .milliseconds(10), keepsOrder: false)
    let held = holds(.init(delay: delay, seed: 2))
    #expect(held.min() == 0)
  }

  @Test(arguments: [1, 1000, 1_000_000] as [Int64]) func orderIsKeptUnlessToldOtherwise(_ spacing: Int64) {
    for keepsOrder in [true, false] {
      let delay = Fault.Delay(.milliseconds(50), jitter: .milliseconds(10), keepsOrder: keepsOrder)
      let times = releases(.init(delay: delay, seed: 3), spacing: spacing).compactMap { $0 }
      #expect((times == times.sorted()) == keepsOrder)
    }
  }

  @Test func thoseThatOvertakeAreNotHeldAndDoNotDisturbTheOthers() {
    let delay = Fault.Delay(.milliseconds(50), jitter: .milliseconds(10), keepsOrder: false)
    let plain = holds(.init(delay: delay, seed: 4))
    let mixed = holds(.init(delay: delay, reorder: .init(0.25), seed: 4))
    let overtakers = mixed.count { $0 == 0 }
    #expect((4700...5300).contains(overtakers))  // 5000 expected, standard deviation 61
    #expect(zip(plain, mixed).allSatisfy { $0 == $1 || $1 == 0 })
  }

  /// As netem has it: with a gap of 5, four packets are held, and then one may overtake.
  @Test func onlyEverySoManyPacketsOneIsEligibleToOvertake() {
    let held = holds(.init(delay: .init(.milliseconds(5)), reorder: .init(1, gap: 5)), count: 20)
    #expect(held.enumerated().filter { $1 == 0 }.map(\.offset) == [4, 9, 14, 19])
  }

  @Test func lossesFallOnTheirNumbers() {
    let times = releases(
      .init(delay: .init(.milliseconds(5)), losses: .init(period: 7, numbers: [1, 6, 7_000])), count: 21)
    #expect(times.enumerated().filter { $1 == nil }.map(\.offset) == [1, 6, 8, 13, 15, 20])
    let third = releases(.init(losses: .everyNth(3)), count: 9)
    #expect(third.enumerated().filter { $1 == nil }.map(\.offset) == [2, 5, 8])
  }

  @Test func bunchesLeaveTogetherAndAreNotLargerThanAllowed() {
    let slots = Fault.Slots(.milliseconds(10), .milliseconds(20), packets: 8)
    let times = releases(
      .init(delay: .init(.milliseconds(5), slots: slots), seed: 6), count: 5000, spacing: 1_000_000
    ).compactMap { $0 }
    #expect(times == times.sorted())
    let bunches = Dictionary(grouping: times, by: { $0 })
    #expect(bunches.values.allSatisfy { $0.count <= 8 })
    let moments = bunches.keys.sorted()
    #expect(zip(moments, moments.dropFirst()).allSatisfy { (10_000_000...20_000_000).contains($1 - $0) })
    for (index, time) in times.enumerated() { #expect(time >= 1_005_000_000 + Int64(index) * 1_000_000) }
  }

  @Test func bunchesAreLimitedByBytesToo() {
    let slots = Fault.Slots(.milliseconds(10), .milliseconds(10), bytes: 250)
    let times = releases(.init(delay: .init(.zero, slots: slots)), count: 100, spacing: 1, lengthBytes: 100)
    #expect(Dictionary(grouping: times.compactMap { $0 }, by: { $0 }).values.allSatisfy { $0.count <= 2 })
    let large = releases(.init(delay: .init(.zero, slots: slots)), count: 10, spacing: 1, lengthBytes: 9000)
    #expect(Set(large.compactMap { $0 }).count == 10)
  }

  @Test func theSameSeedDoesTheSameAndAnotherSeedDoesNot() {
    func run(_ seed: UInt64) -> [Int64?] {
      releases(
        .init(
          delay: .init(.milliseconds(50), jitter: .milliseconds(10), correlation: 0.3, keepsOrder: false),
          reorder: .init(0.1, correlation: 0.5), losses: .everyNth(10), seed: seed))
    }
    #expect(run(1) == run(1))
    #expect(run(1) != run(2))
  }

  /// What a seed does is part of what is recorded: it must not change from one version of this tool to the next.
  @Test func theFirstPacketsOfASeedAreThese() {
    let held = holds(
      .init(delay: .init(.milliseconds(50), jitter: .milliseconds(10)), reorder: .init(0.2), seed: 1), count: 8)
    #expect(held == goldenHolds)
  }

  @Test func theCapacityIsWhatArrivesWithinTheLongestHoldAndHalfAsMuchAgain() {
    func capacity(_ delay: Fault.Delay?, _ rate: UInt32) -> UInt32 {
      DelayLine.Settings(delay: delay, packetsPerSecond: rate).capacity
    }
    #expect(capacity(nil, 300_000) == 1024)
    #expect(capacity(.init(.milliseconds(50)), 100_000) == 7500)
    #expect(capacity(.init(.milliseconds(50), jitter: .milliseconds(10)), 100_000) == 9000)
    #expect(capacity(.init(.milliseconds(50), jitter: .milliseconds(10), distribution: .normal), 100_000) == 13_500)
    #expect(capacity(.init(.seconds(3600)), 300_000) == 1_048_576)
  }
}

private let goldenHolds: [Int64] = [
  55_333_511, 58_549_778, 0, 53_929_311, 54_698_527, 57_221_202, 47_846_797, 51_781_795,
]
