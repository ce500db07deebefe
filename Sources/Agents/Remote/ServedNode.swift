public import Faults
internal import Netlink
public import Support

/// The node that an agent process serves: who holds its faults, and who answers for what outlives the process.
public struct ServedNode: Sendable {
  /// Who holds the faults.
  let agent: any Agent
  /// Ends all faults and looks what is left of them on the node, in words; empty when nothing is.
  let end: @Sendable () async -> [String]

  /// A node from its parts.
  init(agent: any Agent, end: @escaping @Sendable () async -> [String]) {
    self.agent = agent
    self.end = end
  }

  /// The node of the network namespace that this process is in, with the whole machine's processes where that is the machine's
  /// own, else with those of the namespace.
  ///
  /// - Parameters:
  ///   - order: what the controller wants.
  ///   - stateDirectory: where the undo journal is kept, and where `recover` looks for it.
  ///   - program: absolute path of an executable that has the command `guardian`.
  ///   - report: called with every event of a held fault; it must not block.
  ///   - note: called with what happens to what outlives this process, in words.
  /// - Throws: `NetlinkError` with EPERM without CAP_NET_ADMIN.
  public static func current(
    for order: AgentOrder, stateDirectory: String, program: String, timebase: Timebase = .system,
    report: @escaping @Sendable (FaultEvent) -> Void, note: @escaping @Sendable (String) -> Void
  ) throws -> ServedNode {
    let namespace = try NetworkNamespace.current()
    let keeper = try GuardedUndo(
      stateDirectory: stateDirectory, run: order.run, program: program, timebase: timebase,
      report: { note("\($0)") })
    let isWholeMachine = namespace.identity == (try NetworkNamespace.open(pid: 1).identity)
    let scope = ProcessScope(
      namespace: isWholeMachine ? nil : namespace,
      protected: { [weak keeper] in keeper?.guardian.map { [$0] } ?? [] }, permitsNodeClock: order.permitsNodeClock)
    let agent = try NamespaceAgent(
      node: order.node, namespace: namespace, timebase: timebase, undo: keeper, processes: scope, report: report)
    return ServedNode(agent: RoleAgent(agent, order.processes)) {
      await agent.close()
      do {
        let kept = try await onOwnThread("undo") { keeper.close() }
        return kept + (try await remains(of: order, in: namespace, timebase))
      } catch {
        return ["node \(order.node) could not be looked at: \(error)"]
      }
    }
  }

  /// What the kernel still has of a run. It takes tables away a moment after their owner has gone.
  private static func remains(
    of order: AgentOrder, in namespace: NetworkNamespace, _ timebase: Timebase
  ) async throws -> [String] {
    let deadline = timebase.monotonic() + 2_000_000_000
    while true {
      let left = try await onOwnThread("look for remains") {
        try Fault.tables(ofRun: order.run, in: namespace).map { "table \($0.id.name)" }
          + Stray.all(ofRun: order.run).map { "device \($0.link.name)" }
      }
      if left.isEmpty || timebase.monotonic() > deadline { return left }
      try await ContinuousClock().sleep(for: .milliseconds(10))
    }
  }
}

/// An agent of a host, where it is not known who plays a role: the controller has said how the role's processes are found.
private struct RoleAgent: Agent {
  let agent: NamespaceAgent
  let processes: [String: ProcessSelector]

  var node: String { agent.node }

  init(_ agent: NamespaceAgent, _ processes: [String: ProcessSelector]) {
    self.agent = agent
    self.processes = processes
  }

  func perform(_ request: AgentRequest) async throws -> AgentReply {
    switch request {
    case .armInner(let fault): try await agent.perform(.armInner(try resolving(fault)))
    case .changes(let fault): try await agent.perform(.changes(try resolving(fault)))
    case .arm, .count, .disarm, .snapshot, .profile, .innerProfile, .clock: try await agent.perform(request)
    }
  }

  private func resolving(_ fault: InnerFault) throws(FaultError) -> InnerFault {
    guard case .role(let role) = fault.processes?.choice else { return fault }
    guard let selector = processes[role] else {
      throw FaultError(
        .invalid("nobody has said which processes play \(role) on this host (topology.inventory: hosts: processes)"),
        fault: fault.id, node: node)
    }
    var fault = fault
    let descends = fault.processes?.includesDescendants == true
    fault.processes = ProcessSelector(
      selector.choice, includesDescendants: descends || selector.includesDescendants)
    return fault
  }
}
