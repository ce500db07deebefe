internal import Glibc
internal import Support

/// The file to which decisions are appended: one write a line, so that a process that is killed leaves whole lines.
///
/// It may be moved away and is then made anew by a restart; `copytruncate` of logrotate works as well.
struct DecisionLog: Sendable {
  private let file: Descriptor
  private let path: String

  /// Opens the log, or begins it.
  init(_ path: String) throws(SystemError) {
    file = try Descriptor.open(path, O_RDWR | O_CREAT | O_APPEND, mode: 0o640)
    self.path = path
    // A line that a crash of the machine cut off must not swallow the next one.
    let end = lseek(file.number, 0, SEEK_END)
    var last = UInt8(ascii: "\n")
    if end > 0, pread(file.number, &last, 1, end - 1) == 1, last != UInt8(ascii: "\n") {
      var newline = UInt8(ascii: "\n")
      if write(file.number, &newline, 1) != 1 { throw SystemError("write", path) }
    }
  }

  /// Appends a decision.
  func append(_ decision: GuardDecision) throws {
    let line = try encodeJSON(decision) + [UInt8(ascii: "\n")]
    let count = write(file.number, line, line.count)
    guard count == line.count else { throw SystemError("write", path, number: count < 0 ? errno : ENOSPC) }
  }
}
