import Faults
import Scenarios
import Support
import Testing

@testable import Drill

/// Two faults that would both have to trace one process are refused by the plan, which names both and the reason.
@Suite struct InsideConflictTests {
  private static let node = InnerProfile(answers: [
    .pidfd: .there(""), .tracing: .there(""), .clockStub: .there(""), .freezer2: .there(""),
  ])

  private static let cut = "- { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }"

  /// What the plan says against `one` from 1 s to 11 s and `other` from `later` on, in east.
  private func refusal(_ one: String, _ other: String, later: String = "5s") throws -> Problem? {
    let lines = [
      Self.cut, "- { id: one, at: 1s, for: 10s, region: east, \(one) }",
      "- { id: other, at: \(later), for: 10s, region: east, \(other) }",
    ]
    return try problem {
      _ = try resolvePlan(
        scenario("scenarios/region-blackout.yaml", [(Self.cut, lines.joined(separator: "\n  "))]), tool: "test",
        features: NodeProfile.unknown.features, inside: Self.node)
    }
  }

  private static let skew = "fault: clock, role: store, offset: 5s"
  private static let pause = "fault: process, role: store, action: pause, by: trace, descendants: false"
  private static let late = "fault: disk, role: store, calls: [fsync], delay: 10ms"

  @Test(arguments: [
    (skew, pause, "a skew of clocks", "a pause by ptrace"), (pause, skew, "a skew of clocks", "a pause by ptrace"),
    (skew, late, "a skew of clocks", "late system calls"), (pause, late, "a pause by ptrace", "late system calls"),
    (skew, skew, "a skew of clocks", "a skew of clocks"),
    ("fault: clock, role: all, offset: 5s", late, "a skew of clocks", "late system calls"),
  ]) func twoTracersOfOneProcessAreRefused(one: String, other: String, first: String, second: String) throws {
    let refusal = try #require(try refusal(one, other))
    #expect(refusal.code == .usage)
    #expect(refusal.place == "other on east")
    #expect(refusal.what.hasPrefix("it cannot be in force together with 'one'"), "\(refusal.what)")
    #expect(refusal.what.contains(first) && refusal.what.contains(second), "\(refusal.what)")
    #expect(refusal.what.contains("one tracer at most"), "\(refusal.what)")
    #expect(refusal.fix?.contains("11s") == true)
  }

  @Test func whatNeedsNoTracerOrMeansOthersOrComesLaterIsNotRefused() throws {
    #expect(try refusal(Self.skew, "fault: process, role: store, action: pause, by: stop") == nil)
    #expect(try refusal(Self.skew, "fault: process, role: store, action: kill") == nil)
    #expect(try refusal(Self.skew, "fault: disk, role: etcd, calls: [fsync], delay: 10ms") == nil)
    #expect(try refusal(Self.skew, Self.late, later: "12s") == nil)
  }
}
