internal import Glibc
internal import Support

/// Runs a program to its end; its output goes to the file `log`, which is removed when all went well.
///
/// - Throws: ``Problem`` with the last lines of the output when it fails; `CancellationError` when cancelled, after the
///   program has been ended.
func run(_ request: ProcessRequest, _ what: String, log: String) async throws {
  var request = request
  request.logPath = log
  let child = try ChildProcess(request)
  guard let end = await child.wait() else {
    try await shieldedThrowing { _ = try await child.terminate(Signal.kill) }
    throw CancellationError()
  }
  guard end == .exited(0) else {
    throw Problem(.usage, at: request.path, "\(what) \(end)\n\(logTail(log))")
  }
  try removeTree(log)
}

/// The last lines of a log for an error message; says so when it cannot be read.
func logTail(_ path: String, lines: Int = 8) -> String {
  do {
    let text = String(decoding: try readFile(path).suffix(8192), as: UTF8.self)
    return text.split(separator: "\n").suffix(lines).map { "  | \($0)" }.joined(separator: "\n")
  } catch {
    return "  (no log: \(error))"
  }
}

/// An advisory lock on a file, held until it is released or the process ends.
struct FileLock: Sendable {
  private let descriptor: Int32

  /// Waits for the lock on `path`, on a thread of its own.
  static func acquire(_ path: String) async throws -> FileLock {
    let descriptor = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    do {
      try await onOwnThread("lock") {
        while flock(descriptor, LOCK_EX) != 0 {
          if errno != EINTR { throw SystemError("flock", path) }
        }
      }
    } catch {
      close(descriptor)
      throw error
    }
    return FileLock(descriptor: descriptor)
  }

  /// Gives the lock back.
  func release() { close(descriptor) }
}
