internal import Glibc
internal import Support

/// Why a process could not be traced, or no longer is. Nothing of it was changed unless the text says otherwise.
struct TraceError: Error, Sendable, Hashable, CustomStringConvertible {
  enum Reason: Sendable, Hashable {
    /// It has ended.
    case gone
    /// Its number belongs to a later process.
    case reused
    /// It is this process, which cannot trace itself.
    case ourselves
    /// A debugger or tracer holds it; at most one can.
    case tracedAlready(by: Int32)
    /// The kernel's policy (`/proc/sys/kernel/yama/ptrace_scope`) does not allow it.
    case yama(scope: Int)
    /// The kernel refuses it to us: another user's, or without CAP_SYS_PTRACE.
    case notPermitted
    /// It runs 32-bit code, or that of another machine.
    case otherMachine(String)
    /// A thread of the kernel has no memory of its own.
    case kernelThread
    /// A filter of its system calls could kill it for what would be done in it.
    case seccomp(mode: Int)
    /// A thread that had to stand still did not come to a stop in time.
    case didNotStop(thread: Int32)
    /// Something else is there than was expected; the text says what.
    case unexpected(String)
    /// A call was refused.
    case system(SystemError)
  }

  var reason: Reason
  var process: ProcessIdentity

  init(_ reason: Reason, _ process: ProcessIdentity) {
    self.reason = reason
    self.process = process
  }

  /// A refused call on one of its threads; one that is no longer there has ended.
  static func call(_ call: String, _ process: ProcessIdentity, number: Int32 = errno) -> TraceError {
    if number == ESRCH && !process.isAlive { return TraceError(.gone, process) }
    return TraceError(.system(SystemError(call, process.description, number: number)), process)
  }

  /// Whether it is a thread of this program that traces it, or one that has just ended.
  var isOfOurTrace: Bool {
    guard case .tracedAlready(let tracer) = reason else { return false }
    return tracer == getpid() || !fileExists("/proc/\(tracer)")
  }

  /// What the reader can do.
  var fix: String? {
    switch reason {
    case .gone, .reused, .ourselves, .kernelThread, .unexpected, .system, .didNotStop: nil
    case .tracedAlready: "detach the debugger, or end the other fault on this process first"
    case .yama(let scope):
      scope >= 3
        ? "the policy cannot be changed before the next boot" : "run as root, or: sysctl kernel.yama.ptrace_scope=1"
    case .notPermitted: "run as root, or grant CAP_SYS_PTRACE"
    case .otherMachine: "choose a 64-bit process of this machine"
    case .seccomp: "run the process without its system call filter"
    }
  }

  var description: String { "\(process): \(text)" }

  private var text: String {
    switch reason {
    case .gone: "it has ended"
    case .reused: "the process that was meant has ended, and another one has its number"
    case .ourselves: "a process cannot trace itself"
    case .tracedAlready(by: getpid()):
      "another fault of this agent traces it already, and a process has one tracer at most"
    case .tracedAlready(let tracer): "pid \(tracer) traces it already, and a process has one tracer at most"
    case .yama(let scope): "the kernel's policy forbids tracing (kernel.yama.ptrace_scope is \(scope))"
    case .notPermitted: "the kernel does not permit tracing it"
    case .otherMachine(let what): "it is \(what)"
    case .kernelThread: "it is a thread of the kernel"
    case .seccomp(let mode):
      mode == 1
        ? "it runs in seccomp's strict mode, where any further system call kills it"
        : "it filters its system calls (seccomp), and the filter could kill it for the calls that would be made in it"
    case .didNotStop(let thread): "thread \(thread) did not come to a stop"
    case .unexpected(let what): what
    case .system(let error): "\(error)"
    }
  }
}
