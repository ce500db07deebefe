import Faults
import Glibc
import Netlink
import Support
import Testing

/// Three hosts, each a network namespace with an address in one network, and a drill that reaches them through agents of this very
/// build. The drill itself runs on the second of them, or in a fourth place that is no host.
struct Hosts: Sendable {
  static let lease: Duration = .seconds(5)

  let directory: String
  let prefix: String
  let nodes: [NetworkNamespace]
  /// A socket that listens on port 8080 of the first host: its kernel accepts, nobody needs to.
  private let listener: Int32

  static func with(_ body: (Hosts) async throws -> Void) async throws {
    try await withDirectory("hosts") { directory in
      let prefix = "bst-\(getpid())-\(UInt32.random(in: 0...999_999))"
      let names = ["sw", "a", "b", "c", "d"].map { "\(prefix)-\($0)" }
      defer { for name in names { try? NetworkNamespace.delete(named: name) } }
      let all = try names.map { try NetworkNamespace.create(named: $0) }
      // Whatever a test has left to run there must not outlive it.
      defer { clear(all) }
      func ip(_ words: String) async throws {
        let result = try await Blackstart.command(
          "/usr/sbin/ip", words.split(separator: " ").map(String.init), in: directory)
        try #require(result.code == 0, "ip \(words): \(result.errors)")
      }
      try await ip("-n \(names[0]) link add br0 type bridge")
      try await ip("-n \(names[0]) link set br0 up")
      for (index, host) in ["a", "b", "c", "d"].enumerated() {
        let node = names[index + 1]
        try await ip("-n \(node) link add eth0 type veth peer name v\(host) netns \(names[0])")
        try await ip("-n \(names[0]) link set v\(host) master br0 up")
        try await ip("-n \(node) link set lo up")
        try await ip("-n \(node) link set eth0 up")
        try await ip("-n \(node) addr add 10.77.0.\(index + 1)/24 dev eth0")
        try await ip("-n \(node) -6 addr add fd00:77::\(index + 1)/64 dev eth0 nodad")
      }
      let hosts = try Hosts(directory: directory, prefix: prefix, nodes: Array(all[1...3]))
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

  /// What starts the agent of a host that is reached by entering its namespace.
  func enter(_ host: String) -> [String] { ["nsenter", "--net=/run/netns/\(prefix)-\(host)"] }

  /// The scenario: the first host is cut off from the second, which asks it all the time.
  ///
  /// - Parameters:
  ///   - timeline: all of it; by default one fault, `fault`, that holds for `hold`.
  ///   - asking: the probe's question.
  ///   - controllers: from where the agents are reached.
  ///   - reach: what the command of an agent begins with.
  ///   - rest: what it ends with.
  func scenario(
    fault: String = "fault: partition, region: east, from: all", for hold: String = "5s", timeline: [String]? = nil,
    asking question: String = "tcp: { host: a, port: 8080 }", controllers: [String] = [],
    reach: ((String) -> [String])? = nil, after rest: (String) -> [String] = { _ in [] }
  ) -> String {
    let hosts = [("a", "east", 1), ("b", "eu", 2), ("c", "ap", 3)].map { name, region, number in
      let agent =
        (reach ?? enter)(name) + [Blackstart.program, "agent", "--state", "\(directory)/\(name)"] + rest(name)
      return """
              \(name): { region: \(region), roles: [], addresses: [10.77.0.\(number), "fd00:77::\(number)"],
                agent: [\(agent.joined(separator: ", "))] }
        """
    }.joined(separator: "\n")
    let entries = timeline ?? ["{ id: cut, at: 0s, for: \(hold), \(fault) }"]
    return """
      apiVersion: blackstart/v1
      kind: Scenario
      metadata: { name: hosts-cut }
      seed: 7
      topology:
        inventory:
          \(controllers.isEmpty ? "" : "controllers: [\(controllers.joined(separator: ", "))]")
          hosts:
      \(hosts)
      stack: { kind: external }
      probes:
        reached: { \(question), every: 250ms, timeout: 500ms }
      steadyState: { for: 1s, expect: [{ probe: reached }] }
      timeline:
      \(entries.map { "  - \($0)" }.joined(separator: "\n"))
      recovery: { within: 20s }
      checklist: [{ item: steady-state-recovered, within: 15s }]
      safety: { maxDuration: 2m, blastRadius: { regions: 2 } }

      """
  }

  /// Starts the drill on the second host, or elsewhere. Its run directory has the name.
  func start(_ scenario: String, on host: String = "b", name: String = "run") throws -> RunningDrill {
    try writeFile("\(directory)/\(name).yaml", Array(scenario.utf8))
    let started = try Started(
      "/usr/bin/nsenter",
      [
        "--net=/run/netns/\(prefix)-\(host)", Blackstart.program, "run", "\(directory)/\(name).yaml", "--run-dir",
        "\(directory)/\(name)", "--state", "\(directory)/own",
      ], in: directory)
    return RunningDrill(directory: "\(directory)/\(name)", state: "\(directory)/own", started: started)
  }

  /// The agent's process on a host, once the drill has it.
  func agent(of node: String, in drill: RunningDrill) async throws -> ProcessIdentity {
    let record = try await drill.until("host.ready") { $0["node"]?.string == node }
    let data = try #require(record.data["process"])
    return try decodeJSON(ProcessIdentity.self, from: encodeJSON(data))
  }

  /// Takes the first host's cable out, or puts it in again: packets are lost without a word, and neither end has lost its link.
  func plug(_ isIn: Bool) async throws {
    let words = ["-n", "\(prefix)-sw", "link", "set", "va"] + (isIn ? ["master", "br0"] : ["nomaster"])
    let result = try await Blackstart.command("/usr/sbin/ip", words, in: directory)
    try #require(result.code == 0, "\(result.errors)")
  }

  /// Runs a program on a host.
  func run(_ path: String, _ arguments: [String], on host: String) async throws -> Blackstart.Result {
    try await Blackstart.command(
      "/usr/bin/nsenter", ["--net=/run/netns/\(prefix)-\(host)", path] + arguments, in: directory)
  }

  /// How many tables of ours the hosts have.
  var tables: Int { get throws { try nodes.map { try Fault.tables(in: $0).count }.reduce(0, +) } }

  /// Expects that within `limit` from now a host has no table of ours any more.
  func expectFaultsEnd(
    on node: Int, within limit: Duration, _ location: Testing.SourceLocation = #_sourceLocation
  ) async throws {
    let deadline = ContinuousClock.now + limit
    while try !Fault.tables(in: nodes[node]).isEmpty, ContinuousClock.now < deadline {
      try await Task.sleep(for: .milliseconds(20))  // nothing tells us of the end of what is not ours
    }
    #expect(try Fault.tables(in: nodes[node]).isEmpty, sourceLocation: location)
  }

  /// Expects that within `limit` nothing of ours is left on any host: no table, no process, nothing to be undone.
  ///
  /// - Parameter keepsJournals: whether journals with nothing left in them may be there, as after an agent that was killed.
  func expectNothingLeft(
    within limit: Duration, keepsJournals: Bool = false, _ location: Testing.SourceLocation = #_sourceLocation
  ) async throws {
    let deadline = ContinuousClock.now + limit
    var left = ["unknown"]
    while !left.isEmpty, ContinuousClock.now < deadline {
      left = try nodes.flatMap { try Fault.tables(in: $0).map { "table \($0.id.name)" } }
      left += try processes(touching: "\(directory)/").filter { $0.contains("\0agent\0") || $0.contains("\0guardian") }
      for state in ["a", "b", "c"].map({ "\(directory)/\($0)" }) {
        left += try UndoRecovery.list(stateDirectory: state).flatMap { $0.defects + $0.items.map(\.fault) }
        if !keepsJournals { left += try listDirectory("\(state)/faults") }
      }
      try await Task.sleep(for: .milliseconds(50))  // nothing tells us of the end of processes that are not ours
    }
    #expect(left == [], sourceLocation: location)
  }
}

/// The processes in a network namespace.
func inhabitants(of namespace: NetworkNamespace) -> [ProcessIdentity] {
  // A process that ends while we look has no namespace any more.
  ((try? listDirectory("/proc")) ?? []).compactMap { entry in
    guard let pid = Int32(entry), let own = try? NetworkNamespace.open(pid: pid) else { return nil }
    return own.identity == namespace.identity ? ProcessIdentity(of: pid) : nil
  }
}

/// Ends every process in some network namespaces, also those that another one starts while it is done.
private func clear(_ namespaces: [NetworkNamespace]) {
  for _ in 0..<100 {
    let left = namespaces.flatMap { inhabitants(of: $0) }
    if left.isEmpty { return }
    for process in left { _ = try? process.send(Signal.kill) }  // one may be gone by then
    usleep(20_000)  // nothing tells us of the end of what is not our child
  }
  Issue.record("somebody in a host does not end")
}
