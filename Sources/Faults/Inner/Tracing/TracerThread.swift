internal import CKernel
internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// The one thread on which a ``Tracer`` lives. Jobs run on it in order; between them it waits for traced processes, tells
/// their observers, and calls what was scheduled.
///
/// The thread ends when this object goes away, and with it every trace: what it held stopped goes on, also if this whole
/// process is killed.
final class TracerThread: Sendable {
  private let state: SharedState

  /// - Parameter name: its name in `ps -L`, cut at 15 bytes.
  /// - Throws: `SystemError` when there can be no such thread.
  init(_ name: String, timebase: Timebase = .system) throws(SystemError) {
    let shared = SharedState()
    state = shared
    let arrival = DispatchSemaphore(value: 0)
    let box = ThreadBody {
      bs_set_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
      // Threads of others stand still while this one works: it comes first where it may.
      setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(bs_gettid()), -10)
      do throws(SystemError) {
        let tracer = try Tracer(timebase: timebase)
        shared.setAlarm(tracer.alarm)
        arrival.signal()
        Self.run(tracer, shared)
      } catch {
        shared.fail(error)
        arrival.signal()
      }
    }
    try box.start(name)
    arrival.wait()
    if let error = shared.failure { throw error }
  }

  deinit {
    state.stop()
  }

  /// Runs `job` on the thread, after those that wait already. Not cancellable: a process may stand still for it.
  func run<T: Sendable>(_ job: @escaping @Sendable (Tracer) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      state.post { tracer in continuation.resume(with: Result { try job(tracer) }) }
    }
  }

  /// Runs `job` on the thread some time, after those that wait already.
  func post(_ job: @escaping @Sendable (Tracer) -> Void) {
    state.post(job)
  }

  /// Runs `body` with a tracer on a thread of its own and waits for its end, which lets go whatever `body` did not.
  /// Blocks: for callers that are on a thread where they may.
  static func once<T>(timebase: Timebase = .system, _ body: (Tracer) throws -> T) throws -> T {
    try withoutActuallyEscaping(body) { body in
      let errand = Errand(body)
      let thread = ThreadBody {
        setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(bs_gettid()), -10)  // as above
        errand.outcome = Result { try errand.body(try Tracer(timebase: timebase)) }
      }
      try thread.runAndJoin("tracer")
      guard let outcome = errand.outcome else { preconditionFailure("a thread ended without an outcome") }
      return try outcome.get()
    }
  }

  private static func run(_ tracer: Tracer, _ state: SharedState) {
    while true {
      let (jobs, isStopping) = state.take()
      for job in jobs { job(tracer) }
      if isStopping { break }
      while tracer.waitForOne(blocking: false) {}
      let next = tracer.runDue()
      if tracer.isTracing {
        tracer.alarm.set(next)
        if state.beginWaiting() { _ = tracer.waitForOne(blocking: true) }
        state.endWaiting()
        tracer.alarm.set(nil)
      } else {
        state.sleep(nanoseconds: next.map { $0 - tracer.timebase.monotonic() })
      }
    }
    tracer.detachAll()
  }
}

/// One call on another thread.
private final class Errand<T>: @unchecked Sendable {  // proof: whoever made it waits until the other thread has ended
  let body: (Tracer) throws -> T
  var outcome: Result<T, any Error>?

  init(_ body: @escaping (Tracer) throws -> T) { self.body = body }
}

/// Jobs on their way to the thread.
private final class SharedState: Sendable {
  typealias Job = @Sendable (Tracer) -> Void

  private struct State {
    var jobs: [Job] = []
    var isStopping = false
    /// The thread waits for the kernel, which only the alarm interrupts.
    var isWaiting = false
    var alarm: TraceAlarm?
    var failure: SystemError?
  }

  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)

  var failure: SystemError? { state.withLock(\.failure) }

  func setAlarm(_ alarm: TraceAlarm) { state.withLock { $0.alarm = alarm } }

  func fail(_ error: SystemError) { state.withLock { $0.failure = error } }

  func post(_ job: @escaping Job) {
    state.withLock { state in
      state.jobs.append(job)
      if state.isWaiting { state.alarm?.ring() }
    }
    bell.signal()
  }

  func stop() {
    state.withLock { state in
      state.isStopping = true
      if state.isWaiting { state.alarm?.ring() }
    }
    bell.signal()
  }

  func take() -> (jobs: [Job], isStopping: Bool) {
    state.withLock { state in
      defer { state.jobs = [] }
      return (state.jobs, state.isStopping)
    }
  }

  /// Whether there is nothing to do but wait.
  func beginWaiting() -> Bool {
    state.withLock { state in
      guard state.jobs.isEmpty, !state.isStopping else { return false }
      state.isWaiting = true
      return true
    }
  }

  func endWaiting() { state.withLock { $0.isWaiting = false } }

  func sleep(nanoseconds: Int64?) {
    guard let nanoseconds else {
      bell.wait()
      return
    }
    _ = bell.wait(timeout: .now() + .nanoseconds(Int(max(0, nanoseconds))))
  }
}

/// A thread and what it does.
private final class ThreadBody: Sendable {
  let body: @Sendable () -> Void

  init(_ body: @escaping @Sendable () -> Void) { self.body = body }

  func start(_ name: String) throws(SystemError) {
    pthread_detach(try create(name))
  }

  func runAndJoin(_ name: String) throws(SystemError) {
    pthread_join(try create(name), nil)
  }

  private func create(_ name: String) throws(SystemError) -> pthread_t {
    var thread = pthread_t()
    let context = Unmanaged.passRetained(self)  // released by the thread
    let error = pthread_create(&thread, nil, runThreadBody, context.toOpaque())
    guard error == 0 else {
      context.release()
      throw SystemError("pthread_create", name, number: error)
    }
    return thread
  }
}

private func runThreadBody(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { preconditionFailure("a thread without work") }
  Unmanaged<ThreadBody>.fromOpaque(context).takeRetainedValue().body()
  return nil
}
