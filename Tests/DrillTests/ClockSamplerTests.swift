import Agents
import Checks
import Faults
import Support
import Synchronization
import TestSupport
import Testing

@testable import Drill

/// The clocks of the nodes are looked at all through a drill, and the verdict tells of one that was wrong.
@Suite struct ClockSamplerTests {
  /// A node whose clock is ahead of the true time; or one that is not there.
  private struct Node: Agent {
    let node: String
    var ahead: Int64? = 0

    func perform(_ request: AgentRequest) async throws -> AgentReply {
      guard let ahead else { throw Problem(.fail, at: node, "no such node") }
      return .clock(Timebase.system.wall() + ahead)
    }
  }

  /// A node that never answers, until it is cancelled.
  private struct Hung: Agent {
    let node: String
    func perform(_ request: AgentRequest) async throws -> AgentReply {
      try await ContinuousClock().sleep(for: .seconds(3_600))
      return .clock(0)
    }
  }

  @Test func everyNodeIsAskedAndWhoDoesNotAnswerIsNamed() async throws {
    try await withRunDirectory { directory in
      let journal = try Journal(creating: directory.journal, timebase: .system)
      let sampler = ClockSampler(
        agents: [
          Node(node: "eu"), Node(node: "east", ahead: -5_000_000_000), Node(node: "ap", ahead: nil), Hung(node: "us"),
        ], journal: journal, timebase: .system, clock: ContinuousClock(), limit: .milliseconds(300))
      let seen = try await sampler.look()
      let eu = try #require(seen.clocks["eu"])
      let east = try #require(seen.clocks["east"])
      #expect(abs(eu.offset) <= eu.uncertainty)
      #expect(abs(east.offset + 5_000_000_000) <= east.uncertainty)
      #expect(seen.unanswered?.keys.sorted() == ["ap", "us"])
      #expect(seen.unanswered?["ap"]?.contains("no such node") == true)
      #expect(seen.clocks.count == 2)
    }
  }

  /// One look a period, until it is cancelled; the last is not cut short into a lie.
  @Test func looksAreJournalledUntilTheEnd() async throws {
    try await withRunDirectory { directory in
      let (looks, look) = AsyncStream.makeStream(of: Void.self)
      let journal = try Journal(creating: directory.journal, timebase: .system, observer: { _ in look.yield() })
      let clock = ManualClock()
      let sampler = ClockSampler(
        agents: [Node(node: "eu")], journal: journal, timebase: .system, clock: clock, limit: .seconds(3_600))
      let task = Task { try await sampler.run() }
      var count = 0
      for await _ in looks {
        count += 1
        if count == 3 { break }
        await clock.untilSleeping()
        clock.advance(by: .seconds(1))
      }
      task.cancel()
      await #expect(throws: CancellationError.self) { try await task.value }
      let seen = try JournalContents(path: directory.journal).records.compactMap { $0.decoded(ClocksSeen.self) }
      #expect(seen.count == 3)
      #expect(seen.allSatisfy { $0.unanswered == nil && $0.clocks.keys.elementsEqual(["eu"]) })
    }
  }

  private func conduct(_ looks: [ClocksSeen], scenario change: (String) -> String = { $0 }) async throws
    -> ConductVerdict
  {
    try await withRunDirectory { directory in
      let text = String(decoding: try readFile("\(packageRoot)/Tests/Fixtures/quick-blackout.yaml"), as: UTF8.self)
      try writeFile(directory.scenario, Array(change(text).utf8))
      let time = Mutex<Int64>(0)
      let journal = try Journal(
        creating: directory.journal, timebase: Timebase(monotonic: { time.withLock { $0 } }, wall: { 0 }))
      for look in looks {
        time.withLock { $0 += 1_000_000_000 }
        try await journal.record(look)
      }
      try await journal.record(PhaseEntered(phase: .quiescence))
      return try #require(RunRecord(reading: directory).conduct.first { $0.name == "clocks of the nodes" })
    }
  }

  private func look(_ second: Int64, eu: Int64? = 0) -> ClocksSeen {
    var clocks = ["east", "ap"].reduce(into: [String: ClocksSeen.Clock]()) {
      $0[$1] = .init(offset: 0, uncertainty: 20_000, at: second * 1_000_000_000)
    }
    clocks["eu"] = eu.map { .init(offset: $0, uncertainty: 20_000, at: second * 1_000_000_000) }
    return ClocksSeen(clocks: clocks, unanswered: eu == nil ? ["eu": "it is cut off"] : nil)
  }

  @Test func aDrillWithTrueClocksSaysSo() async throws {
    let verdict = try await conduct((1...20).map { look($0) })
    #expect(verdict.kind == .pass)
    #expect(verdict.headline == "at most 20.0 µs from the recorder's (ap) in 60 readings")
  }

  @Test func aWrongClockIsNamedAndIsNoPass() async throws {
    let verdict = try await conduct((1...20).map { look($0, eu: $0 > 9 ? 5_000_000_000 : 0) })
    #expect(verdict.kind == .inconclusive)
    #expect(verdict.headline.hasPrefix("the clock of eu was wrong: it was 5.00 s ahead of"), "\(verdict.headline)")
  }

  @Test func aClockThatCouldNotBeReadIsNamedAndIsNoPass() async throws {
    let verdict = try await conduct((1...20).map { look($0, eu: $0 > 5 ? nil : 0) })
    #expect(verdict.kind == .inconclusive)
    #expect(
      verdict.headline == "the clock of eu is not known: for 15.0 s nothing is known of it (it is cut off)",
      "\(verdict.headline)")
  }
}
