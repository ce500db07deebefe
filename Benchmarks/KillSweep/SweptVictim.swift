internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// One process that holds a fault, followed to the step at which it is killed.
struct SweptVictim: Sendable {
  let plan: FaultKillPlan
  let nodes: [BenchNode]
  let tool: String
  let directory: String
  let before: NodeSnapshot

  /// What the kernel holds must be gone a second after the kill; what it holds for an agent that hangs, a second after its
  /// silence.
  private var limit: Duration { plan.party == .stopped ? SweptFault.silence + .seconds(1) : .seconds(1) }

  private var state: String { "\(directory)/state" }

  func run() async throws -> FaultKill {
    try makeDirectory(state)
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError("pipe") }
    defer { close(ends[1]) }
    var request = ProcessRequest(
      try ownPath(),
      ["sweep-victim", nodes[0].namespace.name ?? "", plan.fault.rawValue, state, "\(directory)/journal", tool]
        + nodes[1].addresses.map { "\($0)" })
    request.standardInput = ends[0]
    request.logPath = "\(directory)/log"
    let process: ChildProcess
    do { process = try ChildProcess(request) } catch {
      close(ends[0])
      throw error
    }
    close(ends[0])
    do {
      let kill = try await onOwnThread("sweep") { [end = ends[1]] in try followAndKill(process, end) }
      try removeTree(directory)
      return kill
    } catch {
      try process.send(Signal.kill)
      _ = await process.wait()
      _ = try await onOwnThread("recover") { try UndoRecovery.recover(stateDirectory: state) }
      let log = (try? readFile("\(directory)/log")) ?? []  // it may have died before it had one
      let said = String(decoding: log.suffix(1000), as: UTF8.self)
      throw Problem(.fail, at: "\(plan.fault.rawValue) at \(plan.step.rawValue)", "\(error)\nit said:\n\(said)")
    }
  }

  private func followAndKill(_ process: ChildProcess, _ end: Int32) throws -> FaultKill {
    let node = try SweptNode(nodes[0].namespace, stateDirectory: state)
    defer { node.close() }
    try waitForStep(process, end)
    usleep(UInt32(clamping: plan.delay.nanoseconds / 1000))
    let found = try node.remains()
    let killedAt = Timebase.system.monotonic()
    let (effectGone, devicesGone) = try strike(process, node, found.guardians, killedAt)
    if plan.party == .agent { try node.waitForGuardians() }
    let remained = try node.remains()
    if plan.party == .stopped { try endStopped(process) }
    var problem: String?
    do { _ = try UndoRecovery.recover(stateDirectory: state) } catch { problem = "\(error)" }
    if try !listDirectory("\(state)/faults").isEmpty { problem = problem ?? "its journal is still there" }
    // One that was only being started when its agent was killed ends as soon as it looks.
    try node.waitForGuardians()
    return FaultKill(
      plan: plan, before: found, effectGone: effectGone.map { $0 - killedAt },
      devicesGone: devicesGone.map { $0 - killedAt }, remained: remained, left: try node.remains(),
      difference: try NodeSnapshot(of: nodes[0].namespace).difference(from: before), problem: problem)
  }

  /// Waits for the record, in whichever journal it is to come. From `held` on the victim is told to end its fault.
  private func waitForStep(_ process: ChildProcess, _ end: Int32) throws {
    let own = RecordFollower("\(directory)/journal")
    let undo = RecordFollower(
      UndoRecovery.journal(stateDirectory: state, run: "sweep", process: process.identity))
    let deadline = Timebase.system.monotonic() + 20_000_000_000
    while Timebase.system.monotonic() < deadline {
      let goesOn = process.end == nil
      for record in try own.more() + undo.more() {
        if record.type == plan.step.rawValue { return }
        if record.type == SweepStep.held.rawValue {
          var byte: UInt8 = 1
          guard write(end, &byte, 1) == 1 else { throw SystemError("write", "the victim's input") }
        }
      }
      guard goesOn else { throw Problem(.fail, "the victim ended before its step") }
      usleep(100)
    }
    throw Problem(.fail, "the victim did not come to its step")
  }

  /// Sends the signals and watches what they bring about.
  private func strike(
    _ process: ChildProcess, _ node: SweptNode, _ guardians: [Int32], _ killedAt: Int64
  ) throws -> (Int64?, Int64?) {
    switch plan.party {
    case .agent:
      try process.send(Signal.kill)
      return try node.watch(since: killedAt, limit: limit)
    case .both:
      for pid in guardians { _ = try ProcessIdentity(of: pid)?.send(Signal.kill) }
      try process.send(Signal.kill)
      return try node.watch(since: killedAt, limit: limit)
    case .stopped:
      try process.send(Signal.stop)
      let deadline = killedAt + limit.nanoseconds
      var passes: Int64?
      while passes == nil, Timebase.system.monotonic() < deadline {
        if try node.isWithoutEffect() { passes = Timebase.system.monotonic() }
        breathe()
      }
      var gone: Int64?
      while gone == nil, Timebase.system.monotonic() < deadline {
        if try node.devices().isEmpty { gone = Timebase.system.monotonic() }
        breathe()
      }
      return (passes, gone)
    }
  }

  private func endStopped(_ process: ChildProcess) throws {
    try process.send(Signal.kill)
    guard process.identity.waitUntilGone(limit: .seconds(5)) else {
      throw Problem(.recoveryIncomplete, at: "\(process.identity)", "it ignores SIGKILL")
    }
  }
}
