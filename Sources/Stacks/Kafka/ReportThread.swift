internal import Glibc
internal import Support
internal import Synchronization

/// Whose callbacks a ``ReportThread`` serves.
protocol ReportSource: AnyObject, Sendable {
  /// Waits for callbacks and runs them, for so many milliseconds at most.
  func serve(milliseconds: Int32)

  /// Ends the wait under way, or else the next one. Called with the thread's lock held, and not after ``end()``.
  func interrupt()

  /// Called once, when no callback is served any more.
  func end()
}

/// The thread on which a client's callbacks are served, delivery reports above all, and on which tasks may run that wait for them.
///
/// A task that awaits a delivery is resumed by the report. On the pool that takes a second thread, which has to be woken first; with
/// this one as its preference (`withTaskExecutorPreference`) it goes on where the report came, as a client in C does.
///
/// What runs here must not block: no report is heard meanwhile. The thread outlives the client that it serves, as tasks may still
/// run here; it ends when nobody has its executor any more.
final class ReportThread: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var source: (any ReportSource)?
    var isServing = false
    var ended = false
  }

  // proof: `state` is only touched with `lock` held; `thread` is set before anybody else has it
  private final class Gate: @unchecked Sendable {
    private var lock = pthread_mutex_t()
    private var changed = pthread_cond_t()
    private var state: State
    private var thread = pthread_t()

    init(_ source: any ReportSource) {
      state = State(source: source)
      pthread_mutex_init(&lock, nil)
      pthread_cond_init(&changed, nil)
    }

    deinit {
      pthread_cond_destroy(&changed)
      pthread_mutex_destroy(&lock)
    }

    private func withLock<T>(_ body: (inout State) -> T) -> T {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      return body(&state)
    }

    private var isOwnThread: Bool { pthread_equal(pthread_self(), thread) != 0 }

    func start(_ executor: UnownedTaskExecutor) {
      let context = Unmanaged.passRetained(Start(gate: self, executor: executor))  // released by the thread
      pthread_mutex_lock(&lock)
      let error = pthread_create(&thread, nil, runReports, context.toOpaque())
      pthread_mutex_unlock(&lock)
      precondition(error == 0, "pthread_create: \(errnoText(error))")
      pthread_detach(thread)
    }

    func add(_ job: UnownedJob) {
      withLock { state in
        state.jobs.append(job)
        // What a callback resumes is found as soon as the callbacks have been served.
        if !isOwnThread { wake(state) }
      }
    }

    private func wake(_ state: State) {
      if state.isServing { state.source?.interrupt() } else { pthread_cond_broadcast(&changed) }
    }

    func end() {
      withLock { state in
        state.ended = true
        wake(state)
      }
    }

    func leave() {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      guard let source = state.source else { return }
      precondition(!(state.isServing && isOwnThread), "a client was let go of by one of its own callbacks")
      wake(state)
      state.source = nil
      while state.isServing { pthread_cond_wait(&changed, &lock) }
      source.end()
    }

    /// The body of the thread.
    func run(_ executor: UnownedTaskExecutor) {
      var jobs: [UnownedJob] = []
      while next(&jobs) {
        for job in jobs { job.runSynchronously(on: executor) }
        jobs.removeAll(keepingCapacity: true)
        serve()
      }
    }

    /// Takes the jobs that are there, which are none while there is a source to wait for. `false`: the thread is to end.
    private func next(_ jobs: inout [UnownedJob]) -> Bool {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      while state.jobs.isEmpty && state.source == nil {
        if state.ended { return false }
        pthread_cond_wait(&changed, &lock)
      }
      swap(&jobs, &state.jobs)
      return true
    }

    /// One look at the callbacks, a wait for them when there is nothing else to do.
    private func serve() {
      let (source, isIdle) = withLock { state in
        state.isServing = state.source != nil
        return (state.source, state.jobs.isEmpty)
      }
      guard let source else { return }
      // Whoever else serves this client's callbacks (a flush does) may swallow an interrupt meant for us: hence the limit.
      source.serve(milliseconds: isIdle ? 50 : 0)
      withLock { state in
        state.isServing = false
        pthread_cond_broadcast(&changed)
      }
    }
  }

  /// What the new thread needs; freed by it.
  private final class Start {
    let gate: Gate
    let executor: UnownedTaskExecutor

    init(gate: Gate, executor: UnownedTaskExecutor) {
      self.gate = gate
      self.executor = executor
    }
  }

  private let gate: Gate

  /// Starts the thread, in the network namespace of the calling one: what it wakes may be new threads of the pool, which are born
  /// where it is.
  init(serving source: any ReportSource) {
    gate = Gate(source)
    gate.start(asUnownedTaskExecutor())
  }

  deinit { gate.end() }

  /// Queues one job; called by the runtime.
  func enqueue(_ job: consuming ExecutorJob) { gate.add(UnownedJob(job)) }

  /// Serves its client's callbacks no more, and waits until none is being served. Idempotent.
  func leave() { gate.leave() }

  fileprivate static func run(_ context: UnsafeMutableRawPointer) {
    let start = Unmanaged<Start>.fromOpaque(context).takeRetainedValue()
    start.gate.run(start.executor)
  }
}

/// Entry point of the thread; its context is a retained `Start`.
private func runReports(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  if let context { ReportThread.run(context) }
  return nil
}
