internal import CKernel
internal import Dispatch
internal import Glibc
internal import Support
internal import Synchronization

/// One operating-system thread with a resident that lives on it alone; it runs jobs in order and wakes when its timer is
/// due. Heartbeats and blocking calls live on such threads and not on the cooperative pool: a pool that is busy must not
/// let a fault lapse, and a call that waits for the kernel must not stop the pool.
///
/// The thread ends when this object goes away.
final class HolderThread<Resident: Sendable>: Sendable {
  private let mailbox: Mailbox<Resident>
  private let deliver: @Sendable (@escaping @Sendable () -> Void) -> Void

  /// Starts the thread and waits until its resident is there.
  ///
  /// - Parameters:
  ///   - name: its name in `ps -L`, cut at 15 bytes.
  ///   - timebase: the clock of `tick`.
  ///   - deliver: where results are handed over; `nil` for the thread itself.
  ///   - make: makes the resident, on the thread.
  ///   - tick: does what is due and returns when it wants to be called next, nanoseconds on the monotonic clock; `nil`
  ///     for not before the next job.
  ///   - end: called on the thread as its last act.
  /// - Throws: what `make` throws; no thread is left then.
  init(
    _ name: String, timebase: Timebase, deliver: (@Sendable (@escaping @Sendable () -> Void) -> Void)? = nil,
    make: @escaping @Sendable () throws -> Resident, tick: @escaping @Sendable (Resident) -> Int64? = { _ in nil },
    end: @escaping @Sendable (Resident) -> Void = { _ in }
  ) throws {
    mailbox = Mailbox()
    self.deliver = deliver ?? { $0() }
    let arrival = Arrival()
    let work = Work(
      name: name, mailbox: mailbox, timebase: timebase, make: make, arrival: arrival, tick: tick, end: end)
    var thread = pthread_t()
    // The thread gives this reference back at its end.
    let context = Unmanaged<AnyWork>.passRetained(work)
    let failure = pthread_create(&thread, nil, runWork, context.toOpaque())
    guard failure == 0 else {
      context.release()
      throw SystemError("pthread_create", name, number: failure)
    }
    pthread_detach(thread)
    try arrival.wait()
  }

  deinit {
    mailbox.stop()
  }

  /// Runs `job` on the thread, after those that wait already.
  ///
  /// Not cancellable: a job is short, and half of one would be worse than its rest.
  func run<T: Sendable>(_ job: @escaping @Sendable (Resident) throws -> T) async throws -> T {
    try await withCheckedThrowingContinuation { continuation in
      mailbox.post { [deliver] resident in
        let outcome = Result { try job(resident) }
        deliver { continuation.resume(with: outcome) }
      }
    }
  }

  /// Runs `job` on the thread some time, after those that wait already.
  func post(_ job: @escaping @Sendable (Resident) -> Void) {
    mailbox.post(job)
  }
}

/// Whether the resident could be made.
private final class Arrival: Sendable {
  private let bell = DispatchSemaphore(value: 0)
  private let failure = Mutex<(any Error)?>(nil)

  func report(_ error: (any Error)?) {
    failure.withLock { $0 = error }
    bell.signal()
  }

  func wait() throws {
    bell.wait()
    if let error = failure.withLock({ $0 }) { throw error }
  }
}

/// Jobs on their way to the thread. No descriptor is involved, because a holder's thread has its own table of them.
private final class Mailbox<Resident: Sendable>: Sendable {
  typealias Job = @Sendable (Resident) -> Void

  private struct State: Sendable {
    var jobs: [Job] = []
    var isStopping = false
  }

  private let state = Mutex(State())
  private let bell = DispatchSemaphore(value: 0)

  func post(_ job: @escaping Job) {
    state.withLock { $0.jobs.append(job) }
    bell.signal()
  }

  func stop() {
    state.withLock { $0.isStopping = true }
    bell.signal()
  }

  func take() -> (jobs: [Job], isStopping: Bool) {
    state.withLock { state in
      defer { state.jobs = [] }
      return (state.jobs, state.isStopping)
    }
  }

  /// Waits until something was posted or `nanoseconds` are over; `nil` waits for ever. May return early.
  func wait(nanoseconds: Int64?) {
    guard let nanoseconds else {
      bell.wait()
      return
    }
    _ = bell.wait(timeout: .now() + .nanoseconds(Int(max(0, nanoseconds))))
  }
}

/// What a C function can call without knowing the resident's type.
private class AnyWork {
  func run() {}
}

private final class Work<Resident: Sendable>: AnyWork {
  private let name: String
  private let mailbox: Mailbox<Resident>
  private let timebase: Timebase
  private let make: @Sendable () throws -> Resident
  private let arrival: Arrival
  private let tick: @Sendable (Resident) -> Int64?
  private let end: @Sendable (Resident) -> Void

  init(
    name: String, mailbox: Mailbox<Resident>, timebase: Timebase, make: @escaping @Sendable () throws -> Resident,
    arrival: Arrival, tick: @escaping @Sendable (Resident) -> Int64?, end: @escaping @Sendable (Resident) -> Void
  ) {
    self.name = name
    self.mailbox = mailbox
    self.timebase = timebase
    self.make = make
    self.arrival = arrival
    self.tick = tick
    self.end = end
  }

  override func run() {
    // A name that is refused is only missed in `ps -L`.
    bs_set_thread_name(String(decoding: name.utf8.prefix(15), as: UTF8.self))
    // On Linux this concerns the thread alone. On a busy machine it comes first; without the right to it, as others.
    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), id_t(bs_gettid()), -10)
    let resident: Resident
    do {
      resident = try make()
    } catch {
      arrival.report(error)
      return
    }
    arrival.report(nil)
    while true {
      let (jobs, isStopping) = mailbox.take()
      for job in jobs { job(resident) }
      if isStopping { break }
      mailbox.wait(nanoseconds: tick(resident).map { $0 - timebase.monotonic() })
    }
    end(resident)
  }
}

/// Runs on the new thread.
private func runWork(_ context: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
  guard let context else { preconditionFailure("a thread without work") }
  Unmanaged<AnyWork>.fromOpaque(context).takeRetainedValue().run()
  return nil
}
