internal import CKernel
internal import Dispatch
internal import Glibc
internal import Synchronization

/// Signal numbers (signal(7)), for callers that import no C library.
public enum Signal {
  /// SIGHUP: the terminal went away.
  public static let hangUp: Int32 = 1
  /// SIGINT
  public static let interrupt: Int32 = 2
  /// SIGQUIT: what PostgreSQL takes for an immediate shutdown.
  public static let quit: Int32 = 3
  /// SIGKILL
  public static let kill: Int32 = 9
  /// SIGTERM
  public static let terminate: Int32 = 15
  /// SIGCONT
  public static let resume: Int32 = 18
  /// SIGSTOP
  public static let stop: Int32 = 19
}

/// How a process ended.
public enum ProcessEnd: Sendable, Hashable, CustomStringConvertible {
  /// It returned this status; -1 if it was collected behind our back (SIGCHLD ignored), so that nobody knows.
  case exited(Int32)
  /// This signal ended it.
  case signalled(Int32)

  /// `exited with status 1`, `ended by signal 9`.
  public var description: String {
    switch self {
    case .exited(let status): "exited with status \(status)"
    case .signalled(let signal): "ended by signal \(signal)"
    }
  }
}

/// What to start, and in which surroundings.
public struct ProcessRequest: Sendable {
  /// Absolute path of the program; no search, no shell.
  public var path: String
  /// Arguments after the program's own name.
  public var arguments: [String]
  /// The whole environment of the child.
  public var environment: [String: String]
  /// Its working directory; `nil` for ours.
  public var directory: String?
  /// Descriptor of the network namespace that it enters; `nil` for ours.
  public var networkNamespace: Int32?
  /// How its monotonic and boot clocks differ from ours, in a time namespace of its own, from its first instruction to its
  /// end and for all it starts; `nil` to stay in ours.
  public var timeOffsets: TimeOffsets?
  /// File that its standard output and error are appended to; `nil` for none.
  public var logPath: String?
  /// Descriptors for standard input and output, which win over `logPath`; `nil` for none.
  public var standardInput: Int32?
  /// See ``standardInput``.
  public var standardOutput: Int32?
  /// Numeric user and group it becomes; `nil` to stay who we are.
  public var user: (uid: UInt32, gid: UInt32)?
  /// Directories of control groups that it enters before it is loaded, at most one in each hierarchy.
  public var controlGroups: [String] = []
  /// Signal that the kernel sends it when the thread that started it ends; 0 for none.
  public var parentDeathSignal: Int32 = 0

  /// A program with its arguments and an empty environment but for PATH.
  public init(_ path: String, _ arguments: [String] = []) {
    self.path = path
    self.arguments = arguments
    environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C.UTF-8"]
  }
}

/// A program that we started: in its own session, with no descriptor of ours but the standard three.
public final class ChildProcess: Sendable {
  /// Its number and start time.
  public let identity: ProcessIdentity
  private let descriptor: Int32
  // proof: set up in init before anybody else has it, then only cancelled, which libdispatch allows from any thread
  private nonisolated(unsafe) let source: any DispatchSourceRead
  private let state = Mutex<State>(State())

  private struct State {
    var end: ProcessEnd?
    var waiting: [Int: CheckedContinuation<ProcessEnd?, Never>] = [:]
    var nextWaiter = 0
  }

  /// Starts the program.
  ///
  /// - Throws: ``SystemError`` naming the step that failed (`setns`, `setuid`, `execve`, …); nothing runs then.
  public init(_ request: ProcessRequest) throws(SystemError) {
    var log: Int32 = -1
    if let path = request.logPath {
      log = bs_open(path, bs_flags_open_append(), 0o644)
      guard log >= 0 else { throw SystemError("open", path) }
    }
    defer { if log >= 0 { close(log) } }
    var groups: [Int32] = []
    defer { for group in groups { close(group) } }
    for directory in request.controlGroups {
      let group = open("\(directory)/cgroup.procs", O_WRONLY | O_CLOEXEC)
      guard group >= 0 else { throw SystemError("open", "\(directory)/cgroup.procs") }
      groups.append(group)
    }
    let fixedGroups = groups
    var descriptor: Int32 = -1
    var step: UnsafePointer<CChar>?
    let environment = request.environment.sorted { $0.key < $1.key }.map { "\($0.key)=\($0.value)" }
    let pid = withCStrings([request.path] + request.arguments) { arguments in
      withCStrings(environment) { environment in
        request.path.withCString { path in
          withOptionalCStrings(request.directory, request.timeOffsets?.kernelText) { directory, offsets in
            var spawn = bs_spawn_request()
            spawn.time_offsets = offsets
            spawn.path = path
            spawn.arguments = arguments
            spawn.environment = environment
            spawn.directory = directory
            spawn.network_namespace = request.networkNamespace ?? -1
            spawn.standard_input = request.standardInput ?? -1
            spawn.standard_output = request.standardOutput ?? log
            spawn.standard_error = log
            spawn.user = request.user.map { Int64($0.uid) } ?? -1
            spawn.group = request.user.map { Int64($0.gid) } ?? -1
            spawn.parent_death_signal = request.parentDeathSignal
            spawn.new_session = 1
            return fixedGroups.withUnsafeBufferPointer { groups in
              spawn.control_groups = groups.baseAddress
              spawn.control_group_count = Int32(groups.count)
              return bs_spawn(&spawn, &descriptor, &step)
            }
          }
        }
      }
    }
    guard pid > 0 else {
      let number = errno
      throw SystemError(step.map { String(cString: $0) } ?? "spawn", request.path, number: number)
    }
    // Not yet waited for, so its entry in /proc is there even if it has already ended.
    identity = ProcessIdentity(of: pid) ?? ProcessIdentity(pid: pid, startTicks: 0)
    self.descriptor = descriptor
    source = DispatchSource.makeReadSource(fileDescriptor: descriptor, queue: .global())
    // The source keeps the object alive until the process has ended, so that one nobody holds is still collected.
    source.setEventHandler { self.reap() }
    source.setCancelHandler { close(descriptor) }
    source.activate()
  }

