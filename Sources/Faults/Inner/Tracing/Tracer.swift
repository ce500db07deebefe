internal import CKernel
internal import Glibc
internal import Support

/// What one operating-system thread traces. The kernel knows tracing threads, not processes: a tracer is made on its thread,
/// used on it alone (``TracerThread`` sees to that) and everything it traces goes on untouched when the thread ends, however
/// it ends.
///
/// For a moment's work (`seize`, `stop`, look and change, `detach`) nothing else is needed. Whoever holds processes for
/// longer gives ``seize(_:options:observer:)`` an observer and lets ``TracerThread`` wait.
final class Tracer {
  /// Told of each stop that was not asked for with ``TracedProcess/stop(within:)``; has to let the thread go on.
  protocol Observer: AnyObject {
    /// `thread` stands still. ``TracedProcess/pass(_:_:)`` lets it go on as if nobody watched.
    func stopped(_ thread: Int32, _ stop: TraceStop, of process: TracedProcess)
    /// All of it has ended, or it was let go.
    func ended(_ process: TracedProcess)
  }

  let timebase: Timebase
  let alarm: TraceAlarm
  private var processes: [Int32: TracedProcess] = [:]
  private var owners: [Int32: TracedProcess] = [:]
  /// Threads that did not stop in time; each is let go at its first stop.
  private var stragglers: Set<Int32> = []
  private var due: [(moment: Int64, job: () -> Void)] = []

  init(timebase: Timebase = .system) throws(SystemError) {
    self.timebase = timebase
    alarm = try TraceAlarm()
  }

  /// How long a trace of ours may take to end that was given up already (ns).
  private static let patience: Int64 = 1_000_000_000

  /// Traces every thread of `process`; they go on running.
  ///
  /// On a busy machine a thread may not have come to the stop at which it is let go, nor another tracer of ours to its end: they
  /// are waited for, a second at most.
  ///
  /// - Parameter observer: who is told of what happens to it; with none, everything passes.
  /// - Throws: ``TraceError`` saying why not; it goes on untouched then.
  func seize(
    _ process: ProcessIdentity, options: TraceOptions = [], observer: (any Observer)? = nil
  ) throws(TraceError) -> TracedProcess {
    let deadline = timebase.monotonic() + Self.patience
    while true {
      let traced = TracedProcess(process, options: options, tracer: self)
      traced.observer = observer
      do throws(TraceError) {
        try traced.seize()
        processes[process.pid] = traced
        return traced
      } catch {
        guard error.isOfOurTrace, timebase.monotonic() < deadline else { throw error }
        releaseStragglers()
        usleep(2_000)
      }
    }
  }

  /// Lets those go that have stopped meanwhile.
  private func releaseStragglers() {
    for thread in stragglers {
      var status: Int32 = 0
      switch bs_trace_wait(thread, 1, &status) {
      case thread: dispatch(thread, status)
      case 0: continue
      default: stragglers.remove(thread)  // it has ended
      }
    }
  }

  /// Calls `job` on this thread at `moment`, nanoseconds on the monotonic clock.
  func schedule(at moment: Int64, _ job: @escaping () -> Void) {
    let place = due.firstIndex { $0.moment > moment } ?? due.count
    due.insert((moment, job), at: place)
  }

  /// Does what is due, and says when the next is.
  func runDue() -> Int64? {
    while let first = due.first, first.moment <= timebase.monotonic() {
      due.removeFirst()
      first.job()
    }
    return due.first?.moment
  }

  /// Whether there is anything to wait for.
  var isTracing: Bool { !owners.isEmpty || !stragglers.isEmpty }

  /// Waits for one stop and tells its observer.
  ///
  /// - Parameter blocking: waits until something stops or the alarm rings.
  /// - Returns: whether something was there.
  func waitForOne(blocking: Bool) -> Bool {
    var status: Int32 = 0
    let thread = bs_trace_wait(-1, blocking ? 0 : 1, &status)
    guard thread > 0 else { return false }
    dispatch(thread, status)
    return true
  }

  private func dispatch(_ thread: Int32, _ status: Int32) {
    if stragglers.remove(thread) != nil {
      let change = TraceChange(status: status) { 0 }
      if case .stopped(let stop) = change { bs_trace_detach(thread, stop.pendingSignal) }
      return
    }
    guard let owner = owners[thread] else {
      // The first stop of a new thread can come before the event that announces it.
      if case .stopped = TraceChange(status: status, message: { 0 }) { unannounced.insert(thread) }
      return
    }
    owner.changed(thread, status)
  }

  /// New threads that have stopped, but whose creator's event has not been seen yet.
  var unannounced: Set<Int32> = []

  // MARK: for TracedProcess

  func adopt(_ thread: Int32, _ process: TracedProcess) { owners[thread] = process }

  func forget(_ thread: Int32) { owners[thread] = nil }

  func straggle(_ thread: Int32) {
    owners[thread] = nil
    stragglers.insert(thread)
  }

  func add(_ process: TracedProcess) { processes[process.process.pid] = process }

  func remove(_ process: TracedProcess) { processes[process.process.pid] = nil }

  /// All that is traced now.
  var all: [TracedProcess] { Array(processes.values) }

  /// Lets go of everything, also of children that are met while it is done.
  func detachAll() {
    while let any = processes.first { any.value.detach() }
  }
}
