internal import Glibc
internal import PassThrough
internal import Support
internal import Synchronization

/// Makes system calls of running processes late, by ptrace stops on one thread of ours. However that thread ends, the
/// kernel lets them go on at full speed.
final class CallsMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let delay: CallLatency
  private let first: [ProcessHandle]
  private let own: ProcessIdentity
  private let shared: SharedCallState
  private let state = Mutex(State())

  private struct State: Sendable {
    var thread: TracerThread?
    var traced: [ProcessIdentity] = []
    var counters = InnerCounters()
  }

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ delay: CallLatency) throws {
    self.order = order
    self.choice = choice
    self.delay = delay
    own = try .current()
    first = try order.processes()
    for process in first {
      do { try TraceableProcess(process.identity).checkTraceable() } catch {
        if error.reason == .gone { continue }  // one of many that come and go
        throw order.refusal(.unsupported("\(process.command): \(error)" + (error.fix.map { "; \($0)" } ?? "")))
      }
    }
    shared = SharedCallState(FileDecisions([delay.rule], seed: order.fault.seed))
    state.withLock { $0.counters.meant = first.count }
  }

  var changes: [String] { first.map { "ptrace stop at every system call of all threads of \($0.text)" } }

  var undo: [UndoAction] { first.map { .processes(.release($0.identity, command: $0.command, tracer: own)) } }

  /// The kernel ends it with us; one of us that hangs could only be ended.
  var isPromisedForLease: Bool { true }

  var counters: InnerCounters { state.withLock(\.counters) }

  func make() throws -> [String] {
    let thread = try TracerThread("calls \(order.fault.id)", timebase: order.timebase)
    state.withLock { $0.thread = thread }
    prolongShared(order.timebase.monotonic() + order.fault.timing.silenceMilliseconds * 1_000_000)
    let begun = order.timebase.monotonic()
    try trace(first.map(\.identity), on: thread)
    let took = Duration.nanoseconds(order.timebase.monotonic() - begun).brief
    if let missing = missing() { throw SystemError("ptrace", missing, number: EBUSY) }
    count()
    guard counters.reached > 0 else { throw SystemError("ptrace", "all processes ended meanwhile", number: ESRCH) }
    return ["\(counters.reached) processes stop at each system call, after \(took)"]
  }

  private func trace(_ processes: [ProcessIdentity], on thread: TracerThread) throws {
    try thread.runBlocking { [shared, delay] tracer in
      for process in processes {
        let watch = CallWatch(tracer, delay, shared)
        do {
          let traced = try tracer.seize(process, options: [.threads, .children], observer: watch)
          shared.keep(watch)
          traced.stopAtSystemCalls(true)
          // Those that run do not stop at calls before they have stopped once.
          try traced.stop(within: .seconds(1))
          traced.resume()
        } catch let error as TraceError where error.reason == .gone {
          continue
        }
      }
    }
    state.withLock { $0.traced += processes }
  }

  func prolong(until: Int64) throws { prolongShared(until) }

  private func prolongShared(_ until: Int64) { shared.until.withLock { $0 = until } }

  func look() throws -> String? {
    if let missing = missing() { return missing }
    let known = Set(state.withLock(\.traced))
    if let thread = state.withLock(\.thread) {
      for process in meant() where !known.contains(process) && tracerOf(process.pid) == nil {
        do { try trace([process], on: thread) } catch let error as TraceError where error.reason == .gone { continue }
      }
    }
    count()
    return nil
  }

  /// Those that are meant now; none if all have ended.
  private func meant() -> [ProcessIdentity] { (try? order.processes().map(\.identity)) ?? [] }

  private func missing() -> String? {
    let traced = state.withLock(\.traced)
    if let free = traced.first(where: { $0.isAlive && tracerOf($0.pid) == nil }) {
      return "\(free) is traced no longer"
    }
    return nil
  }

  private func count() {
    let meant = meant().count
    let tally = shared.decisions.withLock { $0.tallies[0] }
    state.withLock { state in
      state.counters.reached = state.traced.count { $0.isAlive && tracerOf($0.pid) != nil }
      state.counters.meant = max(meant, state.counters.reached)
      state.counters.hits = tally.hit
      state.counters.particulars["calls matched"] = tally.matched
      state.counters.particulars["calls delayed"] = tally.hit
      state.counters.particulars["system calls seen"] = shared.seen.withLock { $0 }
    }
  }

  func takeAway() throws -> [String] {
    count()
    let traced = state.withLock(\.traced)
    do {
      // Those that wait are let go with all others; what does not stop in time, for it waits for a disk, when this block
      // ends and with it the tracer's thread.
      let thread = state.withLock { state in
        defer { state.thread = nil }
        return state.thread
      }
      try thread?.runBlocking { $0.detachAll() }
    }
    for process in traced where !settles({ !process.isAlive || tracerOf(process.pid) == nil }) {
      throw SystemError("PTRACE_DETACH", "\(process), which is still traced", number: EBUSY)
    }
    return ["\(traced.count(where: \.isAlive)) of \(traced.count) processes run untraced"]
  }
}

