import Scenarios
import Support
import Testing

/// Patterns of a timeline come to plain entries, the same ones for the same seed.
@Suite struct ExpansionTests {
  /// The entries of a timeline of these lines, as `id begins-ends`.
  private func entries(_ lines: String..., seed: Int = 7) throws -> [String] {
    try plan(lines, seed: seed).faults.map { "\($0.id) \($0.begins.text)-\($0.ends.text)" }
  }

  private func plan(_ lines: [String], seed: Int = 7) throws -> Plan {
    let entry = "  - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }"
    let text = scenario([
      (entry, lines.map { "  - \($0)" }.joined(separator: "\n")), ("seed: 7", "seed: \(seed)"),
      ("maxDuration: 5m, blastRadius: { regions: 1 }", "maxDuration: 5h, blastRadius: { regions: 3 }"),
    ])
    return try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
  }

  private let slow = "fault: network, region: east, from: [eu], both: { delay: 50ms }"

  @Test func aSequenceIsOneAfterTheOther() throws {
    #expect(
      try entries(
        "{ id: s, at: 5s, gap: 1s, sequence: [{ id: a, \(slow), for: 2s }, { id: b, at: 3s, \(slow), for: 4s }] }")
        == ["a 5s-7s", "b 11s-15s"])
  }

  @Test func aSequenceGoesOnAfterWhatHasNoKnownEnd() throws {
    let plan = try plan([
      "{ id: s, at: 5s, gap: 1s, sequence: [{ id: a, \(slow), until: { metric: leader, is: eu }, longest: 9s }, { id: b, \(slow), for: 4s }] }"
    ])
    #expect(plan.faults[1].entry.start == .after(.faultEnded("a"), delay: .seconds(1)))
    #expect(plan.faults[1].begins == .seconds(6) && plan.faults[1].ends == .seconds(19))
  }

  @Test func aGroupBeginsTogether() throws {
    #expect(
      try entries("{ id: p, at: 5s, parallel: [{ id: a, at: 1s, \(slow), for: 2s }, { id: b, \(slow), for: 4s }] }")
        == ["b 5s-9s", "a 6s-8s"])
  }

  @Test func aGroupBeginsWhenSomethingHolds() throws {
    let plan = try plan([
      "{ id: p, when: { metric: events, min: 10 }, within: 1m, parallel: [{ id: a, at: 1s, \(slow), for: 2s }, { id: b, \(slow), for: 4s }] }"
    ])
    let starts = Dictionary(uniqueKeysWithValues: plan.faults.map { ($0.id, $0.entry.start) })
    #expect(starts["b"] == .when(Condition(.expectation(.events(Limits(min: 10)))), within: .seconds(60)))
    #expect(starts["a"] == .after(.faultBegun("b"), delay: .seconds(1)))
  }

  @Test func aRepetitionComesAgainAndIsNeverEarly() throws {
    let line = "{ id: w, at: 5s, repeat: [{ id: a, \(slow), for: 2s }], times: 20, every: 10s, jitter: 3s }"
    let plan = try plan([line])
    #expect(plan.faults.map(\.id) == (1...20).map { "a-\($0)" })
    var late: Set<Duration> = []
    for (round, fault) in plan.faults.enumerated() {
      let jitter = fault.begins - .seconds(5 + 10 * round)
      #expect(jitter >= .zero && jitter <= .seconds(3))
      #expect(fault.ends - fault.begins == .seconds(2))
      late.insert(jitter)
    }
    #expect(late.count > 10)
    #expect(plan.faults[0].begins == .seconds(5))
    #expect(try entries(line) == entries(line))
    #expect(try entries(line) != entries(line, seed: 8))
  }

  @Test func aSwizzleHealsInAnotherOrder() throws {
    let line =
      "{ id: sw, at: 0s, swizzle: { links: [[east, eu], [east, ap]], cutEvery: 2s, hold: 30s, healEvery: 3s } }"
    var orders: Set<[String]> = []
    for seed in 0..<32 {
      let faults = try plan([line], seed: seed).faults
      #expect(faults.map(\.id) == ["sw-1", "sw-2"] && faults.map(\.begins) == [.zero, .seconds(2)])
      #expect(Set(faults.map(\.ends)) == [.seconds(32), .seconds(35)])
      let cut = faults.map { $0.entry.fault.link.map { "\($0.peers)" } ?? "" }
      orders.insert(cut + [faults[0].ends < faults[1].ends ? "first" : "last"])
    }
    #expect(orders.count == 4, "each order of cuts with each order of heals")
  }

  @Test func aRampRisesInEqualSteps() throws {
    let faults = try plan([
      "{ id: r, at: 1s, ramp: { region: east, from: [eu], direction: in, start: { delay: 20ms }, end: { loss: 30%, delay: 80ms }, over: 1m, steps: 6, hold: 5s } }"
    ]).faults
    #expect(faults.map { "\($0.begins.text) \($0.ends.text)" }.first == "1s 11s")
    #expect(faults.map { "\($0.begins.text) \($0.ends.text)" }.last == "51s 66s")
    let summaries = faults.map(\.summary)
    #expect(summaries.first == "from eu to east: 5% lost, 30ms later")
    #expect(summaries.last == "from eu to east: 30% lost, 80ms later")
    #expect(summaries[2] == "from eu to east: 15% lost, 50ms later")
  }

  /// Each step begins in the nanosecond in which the one before ends, also where the time cannot be divided evenly.
  @Test(arguments: [("1m", 6), ("1s", 7), ("10s", 3), ("37ms", 11)]) func aRampHasNoGap(over: String, steps: Int) throws
  {
    let faults = try plan([
      "{ id: r, at: 1s, ramp: { region: east, from: [eu], start: { delay: 20ms }, end: { loss: 30%, delay: 80ms }, over: \(over), steps: \(steps), hold: 5s } }"
    ]).faults
    #expect(faults.count == steps)
    for (step, next) in zip(faults, faults.dropFirst()) { #expect(next.begins == step.ends, "\(step.id)") }
    #expect(faults.last.map { $0.ends - faults[0].begins } == parseDuration(over).map { $0 + .seconds(5) })
  }

  /// Down to nothing: the last step does nothing, and is left out.
  @Test func aRampMayFall() throws {
    let faults = try plan([
      "{ id: r, at: 0s, ramp: { region: east, from: [eu], start: { loss: 30% }, end: { delay: 0.1ms }, over: 3s, steps: 3 } }"
    ]).faults
    #expect(
      faults.map(\.summary) == [
        "between east and eu, each way: 20% lost, 33333ns later",
        "between east and eu, each way: 10% lost, 66666ns later",
        "between east and eu, each way: 100us later",
      ])
  }

  @Test func aPlanWithPatternsAndWaitsSurvivesItsJSON() throws {
    let plan = try plan(
      [
        "{ id: a, when: { probe: api, never: 2s }, within: 1m, \(slow), until: healed, longest: 1m }",
        "{ id: b, after: { fault: a, state: begun, delay: 2s }, \(slow), until: { fault: c }, longest: 10s }",
        "{ id: c, at: 5s, \(slow), for: 2s }",
      ].map { $0.replacing("probe: api, never", with: "metric: leader, is: east, never") })
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  /// With another seed other links would be cut at one time, so the scenario is checked again.
  @Test func anotherSeedIsCheckedToo() throws {
    let loaded = try goodModel()
    #expect(try makePlan(loaded, tool: "test", seed: 99).scenario.seed == 99)
  }
}
