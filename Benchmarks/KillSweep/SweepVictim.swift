internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// The hidden command `sweep-victim NAMESPACE KIND STATE JOURNAL TOOL PEER...`: holds one fault as a drill does, with a
/// journal record before and after each step, until it is killed; or until it reads a byte, and then ends it.
func beSwept(_ words: [String]) async throws {
  guard words.count >= 6, let kind = SweptFault(rawValue: words[1]) else {
    throw Problem(.usage, "sweep-victim is for the sweep of faults only")
  }
  let namespace = try NetworkNamespace.open(named: words[0])
  let peers = words.dropFirst(5).compactMap { IPAddress($0) }
  let fault = kind.fault(on: words[0], peers: peers)
  let journal = try Journal(creating: words[3], timebase: .system)
  let keeper = try GuardedUndo(stateDirectory: words[2], run: fault.run, program: words[4]) { event in
    report(Problem(.fail, at: kind.rawValue, "the keeper of undo data reported: \(event)"))
  }
  let holder = try FaultHolder(node: fault.node, namespace: namespace, undo: keeper) { event in
    if case .heartbeatFailed(let why) = event.kind { report(Problem(.fail, at: kind.rawValue, why)) }
  }
  // What an agent has done before its first fault: no step of the sweep is to wait for it.
  _ = try await holder.profile()
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
  try await journal.append(SweepStep.disarmed.rawValue)
  let left = keeper.close()
  if !left.isEmpty { throw Problem(.recoveryIncomplete, at: kind.rawValue, left.joined(separator: ", ")) }
}
