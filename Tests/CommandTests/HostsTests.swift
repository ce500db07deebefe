import Faults
import Glibc
import Netlink
import Support
import Testing

/// Three hosts, each a network namespace with an address in one network, and a drill that reaches them through agents of this very
/// build. The drill itself runs on the second of them.
private struct Hosts: Sendable {
  static let lease: Duration = .seconds(5)

  let directory: String
  let prefix: String
  let nodes: [NetworkNamespace]
  /// A socket that listens on port 8080 of the first host: its kernel accepts, nobody needs to.
  private let listener: Int32

  static func with(_ body: (Hosts) async throws -> Void) async throws {
    try await withDirectory("hosts") { directory in
      let prefix = "bst-\(getpid())-\(UInt32.random(in: 0...999_999))"
      let names = ["sw", "a", "b", "c"].map { "\(prefix)-\($0)" }
      defer { for name in names { try? NetworkNamespace.delete(named: name) } }
      let all = try names.map { try NetworkNamespace.create(named: $0) }
      func ip(_ words: String) async throws {
        let result = try await Blackstart.command(
          "/usr/sbin/ip", words.split(separator: " ").map(String.init), in: directory)
        try #require(result.code == 0, "ip \(words): \(result.errors)")
      }
      try await ip("-n \(names[0]) link add br0 type bridge")
      try await ip("-n \(names[0]) link set br0 up")
      for (index, host) in ["a", "b", "c"].enumerated() {
        let node = names[index + 1]
        try await ip("-n \(node) link add eth0 type veth peer name v\(host) netns \(names[0])")
        try await ip("-n \(names[0]) link set v\(host) master br0 up")
        try await ip("-n \(node) link set lo up")
        try await ip("-n \(node) link set eth0 up")
        try await ip("-n \(node) addr add 10.77.0.\(index + 1)/24 dev eth0")
        try await ip("-n \(node) -6 addr add fd00:77::\(index + 1)/64 dev eth0 nodad")
      }
      let hosts = try Hosts(directory: directory, prefix: prefix, nodes: Array(all.dropFirst()))
      defer { close(hosts.listener) }
      try await body(hosts)
    }
  }

  private init(directory: String, prefix: String, nodes: [NetworkNamespace]) throws {
    self.directory = directory
    self.prefix = prefix
    self.nodes = nodes
    listener = try nodes[0].run {
      let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_port = UInt16(8080).bigEndian
      let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0 && listen(descriptor, 1024) == 0
        }
      }
      guard isOpen else { throw SystemError("listen", "port 8080") }
      return descriptor
    }
  }

  /// The scenario: the first host is cut off from the second, which asks it all the time.
  func scenario(fault: String = "fault: partition, region: east, from: all", for hold: String = "5s") -> String {
    let hosts = [("a", "east", 1), ("b", "eu", 2), ("c", "ap", 3)].map { name, region, number in
      """
            \(name): { region: \(region), roles: [], addresses: [10.77.0.\(number), "fd00:77::\(number)"],
              agent: [nsenter, --net=/run/netns/\(prefix)-\(name), \(Blackstart.program), agent, --state, \(directory)/\(name)] }
      """
    }.joined(separator: "\n")
    return """
      apiVersion: blackstart/v1
      kind: Scenario
      metadata: { name: hosts-cut }
      seed: 7
      topology:
        inventory:
          hosts:
      \(hosts)
      stack: { kind: external }
      probes:
        reached: { tcp: { host: a, port: 8080 }, every: 250ms, timeout: 500ms }
      steadyState: { for: 1s, expect: [{ probe: reached }] }
      timeline:
        - { id: cut, at: 0s, for: \(hold), \(fault) }
      recovery: { within: 20s }
      checklist: [{ item: steady-state-recovered, within: 15s }]
      safety: { maxDuration: 2m, blastRadius: { regions: 2 } }

      """
  }

  /// Starts the drill on the second host.
  func start(_ scenario: String) throws -> RunningDrill {
    try writeFile("\(directory)/drill.yaml", Array(scenario.utf8))
    let started = try Started(
      "/usr/bin/nsenter",
      [
        "--net=/run/netns/\(prefix)-b", Blackstart.program, "run", "\(directory)/drill.yaml", "--run-dir",
        "\(directory)/run", "--state", "\(directory)/own",
      ], in: directory)
    return RunningDrill(directory: "\(directory)/run", state: "\(directory)/own", started: started)
  }

  /// The agent's process on a host, once the drill has it.
  func agent(of node: String, in drill: RunningDrill) async throws -> ProcessIdentity {
    let record = try await drill.until("host.ready") { $0["node"]?.string == node }
    let data = try #require(record.data["process"])
    return try decodeJSON(ProcessIdentity.self, from: encodeJSON(data))
  }

  /// How many tables of ours the hosts have.
  var tables: Int { get throws { try nodes.map { try Fault.tables(in: $0).count }.reduce(0, +) } }

  /// Expects that within `limit` nothing of ours is left on any host: no table, no process, no journal.
  func expectNothingLeft(within limit: Duration, _ location: Testing.SourceLocation = #_sourceLocation) async throws {
    let deadline = ContinuousClock.now + limit
    var left = ["unknown"]
    while !left.isEmpty, ContinuousClock.now < deadline {
      left = try nodes.flatMap { try Fault.tables(in: $0).map { "table \($0.id.name)" } }
      left += try processes(touching: "\(directory)/").filter { $0.contains(" agent") || $0.contains("guardian") }
      left += try ["a", "b", "c"].flatMap { try listDirectory("\(directory)/\($0)/faults") }
      try await Task.sleep(for: .milliseconds(20))  // nothing tells us of the end of processes that are not ours
    }
    #expect(left == [], sourceLocation: location)
  }
}

