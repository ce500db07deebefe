internal import Glibc
public import Support

/// How something is taken back that was done to processes. Every step checks the start time of a process, or what a file
/// holds, and touches nothing that is not as it was made.
public enum ProcessUndo: Sendable, Hashable, Codable {
  /// Continues a process that was stopped by SIGSTOP.
  case resume(ProcessIdentity, command: String)
  /// Lets go of a process that was stopped by ptrace. The kernel does it when the tracer ends; a tracer that hangs or was
  /// stopped itself is ended, for nobody else can let go.
  case release(ProcessIdentity, command: String, tracer: ProcessIdentity)
  /// Gives a file of a control group its old value back.
  case restore(ControlGroupValue)
  /// Nothing can or need be taken back; the text says why, as the end of a sentence.
  case nothing(what: String, why: String)

  /// Takes it back and verifies that it is gone.
  func perform() throws -> UndoAction.Result {
    switch self {
    case .resume(let process, _): try Self.resume(process)
    case .release(let process, _, let tracer): try Self.release(process, tracer)
    case .restore(let value): try value.restore()
    case .nothing(_, let why): .endedByItself(why)
    }
  }

  private static func resume(_ process: ProcessIdentity) throws -> UndoAction.Result {
    func isStopped() -> Bool {
      ProcessTable.Entry(of: process.pid).map { $0.identity == process && $0.state == "T" } ?? false
    }
    guard isStopped() else { return .absent }
    try process.send(Signal.resume)
    for _ in 0..<200 {
      if !isStopped() { return .removed }
      usleep(5_000)
    }
    throw SystemError("SIGCONT", "\(process), which is still stopped", number: EBUSY)
  }

  private static func release(_ process: ProcessIdentity, _ tracer: ProcessIdentity) throws -> UndoAction.Result {
    func isTraced() -> Bool {
      guard ProcessIdentity(of: process.pid) == process else { return false }
      // The tracer is a thread; what counts is the process it belongs to.
      return tracerOf(process.pid).map { threadGroup(of: $0) == tracer.pid } ?? false
    }
    guard isTraced() else { return .endedByItself("ended with its tracer") }
    let wasEnded = try tracer.send(Signal.kill)
    for _ in 0..<400 {
      if !isTraced() { return wasEnded ? .removed : .endedByItself("ended with its tracer") }
      usleep(5_000)
    }
    throw SystemError("PTRACE_DETACH", "\(process), which is still traced by \(tracer)", number: EBUSY)
  }
}

/// The thread that traces a process; `nil` if none does.
func tracerOf(_ pid: Int32) -> Int32? {
  statusNumber("TracerPid", of: pid).flatMap { $0 == 0 ? nil : $0 }
}

/// The process that a thread belongs to; `nil` when it is gone.
private func threadGroup(of thread: Int32) -> Int32? { statusNumber("Tgid", of: thread) }

/// A number from /proc/PID/status.
private func statusNumber(_ name: String, of pid: Int32) -> Int32? {
  guard let bytes = try? readFile("/proc/\(pid)/status", limit: 1 << 16) else { return nil }  // it has ended
  for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n") where line.hasPrefix("\(name):") {
    return line.split(whereSeparator: { $0 == ":" || $0 == "\t" || $0 == " " }).last.flatMap { Int32($0) }
  }
  return nil
}

extension ProcessUndo: CustomStringConvertible {
  /// What it takes back: `stop of postgres (pid 4711)`.
  public var description: String {
    switch self {
    case .resume(let process, let command): "stop of \(command) (pid \(process.pid))"
    case .release(let process, let command, _): "trace stop of \(command) (pid \(process.pid))"
    case .restore(let value): "\(value)"
    case .nothing(let what, _): what
    }
  }
}
