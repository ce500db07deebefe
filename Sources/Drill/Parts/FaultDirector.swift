internal import Agents
internal import Faults
internal import Lab
internal import Netlink
internal import Scenarios
internal import Support
internal import Synchronization

/// Arms, proves, disarms and verifies the faults of a timeline on the nodes of a lab, each step journalled before it is taken.
final class FaultDirector: Sendable {
  private let run: DrillRun
  private let lab: Lab
  private let state = Mutex(State())

  private struct State {
    var held: [String: Held] = [:]
    var ended: [FaultEvent] = []
  }

  /// What is known of one armed fault.
  private struct Held {
    var faults: [Fault]
    var before: [String: NodeSnapshot]
    var probes: [String: UInt64] = [:]
    var proven: [String] = []
  }

  /// Whoever can be asked to hold faults, by region.
  fileprivate typealias Agents = [String: NamespaceAgent]

  init(run: DrillRun, lab: Lab) {
    self.run = run
    self.lab = lab
  }

  /// What the timeline works with: an agent on each node, and a probe between all of them.
  struct Equipment: Sendable {
    fileprivate var agents: Agents
    fileprivate var probe: ReachabilityProbe
  }

  /// Makes the agents and the probe, well before the first fault: an agent tries out on a table of its own what the kernel
  /// offers, and while the kernel still puts such a table away, the end of another one waits for it (tens of ms).
  func equip() throws -> Equipment {
    let probe = try ReachabilityProbe(
      lab.regions.map {
        ReachabilityProbe.Endpoint($0.name, namespace: $0.namespace, addresses: [$0.address4, $0.address6])
      }, timebase: run.timebase)
    var agents: Agents = [:]
    for region in lab.regions {
      agents[region.name] = try NamespaceAgent(
        node: region.name, namespace: region.namespace, timebase: run.timebase,
        report: { [weak self] event in self?.note(event) })
    }
    return Equipment(agents: agents, probe: probe)
  }

