internal import Agents
internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

/// How agents of hosts are had.
struct HostConnector: Sendable {
  /// The run's short id.
  let run: String
  /// The directory that takes what agents say to people.
  let logs: String
  /// Who we are.
  let program: ProgramIdentity
  let timebase: Timebase
  let clock: any Clock<Duration>

  /// After so long without a word from us an agent ends all its faults. A connection that is retried for two or three seconds
  /// must not end a drill.
  static let lease: Duration = .seconds(5)

  /// Starts the agent of a host.
  ///
  /// - Parameter limit: how long that may take.
  /// - Throws: `AgentLost`; nothing was changed there.
  func connect(
    _ host: Host, permitsNodeClock: Bool, within limit: Duration = .seconds(20),
    report: @escaping @Sendable (AgentNews) -> Void
  ) async throws -> RemoteAgent {
    var command = host.agent
    do { command[0] = try programPath(command[0]) } catch {
      throw AgentLost(node: host.name, why: "'\(host.agent.joined(separator: " "))' cannot be started: \(error)")
    }
    let order = AgentOrder(
      node: host.name, run: run, lease: Self.lease, permitsNodeClock: permitsNodeClock)
    return try await RemoteAgent.connect(
      order, command: command, environment: try ownEnvironment(), log: "\(logs)/agent-\(host.name).log",
      program: program, within: limit, timebase: timebase, clock: clock, report: report)
  }
}

/// The environment of this process: a command that starts an agent needs its keys, its configuration, its home.
private func ownEnvironment() throws -> [String: String] {
  let variables = try readFile("/proc/self/environ", limit: 1 << 22).split(separator: 0).compactMap { bytes in
    let parts = String(decoding: bytes, as: UTF8.self).split(
      separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
  }
  return Dictionary(variables, uniquingKeysWith: { first, _ in first })
}

extension DrillRun {
  /// Connects to the agents of all hosts, and checks what a drill needs of each before anything is armed.
  func equip(
    hosts: [Host], _ undo: UndoStack, note: @escaping @Sendable (AgentNews) -> Void
  ) async throws -> Equipment {
    let connector = HostConnector(
      run: request.runID, logs: request.directory.logs, program: try .current(), timebase: timebase, clock: clock)
    let permits = scenario.safety.allowsWholeNodeClock == true
    let found = try await withThrowingTaskGroup(of: (Host, RemoteAgent).self) { group in
      for host in hosts {
        group.addTask(name: "agent of \(host.name)") {
          do {
            let agent = try await connector.connect(host, permitsNodeClock: permits, report: note)
            undo.push(UndoStep("agent of \(host.name)") { try await self.end(agent) })
            return (host, agent)
          } catch let loss as AgentLost {
            throw Problem(
              .faultNotApplied, at: "host \(host.name)", "\(loss); nothing was armed anywhere",
              fix: "try by hand: \(host.agent.joined(separator: " ")) < /dev/null")
          }
        }
      }
      return try await group.reduce(into: []) { $0.append($1) }
    }
    var agents: [String: any Agent] = [:]
    for (host, agent) in found {
      try checkControlChannel(of: agent)
      try await checkControllers(on: agent)
      try await journal.record(
        HostIsReady(
          node: host.name, host: agent.ready.host, process: agent.ready.process, peer: agent.ready.peer,
          offset: try await agent.clockOffset(samples: 4, timebase: timebase)?.offsetNanoseconds))
      let holder = HostAgent(
        agent, run: request.runID, lease: HostConnector.lease, timebase: timebase, clock: clock,
        connect: { limit in
          try await connector.connect(host, permitsNodeClock: permits, within: limit, report: { _ in })
        }, tell: { await self.recordIfPossible(GuardianNoted(what: $0)) })
      agents[host.name] = holder
      undo.push(UndoStep("agent of \(host.name)") { try await holder.close() })
    }
    // They are let go when the run is over: until then they are asked for their clocks.
    return Equipment(agents: agents, probe: nil) {}
  }

  /// Ends an agent that nobody has taken over.
  private func end(_ agent: RemoteAgent) async throws {
    // One that is lost, or was let go, is nobody's any more.
    do { _ = try await agent.close() } catch is AgentLost {}
  }

  private var controllers: [IPAddress] { (scenario.topology.controllers ?? []).compactMap { IPAddress($0) } }

  /// The connection through which a host's faults are ended must be one that no fault may cut.
  private func checkControlChannel(of agent: RemoteAgent) throws(Problem) {
    guard let peer = agent.ready.peer.flatMap({ IPAddress($0) }) else { return }
    guard !controllers.contains(peer) else { return }
    throw Problem(
      .usage, at: "host \(agent.node)",
      "its agent is reached from \(peer), which topology.inventory.controllers does not name: a fault could cut the connection "
        + "that ends it. Nothing was armed", fix: "add \(peer) to topology.inventory.controllers")
  }
  /// Packets are exempt by where they come from or go to. So a host that is a controller itself would, by its own faults, lose what
  /// the other hosts' agents answer.
  private func checkControllers(on agent: RemoteAgent) async throws {
    let isDisturbed = request.plan.faults.contains { fault in
      fault.entry.fault.inside.isEmpty && fault.nodes.contains { $0.node == agent.node }
    }
    guard isDisturbed, !controllers.isEmpty else { return }
    let own = try await agent.addresses()
    guard let address = controllers.first(where: own.contains) else { return }
    throw Problem(
      .usage, at: "host \(agent.node)",
      "it has \(address) itself, from where the agents are reached: its own faults could cut the answers of other hosts. Nothing "
        + "was armed", fix: "run the drill from a machine on which no fault is")
  }
}

extension RemoteAgent {
  /// The addresses that the node has now.
  fileprivate func addresses() async throws -> Set<IPAddress> {
    // A line is `address 10.0.0.1/24 link eth0`.
    let words = try await snapshot().addresses.map { $0.split(separator: " ") }
    return Set(
      words.compactMap { $0.count > 1 ? $0[1].split(separator: "/").first.flatMap { IPAddress(String($0)) } : nil })
  }
}
