import PassThrough
import Testing

@testable import Faults

@Suite struct FileDecisionTests {
  private func decide(_ rules: [FileRule], _ requests: [FileRequest], seed: UInt64 = 1) -> [FileDecision] {
    var decisions = FileDecisions(rules, seed: seed)
    return requests.map { decisions.decide($0) }
  }

  private let sync = FileRequest(operation: .fsync, paths: ["pg_wal/1"])
  private func write(_ bytes: Int) -> FileRequest { FileRequest(operation: .write, paths: ["f"], bytes: bytes) }

  @Test func whatNoRuleIsAboutIsDoneAtOnce() {
    let rule = FileRule(paths: PathPattern("pg_wal/*"), operations: [.fsync], effect: .fail(.inputOutput))
    let other = FileRequest(operation: .fsync, paths: ["base/1"])
    #expect(decide([rule], [other, write(1)]) == [FileDecision(), FileDecision()])
    #expect(decide([rule], [sync])[0].outcome == .fail(5))
  }

  @Test func latenciesAddUpAndTheFirstOtherEffectCounts() {
    let rules = [
      FileRule(operations: [.fsync], effect: .latency(FileLatency(.milliseconds(10)))),
      FileRule(operations: [.fsync], effect: .fail(.noSpace)),
      FileRule(operations: [.fsync], effect: .latency(FileLatency(.milliseconds(5)))),
      FileRule(operations: [.fsync], effect: .unsynced),
    ]
    #expect(decide(rules, [sync]) == [FileDecision(delay: 15_000_000, outcome: .fail(28), rules: [0, 1, 2, 3])])
  }

  @Test func aRenameIsHitByEitherName() {
    let rule = FileRule(paths: PathPattern("new"), operations: [.rename], effect: .fail(.readOnly))
    #expect(decide([rule], [FileRequest(operation: .rename, paths: ["old", "new"])])[0].outcome == .fail(30))
    #expect(decide([rule], [FileRequest(operation: .rename, paths: ["old", "other"])])[0].outcome == .perform)
  }

  @Test func theSameSeedHitsTheSameOperationsByNumber() {
    let rule = FileRule(operations: [.fsync], probability: 0.3, effect: .fail(.inputOutput))
    let requests = Array(repeating: sync, count: 2000)
    let first = decide([rule], requests, seed: 7)
    #expect(first == decide([rule], requests, seed: 7))
    #expect(first != decide([rule], requests, seed: 8))
    let hits = first.count { $0.outcome != .perform }
    #expect((500...700).contains(hits), "0.3 of 2000 within five standard deviations, not \(hits)")
  }

  @Test func anotherEffectOfARuleShiftsNoDraw() {
    let pattern = { (effect: FileEffect) in
      decide(
        [FileRule(operations: [.fsync], probability: 0.5, effect: effect)], Array(repeating: sync, count: 100)
      ).map(\.rules)
    }
    #expect(pattern(.fail(.inputOutput)) == pattern(.latency(FileLatency(.seconds(1), jitter: .seconds(1)))))
  }

  @Test func jitterStaysWithinItsBounds() {
    let latency = FileLatency(.milliseconds(10), jitter: .milliseconds(4))
    let delays = decide(
      [FileRule(operations: [.fsync], effect: .latency(latency))], Array(repeating: sync, count: 1000)
    ).map(\.delay)
    #expect(delays.allSatisfy { (6_000_000...14_000_000).contains($0) })
    #expect(delays.contains { $0 < 7_000_000 } && delays.contains { $0 > 13_000_000 })
  }

  @Test func aTornWriteKeepsWholeSectorsAndNeverAll() {
    let rule = FileRule(operations: [.write], effect: .tornWrite(reports: .success))
    for decision in decide([rule], Array(repeating: write(8192), count: 200)) {
      guard case .tear(let keep, nil) = decision.outcome else {
        Issue.record("not torn: \(decision)")
        return
      }
      #expect(keep % 512 == 0 && keep < 8192)
    }
    #expect(decide([rule], [write(100)])[0].outcome == .tear(keep: 0, errno: nil))
  }

  @Test func talliesTellWhatWasMatchedFromWhatWasHit() {
    var decisions = FileDecisions(
      [FileRule(operations: [.fsync], probability: 0.5, effect: .fail(.inputOutput))], seed: 3)
    for _ in 0..<100 { _ = decisions.decide(sync) }
    _ = decisions.decide(write(1))
    let tally = decisions.tallies[0]
    #expect(tally.matched == 100)
    #expect(tally.hit > 20 && tally.hit < 80)
  }

  @Test(arguments: [
    (FileRule(operations: [], effect: .fail(.inputOutput)), "no operation"),
    (FileRule(operations: [.read], probability: 0, effect: .fail(.inputOutput)), "probability"),
    (FileRule(operations: [.read], probability: .nan, effect: .fail(.inputOutput)), "probability"),
    (FileRule(operations: [.read], effect: .latency(FileLatency(.zero))), "between 1 µs and 60 s"),
    (FileRule(operations: [.read], effect: .latency(FileLatency(.seconds(61)))), "between 1 µs and 60 s"),
    (
      FileRule(operations: [.read], effect: .latency(FileLatency(.seconds(1), jitter: .seconds(2)))),
      "at most the latency itself"
    ),
    (FileRule(operations: [.write, .read], effect: .tornWrite(reports: .success)), "only a write can be torn"),
    (FileRule(operations: [.write], effect: .unsynced), "only fsync and fdatasync"),
    (FileRule(paths: PathPattern("/etc"), operations: [.write], effect: .fail(.noSpace)), "begins with /"),
  ])
  func whatCannotBeMeantIsRefused(rule: FileRule, why: String) {
    #expect(rule.defects.contains { $0.contains(why) }, "\(rule.defects)")
  }

  @Test func aFullDiskRefusesWhatNeedsRoomAndNothingElse() {
    let refused = decide(
      [.diskFull()], FileOperation.allCases.map { FileRequest(operation: $0, paths: ["f"], bytes: 1) })
    for (operation, decision) in zip(FileOperation.allCases, refused) {
      #expect((decision.outcome == .fail(28)) == FileOperation.needRoom.contains(operation), "\(operation)")
    }
    #expect(FileRule.diskFull().defects.isEmpty)
    #expect(FileRule.diskFull(PathPattern("base/**")).description.hasSuffix("of base/**: fails with ENOSPC"))
  }
}
