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
  ///   - ask: asks somebody else from this process, in its network; it ends soon after its task is cancelled.
  /// - Throws: `NetlinkError` with EPERM without CAP_NET_ADMIN.
  public static func current(
    for order: AgentOrder, stateDirectory: String, program: String, timebase: Timebase = .system,
    report: @escaping @Sendable (FaultEvent) -> Void, note: @escaping @Sendable (String) -> Void,
    ask: @escaping @Sendable (HostQuestion) async throws -> HostTold
  ) throws -> ServedNode {
    let namespace = try NetworkNamespace.current()
    let keeper = try GuardedUndo(
      stateDirectory: stateDirectory, run: order.run, program: program, timebase: timebase,
      report: { note("\($0)") })
    // Where init may not be looked at (a container), only the processes of this namespace are meant: the narrower of the two.
    let machine = try? NetworkNamespace.open(pid: 1)
    let isWholeMachine = machine?.identity == namespace.identity
    let scope = ProcessScope(
      namespace: isWholeMachine ? nil : namespace,
      protected: { [weak keeper] in keeper?.guardian.map { [$0] } ?? [] }, permitsNodeClock: order.permitsNodeClock)
    let agent = try NamespaceAgent(
      node: order.node, namespace: namespace, timebase: timebase, undo: keeper, processes: scope, report: report)
    let served = HostedAgent(agent: agent, stateDirectory: stateDirectory, ask: ask)
    return ServedNode(agent: served) {
      await agent.close()
      do {
        let kept = try await onOwnThread("undo") { keeper.close() }
        return kept + (try await remains(of: order.run, served, timebase))
      } catch {
        return ["node \(order.node) could not be looked at: \(error)"]
      }
    }
  }

  /// What is still there of a run. The kernel takes tables away a moment after their owner has gone, and so does a guardian.
  private static func remains(of run: String, _ agent: HostedAgent, _ timebase: Timebase) async throws -> [String] {
    let deadline = timebase.monotonic() + 2_000_000_000
    while true {
      let left = try await agent.remains(of: run)
      if left.isEmpty || timebase.monotonic() > deadline { return left }
      try await ContinuousClock().sleep(for: .milliseconds(10))
    }
  }
}

/// The agent of a host, where earlier ones may have left something.
private struct HostedAgent: Agent {
  let agent: NamespaceAgent
  let stateDirectory: String
  let ask: @Sendable (HostQuestion) async throws -> HostTold

  var node: String { agent.node }

  func perform(_ request: AgentRequest) async throws -> AgentReply {
    switch request {
    case .remains(let run): .remains(try await remains(of: run))
    case .ask(let question): .told(try await ask(question))
    case .takeBack(let run): .tookBack(try await takeBack(run))
    default: try await agent.perform(request)
    }
  }

  /// What the kernel has of a run, and what is written down to be undone by nobody who lives.
  func remains(of run: String) async throws -> [String] {
    guard case .remains(let objects) = try await agent.perform(.remains(run: run)) else { return [] }
    let own = try ProcessIdentity.current()
    let written = try await onOwnThread("undo-list") { [stateDirectory] in
      try UndoRecovery.list(stateDirectory: stateDirectory).filter { $0.run == run && $0.process != own }
        .flatMap { listing in
          listing.defects
            + listing.items.map { "\($0.objects.joined(separator: ", ")) of \($0.fault) (\(listing.process))" }
        }
    }
    return objects + written
  }

  /// What `recover` would do here, for this run and this node alone.
  private func takeBack(_ run: String) async throws -> UndoSuccession {
    try await onOwnThread("undo") { [stateDirectory, node] in
      try UndoRecovery.takeOver(stateDirectory: stateDirectory, run: run, node: node)
    }
  }
}
