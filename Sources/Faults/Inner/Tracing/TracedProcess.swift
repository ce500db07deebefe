internal import CKernel
internal import Glibc
internal import Support

/// A process all of whose threads one ``Tracer`` traces. Every call belongs on the tracer's thread.
final class TracedProcess {
  let process: ProcessIdentity
  let options: TraceOptions
  weak var observer: (any Tracer.Observer)?
  private unowned let tracer: Tracer
  /// Where each thread stands; `nil` while it runs.
  private var states: [Int32: TraceStop?] = [:]
  /// In the order in which they were met; the first is the process's first thread unless that has ended.
  private(set) var threads: [Int32] = []
  private var stopsAtCalls = false
  /// Those that were let go already.
  private var released: Set<Int32> = []

  init(_ process: ProcessIdentity, options: TraceOptions, tracer: Tracer) {
    self.process = process
    self.options = options
    self.tracer = tracer
  }

  // MARK: seizing

  func seize() throws(TraceError) {
    let facts = try TraceableProcess(process)
    try facts.checkTraceable()
    // What is open pins the process: a number that is checked after this is not given away any more.
    let pin = bs_pidfd_open(process.pid)
    guard pin >= 0 else { throw TraceError(.gone, process) }
    defer { close(pin) }
    try TraceableProcess.check(process)
    do {
      while try seizeNewThreads() {}
    } catch {
      detach()
      throw error
    }
    guard !threads.isEmpty else { throw TraceError(.gone, process) }
  }

  /// - Returns: whether there were any that were not traced yet.
  private func seizeNewThreads() throws(TraceError) -> Bool {
    var hasFound = false
    for thread in try threadNumbers() where states[thread] == nil {
      guard bs_trace_seize(thread, options.kernelOptions) == 0 else {
        let number = errno
        if number == ESRCH { continue }  // it has ended meanwhile
        if number == EPERM {
          // Between the scan and this the kernel itself may have begun to trace it for us, or it is on its way out.
          if options.contains(.threads) && !threads.isEmpty { continue }
          if isEnding(thread) { continue }
          throw TraceableProcess.refusal(process)
        }
        throw TraceError.call("ptrace SEIZE", process, number: number)
      }
      adopt(thread, nil)
      hasFound = true
    }
    return hasFound
  }

  private func isEnding(_ thread: Int32) -> Bool {
    guard let stat = try? readFile("/proc/\(process.pid)/task/\(thread)/stat", limit: 4096),
      let end = stat.lastIndex(of: UInt8(ascii: ")")), end + 2 < stat.count
    else { return true }
    return stat[end + 2] == UInt8(ascii: "Z") || stat[end + 2] == UInt8(ascii: "X")
  }

  private func threadNumbers() throws(TraceError) -> [Int32] {
    guard let directory = opendir("/proc/\(process.pid)/task") else { throw TraceError(.gone, process) }
    defer { closedir(directory) }
    var numbers: [Int32] = []
    while let entry = readdir(directory) {
      let number = withUnsafeBytes(of: &entry.pointee.d_name) { name in
        var number: Int32 = 0
        for byte in name {
          guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") else { break }
          number = number &* 10 &+ Int32(byte - UInt8(ascii: "0"))
        }
        return number
      }
      if number > 0 { numbers.append(number) }
    }
    return numbers
  }

  private func adopt(_ thread: Int32, _ stop: TraceStop?) {
    if states[thread] == nil { threads.append(thread) }
    states[thread] = .some(stop)
    tracer.adopt(thread, self)
  }

  private func drop(_ thread: Int32) {
    guard states.removeValue(forKey: thread) != nil else { return }
    threads.removeAll { $0 == thread }
    tracer.forget(thread)
    if threads.isEmpty {
      tracer.remove(self)
      observer?.ended(self)
    }
  }

  // MARK: standing still

  /// Where `thread` stands; `nil` while it runs.
  func state(of thread: Int32) -> TraceStop? { states[thread] ?? nil }

  /// Brings every thread to a stop, also those that appear meanwhile. Signals that come are passed on.
  ///
  /// - Parameter limit: how long it may take; a thread in uninterruptible sleep, such as one that waits for its vfork child,
  ///   does not stop.
  /// - Throws: ``TraceError``; all threads go on then, and nothing is traced any more.
  func stop(within limit: Duration = .milliseconds(100)) throws(TraceError) {
    let deadline = tracer.timebase.monotonic() + limit.nanoseconds
    tracer.alarm.set(deadline)
    defer { tracer.alarm.set(nil) }
    do {
      repeat {
        for thread in threads where state(of: thread) == nil { bs_trace_interrupt(thread) }
        for thread in threads where state(of: thread) == nil { try settle(thread, deadline: deadline) }
      } while try seizeNewThreads()
    } catch {
      detach()
      throw error
    }
    guard !threads.isEmpty else { throw TraceError(.gone, process) }
  }

