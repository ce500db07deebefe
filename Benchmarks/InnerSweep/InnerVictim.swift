internal import Faults
internal import Glibc
internal import Support

/// The hidden command `inner-victim KIND STATE JOURNAL TOOL PID TICKS NAME DIRECTORY`: holds one fault inside a node as a drill does, with a
/// journal record before and after each step, until it is killed; or until it reads a byte, and then ends it.
func beSweptInside(_ words: [String]) async throws {
  guard words.count == 8, let kind = SweptInner(rawValue: words[0]), let pid = Int32(words[4]),
    let ticks = UInt64(words[5])
  else { throw Problem(.usage, "inner-victim is for the sweep of faults only") }
  let fault = kind.fault(
    in: SweptSubject(process: ProcessIdentity(pid: pid, startTicks: ticks), name: words[6], directory: words[7]))
  let journal = try Journal(creating: words[2], timebase: .system)
  let keeper = try GuardedUndo(stateDirectory: words[1], run: fault.run, program: words[3]) { event in
    report(Problem(.fail, at: kind.rawValue, "the keeper of undo data reported: \(event)"))
  }
  let disks = NodeDisks(ownPaths: [words[1]])
  let scope = ProcessScope(disks: disks, permitsNodeClock: kind == .nodeClock && SweptNodeClock.isAllowed)
  let holder = InnerFaultHolder(node: fault.node, scope: scope, undo: keeper) { event in
    if case .heartbeatFailed(let why) = event.kind { report(Problem(.fail, at: kind.rawValue, why)) }
  }
  var prepared: PreparedDirectory?
  if kind == .files {
    prepared = try await onOwnThread("prepare") {
      try PreparedDirectory(
        words[7], id: "place", run: fault.run, node: fault.node, program: words[3], undo: keeper)
    }
  }
  if let prepared { disks.add(prepared, as: nil) }
  try await journal.append(SweepStep.arming.rawValue)
  _ = try await holder.arm(fault)
  try await journal.append(SweepStep.armed.rawValue)
  try await ContinuousClock().sleep(for: .milliseconds(250))  // two heartbeats
  try await journal.append(SweepStep.held.rawValue)
  try await onOwnThread("told to end") {
    var byte: UInt8 = 0
    guard read(0, &byte, 1) == 1 else { throw Problem(.fail, "nobody told the victim to end") }
  }
  try await journal.append(SweepStep.disarming.rawValue)
  let outcome = try await holder.disarm(fault.id)
  guard outcome.end == .disarmed, outcome.left.isEmpty else {
    throw Problem(.fail, at: kind.rawValue, "the fault ended otherwise than by being asked to: \(outcome)")
  }
  await holder.close()
  if let prepared { try await onOwnThread("release") { try prepared.release() } }
  try await journal.append(SweepStep.disarmed.rawValue)
  let left = keeper.close()
  if !left.isEmpty { throw Problem(.recoveryIncomplete, at: kind.rawValue, left.joined(separator: ", ")) }
}
