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

  private func plan(
    _ changes: [(String, String)] = [], features: KernelFeatures = NodeProfile.unknown.features
  ) throws -> Plan {
    try resolvePlan(
      try scenario("scenarios/region-blackout.yaml", changes), tool: "test", features: features)
  }

  private func plan(_ fault: String, features: KernelFeatures = .everything) throws -> Plan {
    try plan(
      [(cut, "- { id: f, at: 0s, \(fault), region: east, from: [eu], for: 40s }")], features: features)
  }

  private func faults(_ planned: PlannedFault, of plan: Plan) throws -> [Fault] {
    try planned.faults(in: plan.scenario, seed: plan.seed, run: Self.run, node: plan.node)
  }

  /// The lab gives each region the addresses that the plan names, and the plan's objects are made from those.
  @Test func thePlanNamesExactlyWhatWillBeArmed() throws {
    let plan = try plan()
    let planned = try #require(plan.faults.first)
    #expect(planned.nodes.map(\.node) == ["east", "eu", "ap"])
    for (objects, fault) in zip(planned.nodes, try faults(planned, of: plan)) {
      let armed = try FaultPlan(fault, on: NodeProfile(NodeProfile.unknown.features, devices: ["eth0"])).changes
      #expect(armed == objects.changes.map { $0.replacing(PlannedObjects.runStandIn, with: Self.run) })
    }
  }

  /// Each node drops what its peers send, so the directions that the compiled faults cut must be those that the plan shows.
  @Test(arguments: ["both", "in", "out"]) func thePlannedDirectionsAreThoseThatTheRulesCut(direction: String) throws {
    let plan = try plan("fault: partition, direction: \(direction)")
    let planned = try #require(plan.faults.first)
    let nodes = try plan.nodes.map { try plan.node($0.region) }
    var cut: Set<String> = []
    for fault in try faults(planned, of: plan) {
      #expect(fault.inbound == .drop && fault.outbound == nil)
      for sender in nodes where Set(sender.addresses).isSubset(of: fault.targets.peers) {
        cut.insert("\(sender.name)→\(fault.node)")
      }
    }
    #expect(!cut.isEmpty)
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

  /// Asymmetric loss is one line of a scenario: what comes to east is lost at east, what leaves it at eu.
  @Test func eachDirectionIsMadeAtItsReceiver() throws {
    let plan = try plan("fault: network, in: { loss: 1% }, out: { loss: 20% }")
    let effects = Dictionary(
      uniqueKeysWithValues: try faults(try #require(plan.faults.first), of: plan).map { ($0.node, $0.inbound?.loss) })
    #expect(effects == ["east": .random(probability: 0.01), "eu": .random(probability: 0.2)])
  }

  @Test(arguments: [
    "fault: network, both: { loss: { random: 5%, correlation: 20% } }",
    "fault: network, both: { loss: { bursts: { enter: 1%, leave: 20% } } }",
    "fault: network, both: { loss: { every: 10 } }", "fault: network, both: { loss: { exact: 5% } }",
    "fault: network, both: { delay: 50ms, jitter: 5ms, distribution: pareto, correlation: 20%, reorder: 1% }",
    "fault: network, both: { duplicate: 1%, corrupt: 1% }",
    "fault: network, both: { rate: 10mbit/s, burst: 64KiB, queue: 1MiB }",
    "fault: partition, answer: reset, only: { protocol: tcp, ports: [5432], peerPorts: [9000-9100] }",
    "fault: partition, answer: unreachable, flapping: { on: 2s, off: 1s }", "fault: kill-connections",
    "fault: partition, only: { role: store }", "fault: partition, only: { protocol: icmp }",
    "fault: partition, only: { cgroup: /db.slice }", "fault: partition, direction: out, only: { user: postgres }",
    "fault: network, only: { cgroup: /db.slice }, both: { delay: 5ms }",
    "fault: network, only: { user: '0' }, out: { loss: 5%, delay: 50ms, jitter: 5ms, rate: 10mbit/s }",
    "fault: kill-connections, only: { protocol: tcp, eitherPorts: [5432], except: { networks: [10.91.2.0/24] } }",
  ]) func whateverTheLanguageSaysCanBeMade(fault: String) throws {
    let plan = try plan(fault)
    let planned = try #require(plan.faults.first)
    #expect(!planned.nodes.isEmpty)
    #expect(planned.nodes.allSatisfy { !$0.mechanisms.isEmpty && !$0.changes.isEmpty && !$0.undo.isEmpty })
  }

  /// What the region's node alone can tell is made there, in both directions, and the plan says how.
  @Test(arguments: [
    ("from: { networks: [10.0.0.0/8] }, ", "@networks_v4"), ("from: { addresses: ['fd00::9'] }, ", "@peers_v6"),
    ("from: { names: [db.example] }, ", "@names_v6"),
    ("from: [eu], only: { cgroup: /db.slice }, ", "socket cgroupv2 /db.slice"),
  ]) func whatOnlyTheNodeKnowsIsMadeThere(from: String, words: String) throws {
    let plan = try plan(
      [(cut, "- { id: f, at: 0s, fault: partition, region: east, \(from)for: 40s }")], features: .everything)
    let objects = try #require(plan.faults.first).nodes
    #expect(objects.map(\.node) == ["east"])
    let mechanisms = objects[0].mechanisms.joined()
    #expect(
      mechanisms.contains("inbound cut: dropAtArrival") && mechanisms.contains("outbound cut: swallowAtDeparture"))
    #expect(objects[0].changes.contains { $0.contains(words) }, "\(objects[0].changes)")
    #expect(objects[0].changes.contains { $0.contains("add device") }, "the device that is down")
  }

  @Test func aUserStandsInThePlanByName() throws {
    let plan = try plan("fault: partition, direction: out, only: { user: postgres }")
    let objects = try #require(plan.faults.first).nodes
    #expect(objects.map(\.node) == ["east"])
    #expect(objects[0].changes.contains { $0.contains("meta skuid postgres") }, "\(objects[0].changes)")
  }

  /// A kernel that has no netem has a delay line, and that takes a table as well.
  @Test func aTableIsMadeByWhateverTheKernelHas() throws {
    let table = DelayTable(file: "t", values: [-8192, 0, 8192])
    var plan = try plan("fault: network, both: { delay: 50ms, jitter: 5ms }")
    for index in plan.faults.indices {
      guard case .network(let link, var inbound, var outbound) = plan.faults[index].entry.fault else { continue }
      (inbound.table, outbound.table) = (table, table)
      plan.faults[index].entry.fault = .network(link, inbound: inbound, outbound: outbound)
    }
    let fault = try #require(try faults(plan.faults[0], of: plan).first)
    #expect(fault.inbound?.delay?.distribution == .table([-8192, 0, 8192]))
    var features = KernelFeatures.everything
    #expect(try FaultPlan(fault, on: NodeProfile(features, devices: ["eth0"])).mechanisms.map(\.mechanism) == [.netem])
    features.answers[.netem] = nil
    let plain = try FaultPlan(fault, on: NodeProfile(features, devices: ["eth0"]))
    #expect(plain.mechanisms.map(\.mechanism) == [.delayLine])
    #expect(plain.changes.contains { $0.contains("table of 3") })
    features.answers[.queueExpression] = nil
    features.answers[.compatibleQueue] = nil
    #expect(throws: FaultError.self) { try FaultPlan(fault, on: NodeProfile(features, devices: ["eth0"])) }
  }

  @Test func aRoleMeansThePortsOfTheLabsServers() throws {
    let ports = LabSpecification.Ports()
    #expect(Role.store.ports.map(\.description) == ["\(ports.store)"])
    #expect(Role.quorum.ports.map(\.description) == ["\(ports.etcdClient)-\(ports.etcdPeer)"])
    let plan = try plan("fault: partition, only: { role: quorum }")
    for fault in try faults(try #require(plan.faults.first), of: plan) {
      #expect(fault.targets.eitherPorts == [PortRange(2379, 2380)] && fault.targets.protocols == [.tcp])
    }
  }

  /// Hosts of a region are nodes each; the control channel and what is protected pass whatever a network covers.
  @Test func hostsAreNodesAndTheControlChannelIsExempt() throws {
    let topology = """
        inventory:
          controllers: [10.0.9.9]
          hosts:
            east-db: { region: east, roles: [store], addresses: [10.0.1.1, 10.0.1.101], agent: [ssh, a] }
            east-cp: { region: east, roles: [control, quorum], addresses: [10.0.1.2], agent: [ssh, b] }
            eu-db: { region: eu, roles: [store], addresses: [10.0.2.1], agent: [ssh, c] }
            eu-cp: { region: eu, roles: [control, quorum], addresses: [10.0.2.2], agent: [ssh, d] }
            ap-cp: { region: ap, roles: [control, quorum], addresses: [10.0.3.2], agent: [ssh, e] }
      """
    let lab = """
        lab:
          regions:
            east: { roles: [store, control, quorum] }
            eu: { roles: [store, control, quorum] }
            ap: { roles: [control, quorum] }
      """
    let entries = [
      "  - { id: etcd-in, at: 0s, fault: partition, region: east, from: all, only: { protocol: tcp, ports: [2379-2380] }, for: 14s }",
      "  - { id: etcd-out, at: 0s, fault: partition, region: east, from: all, only: { protocol: tcp, peerPorts: [2379-2380] }, for: 14s }",
    ].joined(separator: "\n")
    func faults(_ keys: String) throws -> [Fault] {
      let entry = "  - { id: f, at: 0s, fault: partition, region: east, \(keys), for: 14s }"
      let loaded = try scenario(
        "scenarios/control-plane-cut.yaml",
        [
          (lab, topology), (entries, entry),
          ("blastRadius: { regions: 1 }", "blastRadius: { regions: 1 }, protected: { nodes: [ap-cp] }"),
        ])
      let plan = try resolvePlan(loaded, tool: "test", features: .everything)
      return try self.faults(try #require(plan.faults.first), of: plan)
    }
    let stores = try faults("nodes: [east-db], from: { roles: [store] }")
    #expect(stores.map(\.node) == ["east-db", "eu-db"])
    #expect(
      stores[1].targets.peers == [.v4(0x0A00_0101), .v4(0x0A00_0165)] && stores[1].targets.exempt == [.v4(0x0A00_0909)])
    let network = try faults("from: { networks: [10.0.2.0/24], names: [db.example] }")
    #expect(network.map(\.node) == ["east-db", "east-cp"])
    #expect(network[0].targets.exempt == [.v4(0x0A00_0302), .v4(0x0A00_0909)])
    #expect(
      network[0].targets.except.peers == [.v4(0x0A00_0101), .v4(0x0A00_0102), .v4(0x0A00_0165)], "its own region")
  }

  /// A kernel that cannot is found out by the plan, not in the middle of the drill.
  @Test func whatTheKernelCannotIsRefusedWhenPlanned() throws {
    let refusal = try problem {
      _ = try plan("fault: network, both: { duplicate: 1% }", features: KernelFeatures(answers: [:]))
    }
    #expect(refusal?.code == .usage)
    #expect(refusal?.what.contains("netem") == true, "\(refusal?.what ?? "-")")
  }

  /// Two queues cannot both have a packet: netem beside netem on one device is refused, loss beside a cut is not.
  @Test func faultsThatDoNotComposeAreRefusedWhenPlanned() throws {
    func two(_ one: String, _ other: String) throws -> Problem? {
      let lines = [("a", one), ("b", other)].map {
        "- { id: \($0), at: 0s, \($1), region: east, from: [eu], for: 40s }"
      }
      return try problem { _ = try plan([(cut, lines.joined(separator: "\n  "))], features: .everything) }
    }
    let rate = "fault: network, both: { rate: 10mbit/s }"
    let refusal = try two(rate, rate)
    #expect(refusal?.code == .usage)
    #expect(refusal?.place?.hasPrefix("b on ") == true)
    #expect(refusal?.what.contains("cannot be in force together with 'a'") == true)
    #expect(try two("fault: network, both: { loss: 5% }", "fault: partition") == nil)
    #expect(try two("fault: network, both: { loss: 5% }", "fault: network, both: { loss: 10% }") == nil)
  }

  /// One way to edit a plan.
  enum Edit: CaseIterable {
    case change, order, node, mechanism

    func apply(to planned: inout PlannedFault) {
      switch self {
      case .change: planned.nodes[0].changes[0] += " "
      case .order: planned.nodes[1].changes.reverse()
      case .node: planned.nodes.removeLast()
      case .mechanism: planned.nodes[2].mechanisms = []
      }
    }
  }

  /// A plan is a file, and files can be edited: whatever differs from what would be armed is refused before anything is.
  @Test(arguments: Edit.allCases) func whatDiffersFromThePlanIsNotArmed(edit: Edit) throws {
    var planned = try #require(try plan().faults.first)
    let objects = planned.nodes
    try planned.confirm(objects)
    edit.apply(to: &planned)
    let refusal = try problem { try planned.confirm(objects) }
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

extension KernelFeatures {
  /// A kernel that can do all that is asked for anywhere.
  fileprivate static let everything = KernelFeatures(
    answers: Dictionary(uniqueKeysWithValues: Feature.allCases.map { ($0, .available) }))
}