/// What the tracer's thread and the fault's thread both touch.
private final class SharedCallState: Sendable {
  let decisions: Mutex<FileDecisions>
  /// Until when calls are made late; after that they pass at once.
  let until = Mutex<Int64>(0)
  let seen = Mutex<UInt64>(0)
  // proof: touched on the tracer's thread alone
  private nonisolated(unsafe) var watches: [CallWatch] = []

  init(_ decisions: FileDecisions) { self.decisions = Mutex(decisions) }

  /// Keeps a watch alive, which its process knows weakly.
  func keep(_ watch: CallWatch) { watches.append(watch) }
}

/// Decides at each system call's entry whether it goes on now or later. Lives on the tracer's thread.
private final class CallWatch: Tracer.Observer {
  private unowned let tracer: Tracer
  private let numbers: [UInt64: FileOperation]
  private unowned let shared: SharedCallState

  init(_ tracer: Tracer, _ delay: CallLatency, _ shared: SharedCallState) {
    self.tracer = tracer
    self.shared = shared
    numbers = SystemCallNumbers.native.filter { delay.calls.contains($0.value) }
  }

  func stopped(_ thread: Int32, _ stop: TraceStop, of process: TracedProcess) {
    let arrived = tracer.timebase.monotonic()
    guard case .systemCall = stop, let call = try? process.systemCall(of: thread), call.phase == .entry else {
      return process.pass(thread, stop)
    }
    shared.seen.withLock { $0 += 1 }
    guard let operation = numbers[call.number], isFile(call.arguments.first, of: process),
      arrived < shared.until.withLock({ $0 })
    else { return process.pass(thread, stop) }
    let decision = shared.decisions.withLock { $0.decide(FileRequest(operation: operation, paths: [""])) }
    guard decision.delay > 0 else { return process.pass(thread, stop) }
    wait(thread, until: arrived + decision.delay, of: process)
  }

  /// Looks again within each lease's end, for it may have ended by then.
  private func wait(_ thread: Int32, until due: Int64, of process: TracedProcess) {
    let end = shared.until.withLock { $0 }
    let now = tracer.timebase.monotonic()
    if now >= due || now >= end { return process.resume(thread) }
    tracer.schedule(at: min(due, end)) { [self] in wait(thread, until: due, of: process) }
  }

  /// Reading and writing mean files here: neither sockets nor pipes nor what the kernel makes up.
  private func isFile(_ descriptor: UInt64?, of process: TracedProcess) -> Bool {
    guard let descriptor, let path = linkTarget("/proc/\(process.process.pid)/fd/\(descriptor)") else { return false }
    return path.hasPrefix("/") && !["/dev/", "/proc/", "/sys/"].contains(where: path.hasPrefix)
  }

  func ended(_ process: TracedProcess) {}
}

/// Which system calls read, write and sync, by their numbers.
enum SystemCallNumbers {
  /// arch/x86/entry/syscalls/syscall_64.tbl
  static let x86: [UInt64: FileOperation] = [
    0: .read, 17: .read, 19: .read, 295: .read, 327: .read, 1: .write, 18: .write, 20: .write, 296: .write, 328: .write,
    74: .fsync, 75: .fdatasync,
  ]
  /// include/uapi/asm-generic/unistd.h
  static let arm64: [UInt64: FileOperation] = [
    63: .read, 67: .read, 65: .read, 69: .read, 286: .read, 64: .write, 68: .write, 66: .write, 70: .write, 287: .write,
    82: .fsync, 83: .fdatasync,
  ]

  static var native: [UInt64: FileOperation] {
    #if arch(x86_64)
      x86
    #else
      arm64
    #endif
  }
}