  /// How it ended; `nil` while it runs.
  public var end: ProcessEnd? { state.withLock(\.end) }

  /// Sends `signal` unless it has ended.
  ///
  /// - Throws: ``SystemError`` when the kernel refuses.
  public func send(_ signal: Int32) throws(SystemError) {
    // Under the lock, for the descriptor is closed (and its number given away) only after `end` is set.
    let error: Int32 = state.withLock { state in
      if state.end != nil { return 0 }
      return bs_pidfd_send_signal(descriptor, signal) == 0 ? 0 : errno
    }
    if error != 0 && error != ESRCH {
      throw SystemError("pidfd_send_signal", identity.description, number: error)
    }
  }

  /// Waits until it has ended.
  ///
  /// - Returns: how it ended, or `nil` when the caller was cancelled first.
  public func wait() async -> ProcessEnd? {
    let ticket = state.withLock { state in
      state.nextWaiter += 1
      return state.nextWaiter
    }
    return await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let now: ProcessEnd?? = state.withLock { state in
          if let end = state.end { return .some(end) }
          if Task.isCancelled { return .some(nil) }
          state.waiting[ticket] = continuation
          return .none
        }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: ticket) }?.resume(returning: nil)
    }
  }

  /// Asks it to end with `signal`, then ends it with SIGKILL after `grace`; returns when it is gone, also when the caller
  /// is cancelled meanwhile.
  ///
  /// - Throws: ``SystemError`` when the kernel refuses a signal; the process then still runs.
  @discardableResult
  public func terminate(
    _ signal: Int32 = Signal.terminate, grace: Duration = .seconds(3), clock: any Clock<Duration> = ContinuousClock()
  ) async throws -> ProcessEnd? {
    try await shieldedThrowing {
      try self.send(signal)
      do {
        return try await withDeadline(grace, clock: clock, "end of \(self.identity)") { await self.wait() }
      } catch is DeadlineExceeded {
        try self.send(SIGKILL)
        return await self.wait()
      }
    }
  }

  private func reap() {
    var status: Int32 = 0
    var signal: Int32 = 0
    let ended = bs_wait(identity.pid, 1, &status, &signal)
    if ended == 0 { return }
    let end: ProcessEnd = ended < 0 ? .exited(-1) : signal != 0 ? .signalled(signal) : .exited(status)
    let waiting = state.withLock { state in
      state.end = end
      defer { state.waiting = [:] }
      return state.waiting.values
    }
    source.cancel()
    for continuation in waiting { continuation.resume(returning: end) }
  }
}

/// Calls `body` with a NULL-terminated array of C strings that live as long as the call.
private func withCStrings<T>(_ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> T) -> T {
  let pointers = texts.map { strdup($0) } + [nil]
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeBufferPointer { buffer in
    guard let base = buffer.baseAddress else { preconditionFailure("an array with a NULL at its end is not empty") }
    return body(base)
  }
}

private func withOptionalCStrings<T>(
  _ one: String?, _ other: String?, _ body: (UnsafePointer<CChar>?, UnsafePointer<CChar>?) -> T
) -> T {
  withOptionalCString(one) { one in withOptionalCString(other) { body(one, $0) } }
}

private func withOptionalCString<T>(_ text: String?, _ body: (UnsafePointer<CChar>?) -> T) -> T {
  guard let text else { return body(nil) }
  return text.withCString(body)
}