  /// Brings one thread to a stop while the others run on.
  func stop(_ thread: Int32, within limit: Duration = .milliseconds(100)) throws(TraceError) {
    guard state(of: thread) == nil else { return }
    let deadline = tracer.timebase.monotonic() + limit.nanoseconds
    tracer.alarm.set(deadline)
    defer { tracer.alarm.set(nil) }
    bs_trace_interrupt(thread)
    try settle(thread, deadline: deadline)
    guard states[thread] != nil else { throw TraceError(.gone, process) }
  }

  private func settle(_ thread: Int32, deadline: Int64) throws(TraceError) {
    while states[thread] != nil, state(of: thread) == nil {
      var status: Int32 = 0
      guard bs_trace_wait(thread, 0, &status) == thread else {
        if errno == EINTR {
          if tracer.timebase.monotonic() < deadline { continue }
          throw TraceError(.didNotStop(thread: thread), process)
        }
        drop(thread)
        return
      }
      switch change(thread, status) {
      case .ended: drop(thread)
      case .stopped(.interrupted): states[thread] = .some(.interrupted)
      case .stopped(.groupStop(let signal)): states[thread] = .some(.groupStop(signal: signal))
      case .stopped(let stop): pass(thread, stop)
      }
    }
  }

  private func change(_ thread: Int32, _ status: Int32) -> TraceChange {
    TraceChange(status: status) {
      var message: UInt64 = 0
      return bs_trace_event_message(thread, &message) == 0 ? message : 0
    }
  }

  // MARK: going on

  /// From now on each thread that goes on stops again at its system calls, or no longer does.
  func stopAtSystemCalls(_ on: Bool) { stopsAtCalls = on }

  /// Lets one thread go on as if nobody watched: its signal is delivered, its group stop is kept, what it made is traced
  /// too where that was asked for, and at its end it is let go.
  func pass(_ thread: Int32, _ stop: TraceStop) {
    switch stop {
    case .event(.exit, _):
      bs_trace_detach(thread, 0)
      drop(thread)
    case .groupStop:
      states[thread] = .some(nil)
      bs_trace_listen(thread)
    case .event(.clone, let message):
      announce(Int32(truncatingIfNeeded: message), in: self)
      go(thread, 0)
    case .event(.fork, let message), .event(.vfork, let message):
      announceChild(Int32(truncatingIfNeeded: message))
      go(thread, 0)
    case .event(.exec, let message):
      let former = Int32(truncatingIfNeeded: message)
      for other in threads where other != thread { drop(other) }
      if former != thread { adopt(thread, stop) }
      go(thread, 0)
    case .interrupted, .signal, .systemCall, .event: go(thread, stop.pendingSignal)
    }
  }

  private func go(_ thread: Int32, _ signal: Int32) {
    states[thread] = .some(nil)
    let done = stopsAtCalls ? bs_trace_continue_to_syscall(thread, signal) : bs_trace_continue(thread, signal)
    // It was killed in its stop: its end is on its way.
    precondition(done == 0 || errno == ESRCH, "ptrace CONT: \(errno)")
  }

  private func announce(_ thread: Int32, in owner: TracedProcess) {
    guard thread > 0, owner.states[thread] == nil else { return }
    owner.stopsAtCalls = stopsAtCalls
    owner.adopt(thread, nil)
    if tracer.unannounced.remove(thread) != nil { owner.pass(thread, .interrupted) }
  }

  private func announceChild(_ pid: Int32) {
    guard pid > 0, let identity = ProcessIdentity(of: pid) else { return }
    let child = TracedProcess(identity, options: options, tracer: tracer)
    child.observer = observer
    tracer.add(child)
    announce(pid, in: child)
  }

  /// Lets every thread that stands still go on, traced as before.
  func resume() {
    for thread in threads {
      if let stop = state(of: thread) { pass(thread, stop) }
    }
  }

  /// Lets one thread go on, traced as before.
  func resume(_ thread: Int32) {
    if let stop = state(of: thread) { pass(thread, stop) }
  }

  /// Lets all threads that stand still run, untraced, at once; ``detach()`` does the rest, when nobody waits for it any more.
  func letGo() {
    for thread in threads.reversed() {
      guard let stop = state(of: thread), !released.contains(thread) else { continue }
      bs_trace_detach(thread, stop.pendingSignal)  // ESRCH: it was killed
      released.insert(thread)
    }
  }

