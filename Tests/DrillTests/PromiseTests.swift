import Faults
import Lab
import Netlink
import Scenarios
import Support
import Testing

@testable import Drill

/// The plan promises what the run does. Both are made on their own: the plan in `Scenarios`, which knows no kernel, the
/// objects in `Faults`, from the addresses that the lab gives. Here they meet.
@Suite struct PromiseTests {
  private static let run = "r0123abcd"

  private let cut = "- { id: blackout, at: 0s, fault: partition, region: east, from: all, for: 40s }"

  private func plan(_ changes: [(String, String)] = []) throws -> Plan {
    makePlan(try scenario("scenarios/region-blackout.yaml", changes), tool: "test")
  }

  /// The node with the addresses that the lab really gives to it.
  private func node(in plan: Plan) -> (String) throws -> Cut.Node {
    { name in
      guard let place = plan.scenario.topology.regions.firstIndex(where: { $0.name == name }) else {
        throw Problem(.usage, "no region '\(name)'")
      }
      return Cut.Node(
        name, addresses: [AddressPlan.prefix4(place + 1).address, AddressPlan.prefix6(place + 1).address])
    }
  }

  private func faults(_ planned: PlannedFault, of plan: Plan) throws -> [Fault] {
    try planned.faults(in: plan.scenario, run: Self.run, node: node(in: plan))
  }

  /// Tables, chains, hooks, priorities, sets, elements with their time-outs, rules: each node, word for word.
  @Test func thePlanNamesExactlyWhatWillBeArmed() throws {
    let plan = try plan()
    let planned = try #require(plan.faults.first)
    let compiled = try faults(planned, of: plan)
    #expect(compiled.map(\.node) == ["east", "eu", "ap"])
    #expect(planned.tables.map(\.node) == compiled.map(\.node))
    for (table, fault) in zip(planned.tables, compiled) {
      #expect(
        try FaultPlan(fault).changes == table.commands(run: Self.run, elementTimeout: planned.elementTimeout))
      #expect(table.flags == ["owner"])
    }
    #expect(try planned.objects(of: compiled, run: Self.run).count == 3)
  }

  /// With so many peers that the words shorten the list, and with another side than "all".
  @Test func everyShapeOfPartitionIsPlannedAsItIsArmed() throws {
    let crowd = (4...14).map { "      r\($0): { roles: [control] }" }.joined(separator: "\n")
    let ap = "      ap: { roles: [control, quorum] }"
    for changes in [
      [(cut, cut.replacing("from: all", with: "from: [ap, eu]"))], [(ap, "\(ap)\n\(crowd)\n      #")],
    ] {
      let plan = try plan(changes)
      let planned = try #require(plan.faults.first)
      #expect(try planned.objects(of: faults(planned, of: plan), run: Self.run).count == planned.tables.count)
    }
  }

  /// Each node drops what its peers send, so the directions that the compiled faults cut must be those that the plan shows.
  @Test func thePlannedDirectionsAreThoseThatTheRulesCut() throws {
    let plan = try plan()
    let planned = try #require(plan.faults.first)
    let nodes = try plan.nodes.map { try node(in: plan)($0.region) }
    var cut: Set<String> = []
    for fault in try faults(planned, of: plan) {
      for sender in nodes where Set(sender.addresses).isSubset(of: fault.targets.peers) {
        cut.insert("\(sender.name)→\(fault.node)")
      }
    }
    #expect(Set(planned.reachability.filter { !$0.during }.map { "\($0.from)→\($0.to)" }) == cut)
  }

  @Test func theLeaseAndTheHeartbeatAreThePlanned() throws {
    let plan = try plan()
    let planned = try #require(plan.faults.first)
    for fault in try faults(planned, of: plan) {
      #expect(fault.timing.leaseMilliseconds == 45_000)
      #expect(fault.timing.heartbeatMilliseconds == planned.heartbeat.milliseconds)
      #expect(fault.timing.silenceMilliseconds == planned.elementTimeout.milliseconds)
    }
  }

  /// One way to edit a plan.
  enum Edit: CaseIterable {
    case element, rule, priority, hook, table, owner, timeout

    func apply(to planned: inout PlannedFault) {
      switch self {
      case .element: planned.tables[0].sets[0].elements[0] = "10.91.9.1"
      case .rule: planned.tables[1].rules.removeFirst()
      case .priority: planned.tables[2].priority = 0
      case .hook: planned.tables[2].hook = "input"
      case .table: planned.tables.removeLast()
      case .owner: planned.tables[0].flags = []
      case .timeout: planned.elementTimeout = .seconds(60)
      }
    }
  }

  /// A plan is a file, and files can be edited: whatever differs from what would be armed is refused before anything is.
  @Test(arguments: Edit.allCases) func whatDiffersFromThePlanIsNotArmed(edit: Edit) throws {
    let plan = try plan()
    var planned = try #require(plan.faults.first)
    let compiled = try faults(planned, of: plan)
    edit.apply(to: &planned)
    let refusal = try problem { _ = try planned.objects(of: compiled, run: Self.run) }
    #expect(refusal?.code == .faultNotApplied)
    #expect(refusal?.what == "what would be armed is not what was planned; nothing was armed")
  }

  @Test func aPlannedFaultThatTheScenarioDoesNotHaveIsRefused() throws {
    let plan = try plan()
    var planned = try #require(plan.faults.first)
    planned.id = "other"
    let refusal = try problem { _ = try faults(planned, of: plan) }
    #expect(refusal?.what == "the plan has a fault 'other' that its scenario has not")
  }

  @Test func theLabGivesTheAddressesThatThePlanNames() throws {
    let plan = try plan()
    for (place, node) in plan.nodes.enumerated() {
      #expect(AddressPlan.prefix4(place + 1).description == "\(node.ipv4)/\(node.ipv4PrefixLength)")
      #expect(AddressPlan.prefix6(place + 1).description == "\(node.ipv6)/\(node.ipv6PrefixLength)")
    }
  }
}
