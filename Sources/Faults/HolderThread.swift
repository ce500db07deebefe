internal import CKernel
internal import Glibc
internal import Support
internal import Synchronization

/// One operating-system thread that runs jobs in order and wakes when its timer is due.
///
/// Heartbeats and blocking calls live here and not on the cooperative pool: a pool that is busy must not let a fault
/// lapse, and a call that waits for the kernel must not stop the pool. The thread ends when this object goes away.
final class HolderThread: Sendable {
  private let mailbox: Mailbox

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: its name in `ps -L`, cut at 15 bytes.
  ///   - timebase: the clock of `tick`.
  ///   - tick: does what is due and returns when it wants to be called next, nanoseconds on the monotonic clock; `nil`
  ///     for not before the next job.
  init(_ name: String, timebase: Timebase, tick: @escaping @Sendable () -> Int64? = { nil }) throws(SystemError) {
    mailbox = try Mailbox()
    let work = Work(name: name, mailbox: mailbox, timebase: timebase, tick: tick)
    var thread = pthread_t()
    // The thread gives this reference back at its end.
    let context = Unmanaged.passRetained(work)
    let failure = pthread_create(&thread, nil, runWork, context.toOpaque())
    guard failure == 0 else {
      context.release()
      throw SystemError("pthread_create", name, number: failure)
    }
    pthread_detach(thread)
  }

  deinit {
    mailbox.stop()
  }

  /// Runs `job` on the thread, after those that wait already.
  ///
  /// Not cancellable: a job is short, and half of one would be worse than its rest.
  func run<T: Sendable>(_ job: @escaping @Sendable () throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      mailbox.post { continuation.resume(with: Result { try job() }) }
    }
  }
}

/// Jobs on their way to the thread, and the bell that wakes it.
private final class Mailbox: Sendable {
  typealias Job = @Sendable () -> Void

  private struct State: Sendable {
    var jobs: [Job] = []
    var isStopping = false
  }

  private let state = Mutex(State())
  private let bell: Int32

  init() throws(SystemError) {
    bell = bs_eventfd()
    guard bell >= 0 else { throw SystemError("eventfd") }
  }

  deinit {
    close(bell)
  }

  func post(_ job: @escaping Job) {
    state.withLock { $0.jobs.append(job) }
    wake()
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    wake()
  }

  func take() -> (jobs: [Job], isStopping: Bool) {
    state.withLock { state in
      defer { state.jobs = [] }
      return (state.jobs, state.isStopping)
    }
  }

  /// Waits until something was posted or `milliseconds` are over; −1 waits for ever.
  func wait(milliseconds: Int32) {
    var item = pollfd(fd: bell, events: Int16(POLLIN), revents: 0)
    guard poll(&item, 1, milliseconds) > 0 else { return }
    var rings: UInt64 = 0
    // One read takes all rings; it cannot fail on a descriptor that poll found readable.
    _ = read(bell, &rings, 8)
  }

  private func wake() {
    var ring: UInt64 = 1
    // It fails only when the counter is full, and then the thread wakes anyway.
    _ = write(bell, &ring, 8)
  }
}

private final class Work: Sendable {
  private let name: String
  private let mailbox: Mailbox
  private let timebase: Timebase
  private let tick: @Sendable () -> Int64?

  init(name: String, mailbox: Mailbox, timebase: Timebase, tick: @escaping @Sendable () -> Int64?) {
    self.name = name
    self.mailbox = mailbox
    self.timebase = timebase
    self.tick = tick
  }

  func run() {
    // A name that is refused is only missed in `ps -L`.
    bs_set_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
    // On Linux this concerns the thread alone. On a busy machine it comes first; without the right to it, as others.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(bs_gettid()), -10)
    while true {
      let (jobs, isStopping) = mailbox.take()
      for job in jobs { job() }
      if isStopping { return }
      mailbox.wait(milliseconds: millisecondsUntil(tick()))
    }
  }

  /// Rounded up: a wait that ends early would spin.
  private func millisecondsUntil(_ due: Int64?) -> Int32 {
    guard let due else { return -1 }
    return Int32(clamping: max(0, (due - timebase.monotonic() + 999_999) / 1_000_000))
  }
}

/// Runs on the new thread.
private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { preconditionFailure("a thread without work") }
  Unmanaged<Work>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
