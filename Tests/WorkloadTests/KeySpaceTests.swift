import Support
import Testing

@testable import Workload

@Suite struct KeySpaceTests {
  @Test func anAggregateGoesOnWhereItsLastEventCanBeSeen() throws {
    var random = SeededRandom(seed: 1)
    var keys = KeySpace(first: 10, count: 1)
    let drawn1 = keys.draw(using: &random)
    let first = try #require(drawn1)
    #expect(first.key == 10 && first.sequence == 1)
    keys.acknowledged(10, 1)
    keys.storeChanged()
    #expect(keys.held == [10])
    let whileHeld = keys.draw(using: &random)
    #expect(whileHeld == nil)
    keys.release(latest: [:])
    let unseen = keys.draw(using: &random)
    #expect(unseen == nil)
    keys.release(latest: [10: 1])
    let drawn2 = keys.draw(using: &random)
    let next = try #require(drawn2)
    #expect(next.sequence == 2)
  }

  @Test func anUnknownOutcomeHoldsItsAggregateOnly() throws {
    var random = SeededRandom(seed: 1)
    var keys = KeySpace(first: 0, count: 2)
    let drawn3 = keys.draw(using: &random)
    let event = try #require(drawn3)
    keys.unknown(event.key, event.sequence)
    #expect(keys.held == [event.key])
    for _ in 0..<20 {
      let drawn4 = keys.draw(using: &random)
      let next = try #require(drawn4)
      #expect(next.key != event.key)
    }
  }

  @Test func aRefusedEventDoesNotHoldItsAggregate() throws {
    var random = SeededRandom(seed: 1)
    var keys = KeySpace(first: 0, count: 1)
    _ = keys.draw(using: &random)
    keys.storeChanged()
    #expect(keys.held.isEmpty)
    let drawn5 = keys.draw(using: &random)
    let next = try #require(drawn5)
    #expect(next.sequence == 2)
  }
}

@Suite struct PaceTests {
  @Test func missedSlotsAreSkippedAndCounted() {
    var pace = Pace(perSecond: 10, start: 0)
    func due(_ now: Int64) -> Int64 { pace.due(now: now) }
    #expect(due(0) == 0)
    #expect(due(1) == 100_000_000)
    #expect(due(1_050_000_000) == 1_050_000_000)
    #expect(pace.missed == 8)
    #expect(due(1_050_000_001) == 1_100_000_000)
  }
}

@Suite struct LagTrackerTests {
  @Test func ageIsThatOfTheOldestMissingRecord() {
    var lag = LagTracker()
    #expect(lag.age(now: 5) == 0)
    lag.origin(1, at: 10)
    lag.origin(2, at: 20)
    #expect(lag.age(now: 50) == 40)
    lag.target(1)
    #expect(lag.age(now: 50) == 30)
    lag.target(2)
    #expect(lag.behind == 0)
  }

  @Test func aCopySeenFirstIsNotLag() {
    var lag = LagTracker()
    lag.target(7)
    lag.origin(7, at: 10)
    #expect(lag.behind == 0)
    #expect(lag.mirrored == 1)
  }
}