  /// Lets the process go. Its signals are delivered, and a process that job control stopped stays stopped. Idempotent.
  func detach() {
    let deadline = tracer.timebase.monotonic() + 100_000_000
    let running = threads.filter { state(of: $0) == nil }
    if !running.isEmpty {
      tracer.alarm.set(deadline)
      for thread in running { bs_trace_interrupt(thread) }
      for thread in running {
        do throws(TraceError) { try settle(thread, deadline: deadline) } catch {
          // It is let go at its first stop, or with this thread's end.
          tracer.straggle(thread)
          states[thread] = nil
          threads.removeAll { $0 == thread }
        }
      }
      tracer.alarm.set(nil)
    }
    letGo()
    for thread in threads.reversed() { drop(thread) }
    tracer.remove(self)
  }

  // MARK: events

  /// A stop that nobody waited for in particular.
  func changed(_ thread: Int32, _ status: Int32) {
    switch change(thread, status) {
    case .ended: drop(thread)
    case .stopped(let stop):
      states[thread] = .some(stop)
      if case .event(.exit, _) = stop { return pass(thread, stop) }
      if let observer { observer.stopped(thread, stop, of: self) } else { pass(thread, stop) }
    }
  }

  // MARK: looking and changing

  /// The registers of a thread that stands still.
  func registers(of thread: Int32) throws(TraceError) -> ThreadRegisters {
    var registers = ThreadRegisters()
    guard bs_registers_get(thread, &registers.raw) == 0 else { throw TraceError.call("ptrace GETREGSET", process) }
    return registers
  }

  func setRegisters(of thread: Int32, _ registers: ThreadRegisters) throws(TraceError) {
    var registers = registers
    guard bs_registers_set(thread, &registers.raw) == 0 else { throw TraceError.call("ptrace SETREGSET", process) }
  }

  /// The system call at whose entry or exit a thread stands.
  func systemCall(of thread: Int32) throws(TraceError) -> TracedSystemCall {
    var call = bs_system_call()
    guard bs_trace_system_call(thread, &call) == 0 else {
      throw TraceError.call("ptrace GET_SYSCALL_INFO", process)
    }
    return TracedSystemCall(
      phase: call.phase == 1 ? .entry : call.phase == 2 ? .exit : .none, number: call.number,
      arguments: withUnsafeBytes(of: call.arguments) { Array($0.bindMemory(to: UInt64.self)) }, result: call.result,
      architecture: call.architecture, instruction: call.instruction)
  }

  /// Makes the kernel skip the system call at whose entry `thread` stands, or the restart of the one it was stopped in.
  func skipCall(of thread: Int32, _ registers: inout ThreadRegisters) throws(TraceError) {
    guard bs_trace_skip_call(thread, &registers.raw) == 0 else { throw TraceError.call("ptrace SETREGSET", process) }
  }

  func signalMask(of thread: Int32) throws(TraceError) -> UInt64 {
    var mask: UInt64 = 0
    guard bs_trace_signal_mask(thread, &mask) == 0 else { throw TraceError.call("ptrace GETSIGMASK", process) }
    return mask
  }

  func setSignalMask(of thread: Int32, _ mask: UInt64) throws(TraceError) {
    guard bs_trace_set_signal_mask(thread, mask) == 0 else { throw TraceError.call("ptrace SETSIGMASK", process) }
  }

  /// Lets a stopped thread run to its next stop, which is returned and not passed on.
  ///
  /// - Parameter toCall: until the entry or exit of a system call, else until anything stops it.
  func runToStop(_ thread: Int32, toCall: Bool, within limit: Duration = .milliseconds(100)) throws(TraceError)
    -> TraceStop
  {
    states[thread] = .some(nil)
    let started = toCall ? bs_trace_continue_to_syscall(thread, 0) : bs_trace_continue(thread, 0)
    guard started == 0 else { throw TraceError.call("ptrace CONT", process) }
    let deadline = tracer.timebase.monotonic() + limit.nanoseconds
    tracer.alarm.set(deadline)
    defer { tracer.alarm.set(nil) }
    while true {
      var status: Int32 = 0
      guard bs_trace_wait(thread, 0, &status) == thread else {
        if errno == EINTR {
          if tracer.timebase.monotonic() < deadline { continue }
          throw TraceError(.didNotStop(thread: thread), process)
        }
        drop(thread)
        throw TraceError(.gone, process)
      }
      guard case .stopped(let stop) = change(thread, status) else {
        drop(thread)
        throw TraceError(.gone, process)
      }
      if case .event(.exit, _) = stop {
        pass(thread, stop)
        throw TraceError(.gone, process)
      }
      states[thread] = .some(stop)
      return stop
    }
  }

  /// Asks a thread that stands still to stop again as soon as it leaves its present stop.
  func interrupt(_ thread: Int32) throws(TraceError) {
    guard bs_trace_interrupt(thread) == 0 else { throw TraceError.call("ptrace INTERRUPT", process) }
  }
}
