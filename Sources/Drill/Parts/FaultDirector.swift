internal import Agents
internal import Faults
internal import Glibc
internal import Lab
internal import Netlink
internal import Scenarios
internal import Support
internal import Synchronization

/// Arms, proves, disarms and verifies the faults of a timeline on the nodes of a site, each step journalled before it is taken.
final class FaultDirector: Sendable {
  private let run: DrillRun
  private let site: Site
  private let held: HeldFaults
  private let news: FaultNews
  /// The nodes before the first fault.
  private let before = Mutex<[String: NodeSnapshot]>([:])

  init(run: DrillRun, site: Site) {
    self.run = run
    self.site = site
    held = HeldFaults()
    news = FaultNews(run: run)
  }

  /// Makes the agents, well before the first fault.
  func equip(_ undo: UndoStack) async throws -> Equipment {
    guard let lab = site.lab else {
      return try await run.equip(hosts: run.scenario.topology.hosts, undo) { [news] in news.take($0) }
    }
    return try run.equip(
      lab, undo, note: { [news] in news.take($0) }, noteUndo: { [news] in news.take(.note("\($0)")) })
  }

  /// Runs the whole timeline; when it returns, every fault is verified gone.
  ///
  /// - Parameter start: the end of the baseline (ns), from which its times count.
  func runTimeline(_ undo: UndoStack, with equipment: Equipment, from start: Int64) async throws {
    for (name, agent) in equipment.agents {
      let snapshot = try await agent.snapshot()
      before.withLock { $0[name] = snapshot }
    }
    let longest = run.scenario.safety.maxDuration
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for fault in run.request.plan.faults {
        group.addTask(name: "fault \(fault.id)") {
          let begins = try await self.run.awaitStart(
            fault.entry.start, of: "fault \(fault.id)", from: start, longest: longest)
          if begins != nil { try await self.hold(fault, equipment, undo) }
          self.run.view.conclude(entry: fault.id)
          return true
        }
      }
      group.addTask(name: "faults in force") {
        try await self.news.watch()
        return false
      }
      defer { group.cancelAll() }
      var left = run.request.plan.faults.count
      while left > 0, let isDone = try await group.next() {
        if isDone { left -= 1 }
      }
    }
    try await equipment.close()
  }

  /// One fault, from arming to its verified end.
  private func hold(_ planned: PlannedFault, _ equipment: Equipment, _ undo: UndoStack) async throws {
    let agents = equipment.agents
    if let inner = InnerFaultRunner(planned, run, agents) { return try await hold(inner, undo) }
    let plan = run.request.plan
    let step = UndoStep("fault \(planned.id)") {
      try await self.end(planned, equipment, reason: "rolled back")
    }
    let standIns = try planned.faults(
      in: run.scenario, seed: plan.seed, run: PlannedObjects.runStandIn, node: node)
    var objects: [PlannedObjects] = []
    for fault in standIns { objects.append(try PlannedObjects(fault, on: try await profile(of: fault, agents))) }
    try planned.confirm(objects)
    if run.request.mode == .dryRun {
      let changes = Dictionary(objects.map { ($0.node, $0.changes) }, uniquingKeysWith: { $0 + $1 })
      try await run.journal.record(FaultWithheld(fault: planned.id, objects: changes))
      return try await run.clock.sleep(for: planned.entry.stop.longest)
    }
    try await run.confirm("arm \(planned.id): \(planned.summary)")
    let faults = try planned.faults(in: run.scenario, seed: plan.seed, run: run.request.runID, node: node)
    let armedAt = try await undo.perform(step) { try await self.arm(planned, faults, agents) }
    try await prove(planned, equipment)
    run.view.note(fault: planned.id, .begun, at: armedAt)
    try await run.awaitStop(planned.entry.stop, of: "fault \(planned.id)", armed: armedAt)
    try await end(planned, equipment, reason: "planned")
  }

  /// One fault inside nodes, from arming to its verified end.
  private func hold(_ inner: InnerFaultRunner, _ undo: UndoStack) async throws {
    let planned = inner.planned
    try await inner.confirm()
    if run.request.mode == .dryRun {
      try await run.journal.record(FaultWithheld(fault: planned.id, objects: try await inner.changes()))
      return try await run.clock.sleep(for: planned.entry.stop.longest)
    }
    try await run.confirm("arm \(planned.id): \(planned.summary)")
    let step = UndoStep("fault \(planned.id)") { try await inner.end(reason: "rolled back") }
    let armed = try await undo.perform(step) { try await inner.arm() }
    run.view.note(fault: planned.id, .begun, at: armed)
    try await run.awaitStop(planned.entry.stop, of: "fault \(planned.id)", armed: armed)
    try await inner.end(reason: "planned")
    run.view.note(fault: planned.id, .ended, at: run.timebase.monotonic())
  }

  private func profile(of fault: Fault, _ agents: [String: any Agent]) async throws -> NodeProfile {
    guard let agent = agents[fault.node] else {
      throw Problem(.faultNotApplied, at: fault.node, "the site has no such node; nothing was armed")
    }
    return try await agent.profile()
  }

  private func node(_ name: String) throws -> Disturbance.Node {
    guard let node = site.node(name) else {
      throw Problem(.faultNotApplied, at: name, "the site has no such node; nothing was armed")
    }
    return Disturbance.Node(name, addresses: node.addresses)
  }

  private func arm(_ planned: PlannedFault, _ faults: [Fault], _ agents: [String: any Agent]) async throws -> Int64 {
    var objects: [String: [String]] = [:]
    for fault in faults { objects[fault.node] = try FaultPlan(fault, on: try await profile(of: fault, agents)).changes }
    try await run.journal.record(FaultArming(fault: planned.id, kind: planned.kind, objects: objects))
    held.add(planned, faults)
    do {
      // A lab's nodes have this machine's users and groups: what is proven can be as narrow as what is armed. Of hosts nobody
      // here knows them, and nothing is proven by datagrams of ours.
      if site.lab != nil {
        let known = try await onOwnThread("look up owners") { try faults.map { try $0.lookingUpOwner() } }
        held.replace(planned.id, known)
      }
      let receipts = try await withThrowingTaskGroup(of: (node: String, receipt: ArmReceipt).self) { group in
        for fault in faults {
          guard let agent = agents[fault.node] else { continue }
          group.addTask(name: "arm \(fault.id) on \(fault.node)") { (fault.node, try await agent.arm(fault)) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      let first = receipts.map(\.receipt.sentAtNanoseconds).min() ?? 0
      let last = receipts.map(\.receipt.armedAtNanoseconds).max() ?? 0
      let owners = receipts.flatMap { node, receipt in receipt.owners.map { "\(node): \($0)" } }.sorted()
      try await run.journal.record(
        FaultArmed(fault: planned.id, at: last, skew: last - first, owners: owners.isEmpty ? nil : owners))
      for (node, receipt) in receipts {
        for name in receipt.names {
          try await run.journal.record(
            FaultNameChanged(
              fault: planned.id, node: node, name: name.name, added: name.addresses.map(\.description), removed: []))
        }
      }
      return last
    } catch let error as CancellationError {
      throw error
    } catch {
      throw Problem(
        .faultNotApplied, at: planned.id, "the fault could not be armed on every node: \(error); it is taken back",
        fix: "blackstart doctor says what this kernel lacks")
    }
  }

  /// Shows that the fault bites: each ordered pair is cut, late or open as planned, in both address families, together with
  /// whatever else is in force; and the kernel has met packets that were not our own probes.
  private func prove(_ planned: PlannedFault, _ equipment: Equipment) async throws {
    // Where nobody sends datagrams of ours, the system's own traffic must come by; but before the lease ends a short fault, which
    // is 5 s longer than planned.
    let patience: Duration =
      equipment.probe == nil ? min(.seconds(10), planned.entry.stop.longest + .seconds(3)) : .seconds(5)
    let deadline =
      run.timebase.monotonic() + patience.nanoseconds + 4 * held.proof(between: equipment.ends).longestDelay
    while true {
      let proof = held.proof(between: equipment.ends)
      let seen = try await equipment.look(for: proof, timebase: run.timebase)
      held.count(seen, between: equipment.ends)
      let wrong = proof.contradictions(seen)
      let met = try await held.met(planned.id, equipment.agents)
      let unmet = met.filter { $0.value == 0 }.keys.map(\.words).sorted()
      // Of an effect each direction must show; of a cut any, for who hears nothing soon says nothing; and a connection that one
      // end has broken is not there to be broken by the other.
      let total = met.values.reduce(0, +)
      let bites = planned.kind == FaultSpecification.Kind.network.rawValue ? unmet.isEmpty && !met.isEmpty : total > 0
      if wrong.isEmpty && bites {
        let cut = seen.paths.filter { $0.state == .closed }.map(name)
        let open = seen.paths.filter { $0.state == .open }.map(name)
        try await run.journal.record(
          FaultProven(
            fault: planned.id, at: seen.fromNanoseconds, cut: cut, open: open,
            measured: equipment.probe == nil ? words(met) : proof.measured(seen),
            droppedPackets: total))
        return
      }
      if run.timebase.monotonic() > deadline {
        let why =
          !wrong.isEmpty
          ? wrong.joined(separator: "; ")
          : "it met no packet of the system under drill on \(unmet.joined(separator: ", "))"
        throw Problem(
          .faultNotApplied, at: planned.id, "the fault's effect could not be verified: \(why); it is taken back",
          fix: "see the nodes' rules while it is armed with: nft list ruleset")
      }
      try await run.clock.sleep(for: .milliseconds(50))
    }
  }

  /// What was met, a line each: all that is known of a bite where nobody sends datagrams of ours.
  private func words(_ met: [HeldFaults.Place: UInt64]) -> [String] {
    let lines = met.map { "\($0.key.words): \($0.value) packets met" }.sorted()
    // Nobody tells them from the system's own there.
    return lines + (run.scenario.probes.isEmpty ? [] : ["what probes asked, where it meets the fault, is among them"])
  }

  /// Takes the fault away and verifies that it is gone. Does nothing for a fault that is gone already.
  ///
  /// Neither a journal that takes nothing more nor a node that fails keeps it from disarming the others.
  private func end(_ planned: PlannedFault, _ equipment: Equipment, reason: String) async throws {
    let agents = equipment.agents
    guard let faults = held.faults(of: planned.id) else { return }
    var disarming = FaultDisarming(fault: planned.id, reason: reason, droppedPackets: [:])
    do {
      disarming.droppedPackets = Dictionary(
        try await held.met(planned.id, agents).map { ($0.key.node, $0.value) }, uniquingKeysWith: +)
    } catch let error as CancellationError {
      throw error  // the rollback does it again
    } catch {
      disarming.reason += "; the counters could not be read: \(error)"
    }
    await run.recordIfPossible(disarming)
    var failures: [any Error] = []
    for fault in faults {
      guard let agent = agents[fault.node] else { continue }
      do { _ = try await agent.disarm(fault.id) } catch let error as FaultError where error.reason == .notHeld {
        continue  // it never came into force there, or ended by itself
      } catch {
        failures.append(error)
      }
    }
    if let first = failures.first { throw first }  // it counts as held, so the rollback tries again
    let goneAt = run.timebase.monotonic()
    let others = held.remove(planned.id)
    let before = before.withLock { $0 }
    var differences: [String] = []
    var ofOthers: [String] = []
    for (name, agent) in agents {
      guard let before = before[name] else { continue }
      // A fault has objects on its own hosts alone, and the others may not be there to be asked any more.
      guard site.lab != nil || faults.contains(where: { $0.node == name }) else { continue }
      let snapshot = try await agent.snapshot()
      if site.lab != nil {
        differences += snapshot.difference(from: before, ignoringObjectsOf: others).map { "\(name): \($0)" }
      } else {
        // On a host others work too: what they changed meanwhile is told, and is none of ours.
        differences += snapshot.objects(of: faults).map { "\(name): + \($0)" }
        ofOthers += snapshot.difference(from: before, ignoringObjectsOf: others + faults)
          .map { "\(name), by others: \($0)" }
      }
    }
    run.view.note(fault: planned.id, .ended, at: goneAt)
    let proof = held.proof(between: equipment.ends)
    let seen = try await equipment.look(for: proof, timebase: run.timebase)
    held.count(seen, between: equipment.ends)
    let closed = proof.contradictions(seen)
    await run.recordIfPossible(
      FaultGone(
        fault: planned.id, at: goneAt, open: seen.paths.filter { $0.state == .open }.map(name),
        differences: differences, evidence: ofOthers.isEmpty ? nil : ofOthers))
    if !differences.isEmpty || !closed.isEmpty {
      throw Problem(
        .recoveryIncomplete, at: planned.id,
        "the nodes are not as they were before the fault: \((differences + closed).joined(separator: "; "))",
        fix: "blackstart recover; in a lab, take the lab down")
    }
  }

  private func name(_ path: Reachability.Path) -> String { "\(path.from)→\(path.to)" }
}
