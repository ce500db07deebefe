import Scenarios
import Support
import Testing

/// What a plan promises.
@Suite struct PlanTests {
  @Test func theSameScenarioGivesTheSameBytes() throws {
    let first = try encodeJSON(try makePlan(goodModel(), tool: "test"))
    let second = try encodeJSON(try makePlan(goodModel(), tool: "test"))
    #expect(first == second)
  }

  @Test func aPlanSurvivesItsJSON() throws {
    let plan = try makePlan(goodModel(), tool: "test")
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test func theSeedCanBeReplaced() throws {
    #expect(try makePlan(goodModel(), tool: "test", seed: 99).seed == 99)
  }

  @Test func thePlanAsTextReadsAsRecorded() throws {
    let plan = try makePlan(goodModel(), tool: "test")
    let path = goldenPath("plan.txt")
    if recording { write(planText(plan), to: path) }
    #expect(planText(plan) == String(decoding: contents(of: path), as: UTF8.self))
  }

  @Test func noLineOfAPlanIsWiderThan120Columns() throws {
    let lines = planText(try makePlan(goodModel(), tool: "test")).split(separator: "\n")
    #expect(lines.allSatisfy { $0.count <= 120 })
  }

  @Test func aPartitionCutsBothWays() throws {
    #expect(try cutPaths("fault: partition, region: east, from: all") == ["east→eu", "east→ap", "eu→east", "ap→east"])
  }

  @Test func aPartitionOfOneDirectionLeavesTheOtherOpen() throws {
    #expect(try cutPaths("fault: partition, region: east, from: all, direction: in") == ["eu→east", "ap→east"])
    #expect(try cutPaths("fault: partition, region: east, from: [eu], direction: out") == ["east→eu"])
  }

  /// A region is cut off if every one of its addresses is, whatever they are called by.
  @Test(arguments: [
    ("from: { nodes: [eu] }", ["east→eu", "eu→east"]), ("from: { roles: [store] }", ["east→eu", "eu→east"]),
    ("from: { networks: [10.91.2.0/24, 'fd00:91::/64'] }", ["east→eu", "eu→east"]),
    ("from: { addresses: [10.91.2.1, 'fd00:91::2:1'] }", ["east→eu", "eu→east"]),
    ("from: { regions: all, networks: [10.0.0.0/8] }", ["east→eu", "eu→east", "east→ap", "ap→east"]),
    ("from: { networks: [10.91.0.0/16] }", []), ("from: { names: [eu.example] }", []),
    ("from: { regions: [eu] }, only: { user: postgres }, direction: out", []),
    ("from: { regions: [eu] }, only: { except: { addresses: ['fd00:91::2:1'] } }", []),
  ]) func whatAddressesCoverIsPromised(from: String, paths: [String]) throws {
    #expect(try cutPaths("fault: partition, region: east, \(from)") == Set(paths))
  }

  /// Bystanders are those that no address reaches; whoever else has one is named.
  @Test func theBlastRadiusNamesWhatLiesBeyondTheRegions() throws {
    let text = scenario([
      (
        "fault: partition, region: east, from: all",
        "fault: partition, region: east, from: { networks: [10.0.0.0/8], names: [b.test] }"
      )
    ])
    let plan = try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    #expect(plan.blastRadius.nodes == ["east"] && plan.blastRadius.beyond == ["10.0.0.0/8", "b.test"])
    #expect(
      planText(plan).split(whereSeparator: \.isWhitespace).joined(separator: " ").contains(
        "and whoever has 10.0.0.0/8 and b.test"))
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test(arguments: [
    "fault: network, region: east, from: all, both: { loss: 100% }",
    "fault: partition, region: east, from: all, only: { protocol: tcp, ports: [5432] }",
    "fault: partition, region: east, from: all, only: { except: { ports: [2379-2380] } }",
    "fault: partition, region: east, from: all, flapping: { on: 2s, off: 1s }",
    "fault: kill-connections, region: east, from: all",
  ]) func whatDoesNotCutEverythingAllTheTimeIsNotPromisedToCut(fault: String) throws {
    #expect(try cutPaths(fault) == [])
  }

  @Test(arguments: [
    (
      "fault: dns, region: east, from: [eu], answers: [{ name: a.b, answer: nxdomain, late: 2s }, { name: '*', answer: [10.0.0.9] }]",
      "from eu to east: answers about a.b: nxdomain, 2s late; about *: 10.0.0.9"
    ),
    (
      "fault: ntp, region: east, from: [eu], offset: -5s, drift: 20ppm",
      "from eu to east: time servers -5s, drifting by 20ppm"
    ),
    (
      "fault: kill-connections, region: east, from: [eu], only: { except: { ports: [22], peerPorts: [2379-2380] } }",
      "breaks the connections between east and eu; except the region's ports 22, the peers' ports 2379-2380"
    ),
    (
      "fault: network, region: east, from: all, in: { loss: 1% }, out: { loss: 20% }",
      "from eu and ap to east: 1% lost; from east to eu and ap: 20% lost"
    ),
    (
      "fault: network, region: east, from: [eu], both: { delay: 80ms, jitter: 10ms, distribution: normal, correlation: 25% }",
      "between east and eu, each way: 80ms ± 10ms normal (25% like the one before) later"
    ),
    (
      "fault: network, region: east, from: [eu], out: { rate: 10mbit/s, burst: 64KiB, queue: 1MiB }",
      "from east to eu: at most 10mbit/s (burst 64KiB, queue 1MiB)"
    ),
    (
      "fault: network, region: east, from: [eu], in: { loss: { bursts: { enter: 1%, leave: 20% } }, duplicate: 1%, corrupt: 0.1% }",
      "from eu to east: 100% lost in bursts that begin with 1% and end with 20%, 0% between, 1% twice, 0.1% damaged"
    ),
    (
      "fault: network, region: east, from: [eu], both: { loss: { exact: 3% }, delay: 5ms, reorder: 2% }",
      "between east and eu, each way: exactly 3% lost, the same in each run, 5ms later, 2% overtaking"
    ),
    (
      "fault: partition, region: east, from: all, answer: reset, only: { protocol: tcp, ports: [5432, 9000-9100] }",
      "cuts east off from eu and ap, both ways, with a reset for an answer; only tcp, the region's ports 5432 9000-9100"
    ),
    (
      "fault: partition, region: east, from: [ap], direction: out, flapping: { on: 2s, off: 500ms }",
      "lets nothing go from east to ap; the other way is open; 2s on, 500ms off"
    ),
    ("fault: kill-connections, region: east, from: all", "breaks the connections between east and eu and ap"),
    (
      "fault: partition, region: east, from: { regions: [eu], networks: [10.8.0.0/16], names: [db.example] }, only: { role: store }",
      "cuts east off from eu, 10.8.0.0/16 and db.example, both ways; only tcp, at either end the ports of the store 5432"
    ),
    (
      "fault: partition, region: east, nodes: [east], from: { roles: [quorum] }, direction: out, only: { user: postgres, cgroup: /db.slice }",
      "lets nothing go from east in east to eu and ap; the other way is open; only sockets of control group /db.slice, sockets of user postgres"
    ),
    (
      "fault: kill-connections, region: east, from: { nodes: [ap] }, only: { protocol: sctp, eitherPorts: [1-9], except: { addresses: [10.0.0.1], networks: ['fd00::/8'] } }",
      "breaks the connections between east and ap; only sctp, at either end ports 1-9; except 10.0.0.1, fd00::/8"
    ),
  ]) func aFaultIsSaidInWords(fault: String, summary: String) throws {
    let text = scenario([("fault: partition, region: east, from: all", fault)])
    let loaded = try parseScenario(Array(text.utf8), file: "drill.yaml")
    #expect(try makePlan(loaded, tool: "test").faults.first?.summary == summary)
    // What was read is what JSON carries to the run.
    #expect(try decodeJSON(Scenario.self, from: encodeJSON(loaded.scenario)) == loaded.scenario)
  }

  private func cutPaths(_ fault: String) throws -> Set<String> {
    let text = scenario([("fault: partition, region: east, from: all", fault)])
    let plan = try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    return Set(try #require(plan.faults.first).reachability.filter { !$0.during }.map { "\($0.from)→\($0.to)" })
  }

  @Test(arguments: [
    ("fault: partition, region: east, from: all", true), ("fault: partition, region: east, from: [eu]", false),
    ("fault: partition, region: ap, from: all", false),
    ("fault: partition, region: east, from: all, only: { protocol: tcp, ports: [5432] }", false),
    ("fault: network, region: east, from: all, both: { loss: 50% }", false),
  ]) func aFailoverIsExpectedWhenTheOwnerIsCutOff(fault: String, isExpected: Bool) throws {
    let text = scenario([("fault: partition, region: east, from: all", fault)])
    #expect(try parseScenario(Array(text.utf8), file: "drill.yaml").scenario.expectsFailover == isExpected)
  }

  @Test func theObjectsOfAFaultStandInThePlan() throws {
    let bare = try makePlan(goodModel(), tool: "test")
    let plan = bare.adding(
      objects: bare.faults.map { fault in
        [.init(node: "eu", mechanisms: ["a mechanism of \(fault.id)"], changes: ["a change"], undo: "an end")]
      })
    #expect(plan.faults.first?.nodes.map(\.changes) == [["a change"]])
    let text = planText(plan)
    #expect(text.contains("a mechanism of blackout") && text.contains("a change") && text.contains("an end"))
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test func aPartitionFromOneRegionLeavesTheThirdAlone() throws {
    let text = scenario([("from: all", "from: [ap]")])
    let plan = try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    let fault = try #require(plan.faults.first)
    #expect(fault.reachability.filter { !$0.during }.count == 2)
  }

  @Test func faultsComeInTheOrderInWhichTheyBegin() throws {
    let text = scenario([
      ("for: 40s }\n", "for: 40s }\n  - { id: first, at: 0s, fault: partition, region: east, from: all, for: 30s }\n"),
      ("id: blackout, at: 0s", "id: blackout, at: 35s"),
    ])
    let plan = try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    #expect(plan.faults.map(\.id) == ["first", "blackout"])
    #expect(plan.phases.first { $0.name == "timeline" }?.expected == .seconds(75))
  }

  @Test func fiveThousandEntriesArePlanned() throws {
    let entry = "  - { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }\n"
    let entries = (0..<5000).map {
      "  - { id: cut-\($0), at: \($0 * 60)s, fault: partition, region: east, from: all, for: 40s }\n"
    }
    let text = scenario([(entry, entries.joined()), ("maxDuration: 5m", "maxDuration: 90h")])
    let plan = try makePlan(parseScenario(Array(text.utf8), file: "drill.yaml"), tool: "test")
    #expect(plan.faults.count == 5000)
  }

  @Test(arguments: [
    ("{}", "plan.json: error: is no plan\n  fix: write one with: blackstart plan --json SCENARIO"),
    (
      "{\"format\": 9}",
      "plan.json: error: is a plan of form 9; this version knows form 3\n  fix: plan the scenario again with this version"
    ),
  ]) func whatIsNoPlanIsRefused(text: String, message: String) {
    #expect(problem { _ = try readPlan(Array(text.utf8), file: "plan.json") } == message)
  }

  @Test func anEditedPlanIsCheckedAgain() throws {
    var plan = try makePlan(goodModel(), tool: "test")
    plan.scenario.safety.maxDuration = .seconds(1)
    let bytes = try encodeJSON(plan)
    #expect(
      problem { _ = try readPlan(bytes, file: "plan.json") }?.contains(
        "the fault lasts 40s, longer than safety.maxDuration of 1s") == true)
  }

  @Test func aPlanCutOffIsRefused() throws {
    let bytes = try encodeJSON(try makePlan(goodModel(), tool: "test"))
    for length in stride(from: 0, to: bytes.count, by: 97) {
      #expect(problem { _ = try readPlan(bytes.prefix(length).map(\.self), file: "plan.json") } != nil)
    }
  }
}
