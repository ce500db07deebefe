internal import Glibc
internal import Support
internal import Synchronization

/// Makes processes stand still by SIGSTOP.
final class SignalPause: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let processes: [ProcessHandle]
  private let tally = Mutex(InnerCounters())

  init(_ order: InnerOrder, _ choice: MechanismChoice) throws(FaultError) {
    self.choice = choice
    self.order = order
    processes = try order.processes()
    if let stopped = processes.first(where: { $0.entry?.isStopped ?? false }) {
      throw order.refusal(.invalid("\(stopped.text) stands still already; nobody could say who is to let it go on"))
    }
    tally.withLock { $0.meant = processes.count }
  }

  var changes: [String] { processes.map { "SIGSTOP to \($0.text)" } }

  var undo: [UndoAction] { processes.map { .processes(.resume($0.identity, command: $0.command)) } }

  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    let begun = order.timebase.monotonic()
    for process in processes { try process.send(Signal.stop) }
    for process in processes {
      guard settles({ process.entry.map(\.isStopped) ?? true }) else {
        throw SystemError("SIGSTOP", "\(process.text): it runs on", number: EBUSY)
      }
    }
    let took = Duration.nanoseconds(order.timebase.monotonic() - begun).brief
    try count()
    let counters = counters
    guard counters.reached > 0 else { throw SystemError("SIGSTOP", "all processes ended meanwhile", number: ESRCH) }
    return ["\(counters.reached) of \(counters.meant) processes stand still, \(took) after the first signal"]
  }

  func look() throws -> String? {
    try count()
    return processes.first { $0.entry.map { !$0.isStopped && !$0.hasEnded } ?? false }.map { "\($0.text) runs" }
  }

  /// Those that came later are meant too and not reached.
  private func count() throws {
    let meant = try order.fault.processes?.count(in: order.scope) ?? processes.count
    let reached = processes.count { $0.entry?.isStopped ?? false }
    tally.withLock { tally in
      tally.reached = reached
      tally.meant = max(meant, reached)
      tally.hits = max(tally.hits, UInt64(reached))
      tally.particulars["processes paused"] = tally.hits
    }
  }

  func takeAway() throws -> [String] {
    for process in processes where process.entry?.isStopped ?? false { try process.send(Signal.resume) }
    for process in processes where !settles({ !(process.entry?.isStopped ?? false) }) {
      throw SystemError("SIGCONT", "\(process.text): it stands still", number: EBUSY)
    }
    return ["\(processes.count { !$0.hasEnded }) of \(processes.count) processes run again"]
  }
}

extension ProcessTable.Entry {
  /// Whether it stands still by a signal, or by its tracer.
  var isStopped: Bool { state == "T" || state == "t" }
}

/// Looks until something is so, for at most two seconds. Blocks.
func settles(_ condition: () throws -> Bool) rethrows -> Bool {
  for step in 0..<400 {
    if try condition() { return true }
    usleep(step < 40 ? 100 : 5_000)
  }
  return try condition()
}
