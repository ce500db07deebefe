import Scenarios
import Support
import Testing

/// What a plan promises.
@Suite struct PlanTests {
  @Test func theSameScenarioGivesTheSameBytes() throws {
    let first = try encodeJSON(makePlan(goodModel(), tool: "test"))
    let second = try encodeJSON(makePlan(goodModel(), tool: "test"))
    #expect(first == second)
  }

  @Test func aPlanSurvivesItsJSON() throws {
    let plan = makePlan(try goodModel(), tool: "test")
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test func theSeedCanBeReplaced() throws {
    #expect(makePlan(try goodModel(), tool: "test", seed: 99).seed == 99)
  }

  @Test func thePlanAsTextReadsAsRecorded() throws {
    let plan = makePlan(try goodModel(), tool: "test")
    let path = goldenPath("plan.txt")
    if recording { write(planText(plan), to: path) }
    #expect(planText(plan) == String(decoding: contents(of: path), as: UTF8.self))
  }

  @Test func noLineOfAPlanIsWiderThan120Columns() throws {
    let lines = planText(makePlan(try goodModel(), tool: "test")).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 120 })
  }

  /// The side that is cut off hears none of the others, and each of the others does not hear it: both directions, because
  /// every node drops what it receives.
  @Test func aPartitionMakesEveryNodeDeafToTheOtherSide() throws {
    let fault = try #require(makePlan(goodModel(), tool: "test").faults.first)
    let peers = Dictionary(uniqueKeysWithValues: fault.tables.map { ($0.node, $0.sets.map(\.elements)) })
    #expect(
      peers == [
        "east": [["10.91.2.1", "10.91.3.1"], ["fd00:91::2:1", "fd00:91::3:1"]],
        "eu": [["10.91.1.1"], ["fd00:91::1:1"]], "ap": [["10.91.1.1"], ["fd00:91::1:1"]],
      ])
    let cut = fault.reachability.filter { !$0.during }.map { "\($0.from)→\($0.to)" }
    #expect(Set(cut) == ["east→eu", "east→ap", "eu→east", "ap→east"])
  }

  /// The journal will hold the same lines: what is planned is what is armed.
  @Test func aTableIsMadeByOneBatch() throws {
    let fault = try #require(makePlan(goodModel(), tool: "test").faults.first)
    #expect(
      fault.tables[0].commands(run: "7f3a", elementTimeout: fault.elementTimeout) == [
        "add table inet bs_7f3a_blackout (owned by this process's socket)",
        "add chain inet bs_7f3a_blackout in { type filter hook prerouting priority -300; policy accept; }",
        "add set inet bs_7f3a_blackout peers_v4 { type ipv4_addr; flags timeout }",
        "add element inet bs_7f3a_blackout peers_v4 { 10.91.2.1, 10.91.3.1 }, each for 1500 ms",
        "add set inet bs_7f3a_blackout peers_v6 { type ipv6_addr; flags timeout }",
        "add element inet bs_7f3a_blackout peers_v6 { fd00:91::2:1, fd00:91::3:1 }, each for 1500 ms",
        "add rule inet bs_7f3a_blackout in meta nfproto 2 ip saddr @peers_v4 counter drop",
        "add rule inet bs_7f3a_blackout in meta nfproto 10 meta l4proto 58 @th,0,8 >= 133 <= 137 accept",
        "add rule inet bs_7f3a_blackout in meta nfproto 10 ip6 saddr @peers_v6 counter drop",
      ])
  }

  @Test func aPartitionFromOneRegionLeavesTheThirdAlone() throws {
    let text = scenario([("from: all", "from: [ap]")])
    let plan = makePlan(try parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    let fault = try #require(plan.faults.first)
    #expect(fault.tables.map(\.node) == ["east", "ap"])
    #expect(fault.reachability.filter { !$0.during }.count == 2)
  }

  @Test func faultsComeInTheOrderInWhichTheyBegin() throws {
    let text = scenario([
      ("for: 40s }\n", "for: 40s }\n  - { id: first, at: 0s, fault: partition, region: east, from: all, for: 30s }\n"),
      ("id: blackout, at: 0s", "id: blackout, at: 35s"),
    ])
    let plan = makePlan(try parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    #expect(plan.faults.map(\.id) == ["first", "blackout"])
    #expect(plan.phases.first { $0.name == "timeline" }?.expected == .seconds(75))
  }

  @Test func fiveThousandEntriesArePlanned() throws {
    let entry = "  - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }\n"
    let entries = (0..<5000).map {
      "  - { id: cut-\($0), at: \($0 * 60)s, fault: partition, region: east, from: all, for: 40s }\n"
    }
    let text = scenario([(entry, entries.joined()), ("maxDuration: 5m", "maxDuration: 90h")])
    let plan = makePlan(try parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    #expect(plan.faults.count == 5000)
  }

  @Test(arguments: [
    ("{}", "plan.json: error: is no plan\n  fix: write one with: blackstart plan --json SCENARIO"),
    (
      "{\"format\": 9}",
      "plan.json: error: is a plan of form 9; this version knows form 1\n  fix: plan the scenario again with this version"
    ),
  ]) func whatIsNoPlanIsRefused(text: String, message: String) {
    #expect(problem { _ = try readPlan(Array(text.utf8), file: "plan.json") } == message)
  }

  @Test func anEditedPlanIsCheckedAgain() throws {
    var plan = makePlan(try goodModel(), tool: "test")
    plan.scenario.safety.maxDuration = .seconds(1)
    let bytes = try encodeJSON(plan)
    #expect(
      problem { _ = try readPlan(bytes, file: "plan.json") }?.contains(
        "the fault lasts 40s, longer than safety.maxDuration of 1s") == true)
  }

  @Test func aPlanCutOffIsRefused() throws {
    let bytes = try encodeJSON(makePlan(try goodModel(), tool: "test"))
    for length in stride(from: 0, to: bytes.count, by: 97) {
      #expect(problem { _ = try readPlan(bytes.prefix(length).map(\.self), file: "plan.json") } != nil)
    }
  }
}