/// Drills on hosts, through agents, with real traffic between them.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct HostsTests {
  @Test func aHostIsCutOffAndComesBack() async throws {
    try await Hosts.with { hosts in
      let before = try hosts.nodes.map { try NodeSnapshot(of: $0) }
      let drill = try hosts.start(hosts.scenario())
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      let proven = try #require(try drill.journal.first { $0.type == "fault.proven" })
      #expect((proven.data["droppedPackets"]?.integer ?? 0) > 0)
      let states = try drill.journal.filter { $0.type == "steady.seen" }.compactMap { $0.data["state"]?.string }
      #expect(states.contains("broken") && states.last == "held", "\(states)")
      try await hosts.expectNothingLeft(within: .seconds(1))
      for (node, earlier) in zip(hosts.nodes, before) {
        #expect(try NodeSnapshot(of: node).difference(from: earlier) == [])
      }
    }
  }

  /// Nothing of the system's own traffic goes where the fault is: it could not be seen to bite, so it is no evidence.
  @Test func aFaultThatMeetsNothingIsTakenBack() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(fault: "fault: partition, region: east, from: [ap]"))
      let result = try await drill.started.result()
      #expect(result.code == 4, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("met no packet of the system under drill"))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  @Test func latencyGoesThroughAgentsToo() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(
        hosts.scenario(fault: "fault: network, region: east, from: [eu], in: { delay: 80ms }", for: "3s"))
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  @Test func theEndOfTheControllerEndsTheFaults() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try hosts.tables > 0)
      try drill.started.child.send(Signal.kill)
      try await hosts.expectNothingLeft(within: .seconds(3))
    }
  }

  @Test func aStoppedControllerIsTakenForGoneAndGivesUp() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      try drill.started.child.send(Signal.stop)
      try await hosts.expectNothingLeft(within: Hosts.lease + .seconds(1))
      try drill.started.child.send(Signal.resume)
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  @Test func theLossOfAnAgentEndsTheDrillAndItsFaultIsVerifiedGone() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "a", in: drill).send(Signal.kill))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("there is no agent of 'a'"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  @Test func theEndOfBothLeavesNothing() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      let agent = try await hosts.agent(of: "a", in: drill)
      try drill.started.child.send(Signal.kill)
      try agent.send(Signal.kill)
      try await hosts.expectNothingLeft(within: Hosts.lease + .seconds(1))
    }
  }

  /// An agent that hangs keeps no fault: its kernel ends it, and the drill gives the agent up.
  @Test func aStoppedAgentIsGivenUp() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "a", in: drill).send(Signal.stop))
      let result = try await drill.started.result()
      #expect([4, 6].contains(result.code), "\(result.code) \(result.output)\n\(result.errors)")
      try await hosts.expectNothingLeft(within: .seconds(2))
    }
  }

  @Test func aHostWithoutAnAgentIsNamedBeforeAnythingIsArmed() async throws {
    try await Hosts.with { hosts in
      let broken = hosts.scenario().replacing(
        "nsenter, --net=/run/netns/\(hosts.prefix)-c", with: "nsenter, --net=/nowhere")
      let result = try await hosts.start(broken).started.result()
      #expect(result.code == 4)
      #expect(result.errors.contains("host c") && result.errors.contains("/nowhere"))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }
}
