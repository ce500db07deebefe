internal import Agents
internal import Faults
internal import Lab
internal import Netlink
internal import Scenarios
internal import Support
internal import Synchronization

/// What the timeline works with: an agent on each node, and a probe between all of them where we can be on all of them.
struct Equipment: Sendable {
  /// Whoever can be asked to hold faults, by node.
  let agents: [String: any Agent]
  /// Looks whether nodes hear each other; `nil` where only the agents' counters tell what a fault does.
  let probe: ReachabilityProbe?
  /// Lets the agents go. Throws ``Problem`` (recoveryIncomplete) with what is left of their faults.
  let close: @Sendable () async throws -> Void

  /// Whoever can be asked about the nodes, in the order of their names.
  var nodes: [any Agent] { agents.sorted { $0.key < $1.key }.map(\.value) }

  /// The ends of the probe's datagrams; empty without a probe.
  var ends: [ReachabilityProbe.End] { probe?.ends ?? [] }

  /// Looks at all paths, as hard as `proof` asks for; without a probe there are none to look at.
  func look(for proof: FaultProof, timebase: Timebase) async throws -> Reachability {
    guard let probe else {
      let now = timebase.monotonic()
      return Reachability(fromNanoseconds: now, untilNanoseconds: now, paths: [])
    }
    return try await probe.measure(proof.effort)
  }
}

extension DrillRun {
  /// Makes agents within this process, one in each region of a lab, and the probe, well before the first fault: an agent tries
  /// out on a table of its own what the kernel offers, and while the kernel still puts such a table away, the end of another
  /// one waits for it (tens of ms).
  ///
  /// - Parameters:
  ///   - note: called with every event of a fault, on its holder's thread.
  ///   - noteUndo: called with every event of what outlives this process, on its keeper's thread.
  func equip(
    _ lab: Lab, _ undo: UndoStack, note: @escaping @Sendable (FaultEvent) -> Void,
    noteUndo: @escaping @Sendable (UndoEvent) -> Void
  ) throws -> Equipment {
    let probe = try ReachabilityProbe(
      lab.regions.map {
        ReachabilityProbe.Endpoint($0.name, namespace: $0.namespace, addresses: [$0.address4, $0.address6])
      }, timebase: timebase)
    let keeper = try GuardedUndo(
      stateDirectory: request.stateDirectory, run: request.runID, program: request.program, timebase: timebase,
      report: noteUndo)
    undo.push(UndoStep("what the guardian answers for") { try await Self.close(keeper) })
    let features = try KernelFeatures.probe()
    var agents: [String: NamespaceAgent] = [:]
    for region in lab.regions {
      agents[region.name] = try NamespaceAgent(
        node: region.name, namespace: region.namespace, timebase: timebase, undo: keeper,
        processes: processes(of: region, in: lab, keeper), features: features, report: note)
    }
    return Equipment(agents: agents, probe: probe) { [agents] in
      for agent in agents.values { await agent.close() }
      try await Self.close(keeper)
    }
  }

  /// Lets the guardian go, which answers for nothing any more.
  private static func close(_ keeper: GuardedUndo) async throws {
    let left = try await onOwnThread("undo") { keeper.close() }
    guard left.isEmpty else {
      throw Problem(
        .recoveryIncomplete, "the nodes are not as they were: \(left.joined(separator: "; "))",
        fix: "blackstart recover")
    }
  }

  /// Which processes a fault inside a region may choose.
  private func processes(of region: RegionHandle, in lab: Lab, _ keeper: GuardedUndo) -> ProcessScope {
    ProcessScope(
      namespace: region.namespace,
      players: { [lab, name = region.name] role in
        lab.servers.filter { $0.region == name && $0.kind.role.rawValue == role }.map(\.process)
      },
      protected: { [weak keeper] in keeper?.guardian.map { [$0] } ?? [] },
      disks: disks.withLock { $0?.disks(of: region.name) })
  }
}
