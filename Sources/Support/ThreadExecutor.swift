internal import CKernel
internal import Glibc
internal import Synchronization

/// Runs the jobs of one actor on one thread of its own, inside a network namespace if one is given.
///
/// Blocking calls (libpq, libcurl, `fdatasync`, waiting for a process) belong on such a thread and never on the
/// cooperative pool, where two of them on two cores stop every timer. Sockets that a library opens by itself land in the
/// thread's namespace. Give it to an actor as `unownedExecutor`; call ``stop()`` when the actor is done with it.
public final class ThreadExecutor: SerialExecutor {
  // Guarded by `lock`; the condition is signalled after each change.
  private struct State {
    var jobs: [UnownedJob] = []
    var stopped = false
  }

  private final class Gate: @unchecked Sendable {  // proof: `state` is only touched with `lock` held
    var lock = pthread_mutex_t()
    var filled = pthread_cond_t()
    var state = State()

    init() {
      pthread_mutex_init(&lock, nil)
      pthread_cond_init(&filled, nil)
    }

    deinit {
      pthread_cond_destroy(&filled)
      pthread_mutex_destroy(&lock)
    }

    func withLock<T>(_ body: (inout State) -> T) -> T {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      let result = body(&state)
      pthread_cond_signal(&filled)
      return result
    }

    /// The next batch of jobs, or `nil` after the last one of a stopped executor.
    func take() -> [UnownedJob]? {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      while state.jobs.isEmpty && !state.stopped { pthread_cond_wait(&filled, &lock) }
      if state.jobs.isEmpty { return nil }
      let batch = state.jobs
      state.jobs.removeAll(keepingCapacity: true)
      return batch
    }
  }

  /// What the new thread needs; freed by it.
  private final class Start {
    let gate: Gate
    let executor: UnownedSerialExecutor
    let name: String
    let namespace: Int32
    let ready = ReadyFlag()

    init(gate: Gate, executor: UnownedSerialExecutor, name: String, namespace: Int32) {
      self.gate = gate
      self.executor = executor
      self.name = name
      self.namespace = namespace
    }
  }

  private final class ReadyFlag: @unchecked Sendable {  // proof: `result` is only touched with `lock` held
    var lock = pthread_mutex_t()
    var changed = pthread_cond_t()
    var result: Int32?

    init() {
      pthread_mutex_init(&lock, nil)
      pthread_cond_init(&changed, nil)
    }

    deinit {
      pthread_cond_destroy(&changed)
      pthread_mutex_destroy(&lock)
    }

    func set(_ value: Int32) {
      pthread_mutex_lock(&lock)
      result = value
      pthread_cond_signal(&changed)
      pthread_mutex_unlock(&lock)
    }

    func wait() -> Int32 {
      pthread_mutex_lock(&lock)
      defer { pthread_mutex_unlock(&lock) }
      while true {
        if let result { return result }
        pthread_cond_wait(&changed, &lock)
      }
    }
  }

  private let gate = Gate()
  private let isElsewhere: Bool

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: shown by `ps -T`; 15 bytes at most, longer names are cut.
  ///   - networkNamespace: descriptor of the namespace that the thread enters, or `nil` to stay in ours. It may be
  ///     closed when this returns.
  /// - Throws: ``SystemError`` when the thread cannot be made or may not enter the namespace; nothing is left behind.
  public init(name: String, networkNamespace: Int32? = nil) throws(SystemError) {
    isElsewhere = networkNamespace != nil
    let start = Start(
      gate: gate, executor: UnownedSerialExecutor(complexEquality: self), name: name, namespace: networkNamespace ?? -1)
    var thread = pthread_t()
    let context = Unmanaged.passRetained(start)  // released by the thread
    let error = pthread_create(&thread, nil, runThread, context.toOpaque())
    if error != 0 {
      context.release()
      throw SystemError("pthread_create", name, number: error)
    }
    pthread_detach(thread)
    let entered = start.ready.wait()
    if entered != 0 { throw SystemError("setns", name, number: entered) }
  }

  deinit {
    stop()
  }

  /// Queues one job; called by the runtime.
  public func enqueue(_ job: consuming ExecutorJob) {
    let unowned = UnownedJob(job)
    let stopped = gate.withLock { state in
      state.jobs.append(unowned)
      return state.stopped
    }
    precondition(!stopped, "a job was sent to a stopped thread")
  }

  /// Two executors are the same when they are the same thread.
  public func isSameExclusiveExecutionContext(other: ThreadExecutor) -> Bool { self === other }

  /// This executor as the runtime names it.
  public func asUnownedSerialExecutor() -> UnownedSerialExecutor { UnownedSerialExecutor(complexEquality: self) }

  /// Ends the thread after the jobs queued so far. Does not wait; idempotent.
  public func stop() {
    gate.withLock { $0.stopped = true }
  }

  /// Brings the calling thread, which is this executor's, back to the process's own network namespace.
  ///
  /// Whoever it wakes may be given a new thread of the pool, and that is born in the namespace of the one that wakes.
  fileprivate func goHome() {
    guard isElsewhere else { return }
    let home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC)
    guard home >= 0 else { return }
    // If it is refused the thread ends where it was.
    bs_setns_net(home)
    close(home)
  }

  /// The body of the thread.
  private static func run(_ start: Start) {
    bs_set_thread_name(start.name)
    if start.namespace >= 0, bs_setns_net(start.namespace) != 0 {
      start.ready.set(errno)
      return
    }
    let gate = start.gate
    let executor = start.executor
    start.ready.set(0)
    while let batch = gate.take() {
      for job in batch { job.runSynchronously(on: executor) }
    }
  }

  private static func main(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let context else { return nil }
    run(Unmanaged<Start>.fromOpaque(context).takeRetainedValue())
    return nil
  }

  fileprivate static func enter(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? { main(context) }
}

/// Entry point of the thread; its context is a retained `Start`.
private func runThread(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  ThreadExecutor.enter(context)
}

/// Runs `body` on a thread of its own that ends with it, so that a blocking call never sits on the cooperative pool.
///
/// For single calls; an actor that blocks often owns a ``ThreadExecutor``.
public func onOwnThread<T: Sendable>(
  _ name: String, networkNamespace: Int32? = nil, _ body: @escaping @Sendable () throws -> T
) async throws -> T {
  let runner = try Runner(name: name, networkNamespace: networkNamespace)
  return try await runner.run(body)
}

private actor Runner {
  private let executor: ThreadExecutor

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(name: String, networkNamespace: Int32?) throws {
    executor = try ThreadExecutor(name: name, networkNamespace: networkNamespace)
  }

  func run<T>(_ body: () throws -> T) rethrows -> T {
    defer { executor.goHome() }
    return try body()
  }
}
