internal import Support
internal import Synchronization

/// Ends processes, and again whenever they are back.
final class RestartLoop: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let every: Int64
  private let first: [ProcessHandle]
  private let state = Mutex(State())

  private struct State: Sendable {
    var counters = InnerCounters()
    var due: Int64 = 0
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice, everyMilliseconds: Int64) throws(FaultError) {
    self.choice = choice
    self.order = order
    every = everyMilliseconds * 1_000_000
    first = try order.processes()
    state.withLock { $0.counters.meant = first.count }
  }

  var changes: [String] {
    first.map { "SIGKILL to \($0.text)" } + [
      "SIGKILL to whoever takes its place, every \(Duration.nanoseconds(every).brief)"
    ]
  }

  var undo: [UndoAction] {
    first.map { .processes(.nothing(what: "end of \($0.text)", why: "is for whoever supervises it to mend")) }
  }

  var lookEvery: Int64? { every }

  var counters: InnerCounters { state.withLock(\.counters) }

  func make() throws -> [String] {
    try end(first)
    state.withLock { $0.due = order.timebase.monotonic() + every }
    return first.map { "\($0.text) ended" }
  }

  func look() throws -> String? {
    guard order.timebase.monotonic() >= state.withLock(\.due) else { return nil }
    state.withLock { $0.due = order.timebase.monotonic() + every }
    let back: [ProcessHandle]
    do { back = try order.processes() } catch {
      // That there is none is what this fault wants.
      if case .invalid = error.reason { return nil }
      throw error
    }
    try end(back)
    return nil
  }

  private func end(_ processes: [ProcessHandle]) throws {
    for process in processes { try process.send(Signal.kill) }
    for process in processes where !process.waitUntilEnded(milliseconds: 1_000) {
      throw SystemError("SIGKILL", "\(process.text): it is still there", number: 16)  // EBUSY
    }
    state.withLock { state in
      state.counters.meant = processes.count
      state.counters.reached = processes.count
      state.counters.hits += UInt64(processes.count)
      state.counters.particulars["processes ended", default: 0] += UInt64(processes.count)
    }
  }

  func takeAway() throws -> [String] { ["nobody is killed any more; what ended is for its supervisor to start"] }
}
