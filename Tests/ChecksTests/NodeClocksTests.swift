import Checks
import Events
import Support
import Testing

/// A node whose clock is wrong, or not known, is named, and nothing that rests on its times passes.
@Suite struct NodeClocksTests {
  private static let start = 999 * second

  /// Readings of each second of a clean drill; of eu as a test wants it.
  private func clocks(
    offset: Int64 = 12_000, uncertainty: Int64 = 30_000, until: Int64 = CleanDrill.quiescentAt
  ) -> NodeClocks {
    var clocks = NodeClocks(of: ["east", "eu", "ap"], from: Self.start)
    for time in stride(from: Self.start, through: CleanDrill.quiescentAt, by: Int(second)) {
      clocks.take(.init(at: time, offset: -4_000, uncertainty: 9_000), of: "east")
      clocks.take(.init(at: time, offset: 0, uncertainty: 9_000), of: "ap")
      guard time <= until else { continue }
      // Wrong from the fault on only.
      let isLater = time > CleanDrill.faultAt
      clocks.take(.init(at: time, offset: isLater ? offset : 0, uncertainty: uncertainty), of: "eu")
    }
    clocks.end(at: CleanDrill.quiescentAt)
    return clocks
  }

  /// A clean drill in which eu's new leader keeps its lease by its own clock, as it says itself.
  private func evidence(_ clocks: NodeClocks?, startedLate: Int64 = 0) -> Evidence {
    var evidence = CleanDrill.evidence(seed: 3)
    evidence.clocks = clocks
    let eu = NodeIndex(rawValue: UInt16(evidence.history.names.nodes.firstIndex(of: "eu") ?? 0))
    let granted = CleanDrill.grantedAt
    for time in stride(from: granted, through: CleanDrill.quiescentAt, by: Int(3 * second)) {
      var lease = Operation(
        time == granted ? .acquire : .renew, process: 90, node: eu, region: eu, token: CleanDrill.newToken,
        invoked: time,
        completed: time, outcome: .ok, wall: time + 7 * second)
      lease.ttl = 10 * second
      lease.leaseEnd = time + 10 * second
      evidence.history.operations.append(lease)
    }
    for place in evidence.history.operations.indices {
      let operation = evidence.history.operations[place]
      guard operation.kind == .append, operation.token == CleanDrill.newToken, operation.region == eu else { continue }
      evidence.history.operations[place].wall = operation.invoked + 7 * second + startedLate
    }
    evidence.history.operations.sort { ($0.completed ?? .max, $0.process) < ($1.completed ?? .max, $1.process) }
    return evidence
  }

  private func election(_ evidence: Evidence) throws -> Verdict {
    try #require(judge(evidence).items.first { $0.item == .electionWithinTTL }).verdict
  }

  private func words(_ verdict: Verdict) -> String {
    switch verdict {
    case .pass(let coverage): ([coverage.sentence] + coverage.notes).joined(separator: "\n")
    case .inconclusive(let missing): missing.items.joined(separator: "\n")
    case .fail, .vacuous: verdict.headline
    }
  }

  @Test func clocksWithinTheBoundAreTrusted() throws {
    #expect(clocks().standing(of: "eu") == .within)
    let verdict = try election(evidence(clocks()))
    #expect(verdict.kind == .pass, "\(verdict.headline)")
    #expect(!words(verdict).contains("clock of"))
  }

  /// The negative: the same drill, and a clock 5 s ahead.
  @Test(arguments: [5 * second, -5 * second, 100_030_001])
  func aClockBeyondTheBoundIsNamedAndItsTimesDoNotPass(offset: Int64) throws {
    let clocks = clocks(offset: offset)
    guard case .beyond(let how) = clocks.standing(of: "eu") else {
      Issue.record("\(clocks.standing(of: "eu"))")
      return
    }
    #expect(how.contains(offset < 0 ? "behind" : "ahead"))
    let verdict = try election(evidence(clocks))
    #expect(verdict.kind == .inconclusive, "\(verdict.headline)")
    #expect(words(verdict).contains("a clock of eu that can be compared with others"), "\(words(verdict))")
  }

  @Test func aClockThatNobodyKnowsDoesNotPass() throws {
    for unknown in [nil, clocks(until: CleanDrill.faultAt), clocks(uncertainty: 200_000_000)] as [NodeClocks?] {
      let verdict = try election(evidence(unknown))
      #expect(verdict.kind == .inconclusive, "\(verdict.headline)")
      #expect(words(verdict).contains("how far the clock of eu was from the recorder's"), "\(words(verdict))")
    }
  }

  /// What a clock convicts of that is wrong itself is neither proven nor acquitted of.
  @Test func aWrongClockConvictsNobody() throws {
    #expect(try election(evidence(clocks(), startedLate: 20 * second)).kind == .fail)
    #expect(try election(evidence(clocks(offset: 30 * second), startedLate: 20 * second)).kind == .inconclusive)
  }

  /// Where every time is the recorder's own, a wrong clock spoils nothing; but the pass does not keep silent about it.
  @Test(arguments: [ChecklistItem.mirrorLagZero, .noAcknowledgedLoss, .electionWithinTTL])
  func aPassBesideAWrongClockSaysSo(item: ChecklistItem) throws {
    var evidence = CleanDrill.evidence(seed: 3)
    evidence.clocks = clocks(offset: 5 * second)
    let verdict = try #require(judge(evidence).items.first { $0.item == item }).verdict
    #expect(verdict.kind == .pass)
    #expect(words(verdict).contains("the clock of eu was wrong (it was 5.00 s ahead"), "\(words(verdict))")
    evidence.clocks = clocks(until: Self.start)
    #expect(words(try #require(judge(evidence).items.first { $0.item == item }).verdict).contains("eu is not known"))
  }

  @Test func whatIsNotKnownIsSaidInWords() {
    var clocks = NodeClocks(of: ["a", "b", "c"], from: 0)
    clocks.take(failure: "it hung", of: "a")
    clocks.take(.init(at: second, offset: 0, uncertainty: 5), of: "b")
    clocks.take(.init(at: 12 * second, offset: 0, uncertainty: 5), of: "b")
    clocks.take(.init(at: second, offset: 90_000_000, uncertainty: 20_000_000), of: "c")
    clocks.end(at: 13 * second)
    #expect(clocks.standing(of: "a") == .unknown("it was never read (it hung)"))
    #expect(clocks.standing(of: "b") == .unknown("for 11.0 s nothing is known of it"))
    #expect(clocks.standing(of: "c") == .unknown("no reading was exact enough to tell it within 100 ms"))
    #expect(clocks.standing(of: "d") == .unknown("nobody looked at it"))
  }

  /// Files can say anything; nothing overflows.
  @Test func extremeReadingsAreReckonedWith() {
    for value in [Int64.min, .min + 1, -1, 0, 1, .max] {
      var clocks = NodeClocks(of: ["a"], from: value)
      clocks.take(.init(at: value == 0 ? .min : 0, offset: value, uncertainty: value), of: "a")
      clocks.take(.init(at: .max, offset: .max, uncertainty: .max), of: "a")
      clocks.end(at: .min)
      _ = clocks.standing(of: "a")
    }
  }
}
