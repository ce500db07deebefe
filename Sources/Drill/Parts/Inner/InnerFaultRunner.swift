internal import Agents
internal import Faults
internal import Lab
internal import Scenarios
internal import Support
internal import Synchronization

/// Arms, proves, ends and verifies the end of one fault of the timeline that is inside nodes, each step journalled before
/// it is taken.
final class InnerFaultRunner: Sendable {
  let planned: PlannedFault
  let run: DrillRun
  let agents: [String: any Agent]
  private let isOver = Mutex(false)

  /// - Returns: `nil` for a fault on the network.
  init?(_ planned: PlannedFault, _ run: DrillRun, _ agents: [String: any Agent]) {
    guard !planned.entry.fault.inside.isEmpty else { return nil }
    self.planned = planned
    self.run = run
    self.agents = agents
  }

  private func faults(run name: String) -> [InnerFault] {
    planned.innerFaults(in: run.scenario.topology, seed: run.request.plan.seed, run: name)
  }

  /// Checks that what will be made is what was planned: the same words for the same kind of node.
  func confirm() async throws {
    var objects: [PlannedObjects] = []
    for fault in faults(run: PlannedObjects.runStandIn) {
      objects.append(try PlannedObjects(fault, on: try await agent(of: fault).innerProfile()))
    }
    try planned.confirm(objects)
  }

  /// What would be changed now, by node, with the very processes and files.
  func changes() async throws -> [String: [String]] {
    var changes: [String: [String]] = [:]
    for fault in faults(run: run.request.runID) {
      do { changes[fault.node, default: []] += try await agent(of: fault).changes(of: fault) } catch {
        throw notApplied("\(error)")
      }
    }
    return changes
  }

  /// Makes it on every node and proves that it is in force.
  ///
  /// - Returns: when that was (ns, monotonic).
  func arm() async throws -> Int64 {
    for ending in planned.entry.fault.endings {
      run.endings.announce(
        .init(
          fault: planned.id, region: ending.region, kind: ending.server.flatMap(ServerKind.init),
          restart: ending.restart, clocks: ending.clocks,
          aftermath: planned.entry.fault.preparedRegion == nil ? .seconds(1) : .seconds(15))
      )
    }
    try await run.journal.record(FaultArming(fault: planned.id, kind: planned.kind, objects: try await changes()))
    var receipts: [InnerArmReceipt] = []
    do {
      for fault in faults(run: run.request.runID) { receipts.append(try await agent(of: fault).arm(fault)) }
    } catch let error as CancellationError {
      throw error
    } catch {
      throw notApplied("\(error)")
    }
    let first = receipts.map(\.sentAtNanoseconds).min() ?? 0
    let last = receipts.map(\.armedAtNanoseconds).max() ?? 0
    try await run.journal.record(FaultArmed(fault: planned.id, at: last, skew: last - first))
    // The mechanism has looked at what it made: a receipt is the proof.
    try await run.journal.record(
      FaultProven(
        fault: planned.id, at: last, cut: [], open: [], measured: receipts.flatMap(\.evidence),
        droppedPackets: receipts.map(\.counters.hits).reduce(0, +)))
    return last
  }

  /// Takes it back on every node and verifies that it is gone. Does nothing where it is gone already.
  func end(reason: String) async throws {
    guard !isOver.withLock({ $0 }) else { return }
    let faults = faults(run: run.request.runID)
    var disarming = FaultDisarming(fault: planned.id, reason: reason, droppedPackets: [:])
    for fault in faults {
      // What cannot be read now is read when it ends; a fault that never came into force has none.
      disarming.droppedPackets[fault.node] = (try? await agent(of: fault).counters(of: fault.id))?.inner?.hits
    }
    await run.recordIfPossible(disarming)
    var evidence: [String] = []
    var failures: [any Error] = []
    for fault in faults {
      do {
        let outcome = try await agent(of: fault).disarm(fault.id)
        evidence += (outcome.evidence ?? []).map { "\(fault.node): \($0)" }
        if let inner = outcome.counters.inner { evidence.append("\(fault.node): \(inner)") }
      } catch let error as FaultError where error.reason == .notHeld {
        continue  // it never came into force there
      } catch {
        failures.append(error)
      }
    }
    if let first = failures.first { throw first }  // the rollback tries again
    isOver.withLock { $0 = true }
    run.endings.withdraw(fault: planned.id, now: run.timebase.monotonic())
    await run.recordIfPossible(
      FaultGone(
        fault: planned.id, at: run.timebase.monotonic(), open: [], differences: [], evidence: evidence))
  }

  private func agent(of fault: InnerFault) throws -> any Agent {
    guard let agent = agents[fault.node] else {
      throw Problem(.faultNotApplied, at: fault.node, "the site has no such node; nothing was armed")
    }
    return agent
  }

  private func notApplied(_ why: String) -> Problem {
    Problem(
      .faultNotApplied, at: planned.id, "the fault could not be armed on every node: \(why)",
      fix: "blackstart doctor says what this machine offers")
  }
}
