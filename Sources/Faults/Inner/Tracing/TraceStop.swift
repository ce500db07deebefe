internal import CKernel

/// Where a traced thread stands still.
enum TraceStop: Sendable, Hashable {
  /// PTRACE_INTERRUPT, or a new thread's first stop.
  case interrupted
  /// The whole process is stopped by this signal (job control); to be left by `listen`.
  case groupStop(signal: Int32)
  /// A signal is about to be delivered; it must be passed on when the thread is resumed.
  case signal(Int32)
  /// At the entry or the exit of a system call; the kernel says which (``TracedProcess/systemCall(of:)``).
  case systemCall
  /// Something that was asked for in ``TraceOptions``, with the kernel's word about it: the new process of fork, vfork and
  /// clone, the former thread id of exec, the status of exit.
  case event(Event, message: UInt64)

  /// PTRACE_EVENT_*, with the kernel's numbers.
  enum Event: Int32, Sendable, Hashable {
    case fork = 1
    case vfork = 2
    case clone = 3
    case exec = 4
    case vforkDone = 5
    case exit = 6
    case seccomp = 7
  }

  /// The signal that the thread must get when it goes on; 0 for none.
  var pendingSignal: Int32 {
    if case .signal(let number) = self { number } else { 0 }
  }
}

/// What waiting for a traced thread told.
enum TraceChange: Sendable, Hashable {
  case stopped(TraceStop)
  case ended

  private static let eventStop: Int32 = 128
  private static let trap: Int32 = 5

  /// Reads a status of wait(2); `message` is asked for where there is one.
  init(status: Int32, message: () -> UInt64) {
    let parts = bs_trace_status_of(status)
    guard parts.kind == 2 else {
      self = .ended
      return
    }
    if parts.system_call != 0 {
      self = .stopped(.systemCall)
    } else if parts.event == Self.eventStop {
      self = .stopped(parts.value == Self.trap ? .interrupted : .groupStop(signal: parts.value))
    } else if let event = TraceStop.Event(rawValue: parts.event) {
      self = .stopped(.event(event, message: message()))
    } else {
      self = .stopped(.signal(parts.value))
    }
  }
}

/// What is traced of a process beyond its signals.
struct TraceOptions: OptionSet, Sendable, Hashable {
  let rawValue: Int32

  /// New threads are traced from their first instruction, without a gap.
  static let threads = TraceOptions(rawValue: bs_trace_option_clone())
  /// New processes likewise; they are traced processes of their own.
  static let children = TraceOptions(rawValue: bs_trace_option_fork() | bs_trace_option_vfork())
  /// Replaced programs are reported.
  static let programs = TraceOptions(rawValue: bs_trace_option_exec())

  /// With what belongs to each of them: marked system calls, and the last stop of a thread, in which it is let go, so that
  /// its end is reported to its own parent and not to us.
  var kernelOptions: Int32 {
    rawValue | bs_trace_option_syscalls_marked() | bs_trace_option_exit()
  }
}