  /// Runs the whole timeline; when it returns, every fault is verified gone.
  func runTimeline(_ undo: UndoStack, with equipment: Equipment) async throws {
    let holders = equipment.agents
    let probe = equipment.probe
    let start = run.timebase.monotonic()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for fault in run.request.plan.faults {
        group.addTask(name: "fault \(fault.id)") {
          let due = start + fault.begins.nanoseconds
          try await self.run.clock.sleep(for: .nanoseconds(max(0, due - self.run.timebase.monotonic())))
          try await self.hold(fault, agents: holders, probe: probe, undo)
          return true
        }
      }
      group.addTask(name: "faults in force") {
        try await self.watchForLapses()
        return false
      }
      defer { group.cancelAll() }
      var left = run.request.plan.faults.count
      while left > 0, let isDone = try await group.next() {
        if isDone { left -= 1 }
      }
    }
    for agent in holders.values { await agent.close() }
  }

  /// One fault, from arming to its verified end.
  private func hold(
    _ planned: PlannedFault, agents: Agents, probe: ReachabilityProbe, _ undo: UndoStack
  ) async throws {
    let faults = try planned.faults(in: run.scenario, run: run.request.runID, node: node)
    let step = UndoStep("fault \(planned.id)") {
      try await self.end(planned, agents: agents, probe: probe, reason: "rolled back")
    }
    let armedAt = try await undo.perform(step) { try await self.arm(planned, faults, agents) }
    try await prove(planned, agents: agents, probe: probe)
    let until = armedAt + planned.ends.nanoseconds - planned.begins.nanoseconds
    try await run.clock.sleep(for: .nanoseconds(max(0, until - run.timebase.monotonic())))
    try await end(planned, agents: agents, probe: probe, reason: "planned")
  }

  private func node(_ name: String) throws -> Cut.Node {
    guard let region = lab.region(name) else {
      throw Problem(.faultNotApplied, at: name, "the lab has no such region; nothing was armed")
    }
    return Cut.Node(name, addresses: [region.address4, region.address6])
  }

  private func arm(_ planned: PlannedFault, _ faults: [Fault], _ agents: Agents) async throws -> Int64 {
    var before: [String: NodeSnapshot] = [:]
    for (name, agent) in agents { before[name] = try await agent.snapshot() }
    let objects = try planned.objects(of: faults, run: run.request.runID)
    try await run.journal.record(FaultArming(fault: planned.id, kind: planned.kind, objects: objects))
    state.withLock { $0.held[planned.id] = Held(faults: faults, before: before) }
    do {
      let receipts = try await withThrowingTaskGroup(of: ArmReceipt.self) { group in
        for fault in faults {
          guard let agent = agents[fault.node] else { continue }
          group.addTask(name: "arm \(fault.id) on \(fault.node)") { try await agent.arm(fault) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let first = receipts.map(\.sentAtNanoseconds).min() ?? 0
      let last = receipts.map(\.armedAtNanoseconds).max() ?? 0
      try await run.journal.record(FaultArmed(fault: planned.id, at: last, skew: last - first))
      return last
    } catch let error as CancellationError {
      throw error
    } catch {
      throw Problem(
        .faultNotApplied, at: planned.id, "the fault could not be armed on every node: \(error); it is taken back",
        fix: "blackstart doctor says what this kernel lacks")
    }
  }

  /// Shows that the fault bites: each ordered pair is cut or open as planned, in both address families, and the kernel has
  /// dropped packets that were not our own probes.
  private func prove(_ planned: PlannedFault, agents: Agents, probe: ReachabilityProbe) async throws {
    let deadline = run.timebase.monotonic() + 5_000_000_000
    while true {
      let seen = try await probe.measure()
      count(seen, for: planned.id)
      let wrong = seen.contradictions { from, to in
        planned.reachability.first { $0.from == from && $0.to == to }?.during ?? true
      }
      let dropped = try await dropped(planned.id, agents)
      let total = dropped.values.reduce(0, +)
      if wrong.isEmpty && total > 0 {
        let cut = seen.paths.filter { $0.state == .closed }.map(name)
        let open = seen.paths.filter { $0.state == .open }.map(name)
        state.withLock { $0.held[planned.id]?.proven = cut }
        try await run.journal.record(
          FaultProven(fault: planned.id, at: seen.fromNanoseconds, cut: cut, open: open, droppedPackets: total))
        return
      }
      if run.timebase.monotonic() > deadline {
        let why = wrong.isEmpty ? "it dropped no packet of the system under drill" : wrong.joined(separator: "; ")
        throw Problem(
          .faultNotApplied, at: planned.id, "the fault's effect could not be verified: \(why); it is taken back",
          fix: "see the nodes' rules while it is armed with: nft list ruleset")
      }
      try await run.clock.sleep(for: .milliseconds(50))
    }
  }

  /// Takes the fault away and verifies that it is gone. Does nothing for a fault that is gone already.
  ///
  /// Neither a journal that takes nothing more nor a node that fails keeps it from disarming the others.
  private func end(
    _ planned: PlannedFault, agents: Agents, probe: ReachabilityProbe, reason: String
  ) async throws {
    guard let held = state.withLock({ $0.held[planned.id] }) else { return }
    var disarming = FaultDisarming(fault: planned.id, reason: reason, droppedPackets: [:])
    do { disarming.droppedPackets = try await dropped(planned.id, agents) } catch let error as CancellationError {
      throw error  // the rollback does it again
    } catch {
      disarming.reason += "; the counters could not be read: \(error)"
    }
    await run.recordIfPossible(disarming)
    var failures: [any Error] = []
    for fault in held.faults {
      guard let agent = agents[fault.node] else { continue }
      do { _ = try await agent.disarm(fault.id) } catch let error as FaultError where error.reason == .notHeld {
        continue  // it never came into force there, or ended by itself
      } catch {
        failures.append(error)
      }
    }
    if let first = failures.first { throw first }  // it counts as held, so the rollback tries again
    let goneAt = run.timebase.monotonic()
    var differences: [String] = []
    for (name, agent) in agents {
      guard let before = held.before[name] else { continue }
      differences += try await agent.snapshot().difference(from: before).map { "\(name): \($0)" }
    }
    let seen = try await probe.measure()
    let closed = seen.contradictions { _, _ in true }
    await run.recordIfPossible(
      FaultGone(
        fault: planned.id, at: goneAt, open: seen.paths.filter { $0.state == .open }.map(name),
        differences: differences))
    state.withLock { $0.held[planned.id] = nil }
    if !differences.isEmpty || !closed.isEmpty {
      throw Problem(
        .recoveryIncomplete, at: planned.id,
        "the nodes are not as they were before the fault: \((differences + closed).joined(separator: "; "))",
        fix: "blackstart recover; in a lab, take the lab down")
    }
  }

  /// Packets of the system under drill that the fault dropped, by node: the kernel's count without our own probes.
  private func dropped(_ id: String, _ agents: Agents) async throws -> [String: UInt64] {
    guard let held = state.withLock({ $0.held[id] }) else { return [:] }
    var dropped: [String: UInt64] = [:]
    for fault in held.faults {
      guard let agent = agents[fault.node] else { continue }
      do {
        let packets = try await agent.counters(of: fault.id).packets
        let probes = held.probes[fault.node] ?? 0
        dropped[fault.node] = packets > probes ? packets - probes : 0
      } catch let error as FaultError {
        guard error.reason == .notHeld else { throw error }
      }
    }
    return dropped
  }

  /// Notes how many of our own probes the fault must have dropped.
  private func count(_ seen: Reachability, for id: String) {
    state.withLock { state in
      for path in seen.paths {
        state.held[id]?.probes[path.to, default: 0] += UInt64(max(0, path.sent - path.arrived))
      }
    }
  }

  private func name(_ path: Reachability.Path) -> String { "\(path.from)→\(path.to)" }

  /// Called on a holder's thread.
  private func note(_ event: FaultEvent) {
    guard case .ended(let outcome) = event.kind, outcome.end != .disarmed else { return }
    state.withLock { $0.ended.append(event) }
  }

  /// Ends the run when a fault is no longer in force although nobody disarmed it: what follows is not the drill that was planned.
  private func watchForLapses() async throws {
    while true {
      if let event = state.withLock({ $0.ended.first }), case .ended(let outcome) = event.kind {
        try await run.journal.record(
          FaultLapsed(fault: event.fault, node: event.node, reason: "\(outcome.end)"))
        throw Problem(
          .faultNotApplied, at: "\(event.fault) on \(event.node)",
          "the fault is no longer in force although nobody disarmed it (\(outcome.end)); all faults are verified gone",
          fix: "see whether something else edits the rules of this machine, or starves this process")
      }
      try await run.clock.sleep(for: .milliseconds(100))
    }
  }
}
