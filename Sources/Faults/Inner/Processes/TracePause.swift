internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// Makes processes stand still by ptrace, every thread of them, on one thread of ours that traces nothing else. However
/// that thread ends, the kernel lets them go on.
final class TracePause: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let first: [ProcessHandle]
  private let own: ProcessIdentity
  private let state = Mutex(State())

  private struct State: Sendable {
    var thread: TracerThread?
    /// All that stand still by us, those that came later too.
    var paused: [ProcessIdentity] = []
    var counters = InnerCounters()
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice) throws {
    self.choice = choice
    self.order = order
    own = try .current()
    first = try order.processes()
    for process in first {
      do { try TraceableProcess(process.identity).checkTraceable() } catch {
        throw order.refusal(.unsupported("\(process.command): \(error)" + (error.fix.map { "; \($0)" } ?? "")))
      }
    }
    state.withLock { $0.counters.meant = first.count }
  }

  var changes: [String] { first.map { "ptrace stop of all threads of \($0.text)" } }

  var undo: [UndoAction] { first.map { .processes(.release($0.identity, command: $0.command, tracer: own)) } }

  /// The kernel ends it with us; one of us that hangs could only be ended.
  var isPromisedForLease: Bool { true }

  var counters: InnerCounters { state.withLock(\.counters) }

  func make() throws -> [String] {
    let thread = try TracerThread("pause \(order.fault.id)", timebase: order.timebase)
    state.withLock { $0.thread = thread }
    let begun = order.timebase.monotonic()
    try pause(first.map(\.identity), on: thread)
    let took = order.timebase.monotonic() - begun
    if let runs = try missing() { throw SystemError("ptrace", runs, number: EBUSY) }
    try count()
    let threads = first.compactMap { $0.entry?.threads }.reduce(0, +)
    return [
      "\(counters.reached) processes with \(threads) threads stand still, after \(Duration.nanoseconds(took).brief)"
    ]
  }

  private func pause(_ processes: [ProcessIdentity], on thread: TracerThread) throws {
    try thread.runBlocking { tracer in
      for process in processes {
        let traced = try tracer.seize(process)
        try traced.stop(within: .seconds(1))
      }
    }
    state.withLock { $0.paused += processes }
  }

  func look() throws -> String? {
    if let missing = try missing() { return missing }
    // What came later stands still too from now on.
    let known = Set(state.withLock(\.paused))
    if let thread = state.withLock(\.thread) {
      let newcomers = try meant().filter { !known.contains($0) }
      for process in newcomers {
        do { try pause([process], on: thread) } catch let error as TraceError where error.reason == .gone { continue }
      }
    }
    try count()
    return nil
  }

  /// Those that are meant now; none if all have ended.
  private func meant() throws -> [ProcessIdentity] {
    do { return try order.processes().map(\.identity) } catch {
      if case .invalid = error.reason { return [] }
      throw error
    }
  }

  /// One that runs although it should not; `nil` if there is none. Those that have ended do not count.
  private func missing() throws -> String? {
    for process in state.withLock(\.paused) where process.isAlive && !isPaused(process) { return "\(process) runs" }
    return nil
  }

  private func isPaused(_ process: ProcessIdentity) -> Bool {
    guard let entry = ProcessTable.Entry(of: process.pid), entry.identity == process else { return false }
    return entry.state == "t"
  }

  private func count() throws {
    let meant = try meant()
    state.withLock { state in
      let reached = state.paused.count(where: isPaused)
      state.counters.reached = reached
      state.counters.meant = max(reached, meant.count)
      state.counters.hits = max(state.counters.hits, UInt64(reached))
      state.counters.particulars["processes paused"] = state.counters.hits
    }
  }

  func takeAway() throws -> [String] {
    let (thread, paused) = state.withLock { state in
      defer { state.thread = nil }
      return (state.thread, state.paused)
    }
    try thread?.runBlocking { $0.detachAll() }
    for process in paused where !settles({ !self.isPaused(process) }) {
      throw SystemError("PTRACE_DETACH", "\(process), which stands still", number: EBUSY)
    }
    return ["\(paused.count(where: \.isAlive)) of \(paused.count) processes run again, untraced"]
  }
}

extension TracerThread {
  /// Runs `job` on the tracer's thread and waits for it. For callers that are on a thread where they may block.
  func runBlocking(_ job: @escaping @Sendable (Tracer) throws -> Void) throws {
    let outcome = TracerOutcome()
    post { tracer in
      do { try job(tracer) } catch { outcome.failure.withLock { $0 = error } }
      outcome.bell.signal()
    }
    outcome.bell.wait()
    if let error = outcome.failure.withLock({ $0 }) { throw error }
  }
}

/// Whether a job on the tracer's thread failed.
private final class TracerOutcome: Sendable {
  let bell = DispatchSemaphore(value: 0)
  let failure = Mutex<(any Error)?>(nil)
}
