internal import Glibc
internal import Synchronization

/// The terminal, or what stands in for it: results on standard output, the rest on standard error.
struct Console: Sendable {
  /// Whether a person watches standard error, so that a line may be rewritten.
  let isTerminal = isatty(STDERR_FILENO) == 1
  /// Whether standard output takes colour: a terminal, and NO_COLOR not set (no-color.org).
  let hasColor = isatty(STDOUT_FILENO) == 1 && getenv("NO_COLOR") == nil

  /// Writes a result.
  func print(_ text: String) {
    write(text, to: STDOUT_FILENO)
  }

  /// Writes a message for a person.
  func note(_ text: String) {
    write(text, to: STDERR_FILENO)
  }

  /// Width of the terminal in columns; 100 when it is none.
  var columns: Int {
    var size = winsize()
    return ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 20 ? Int(size.ws_col) : 100
  }

  private func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 && errno == EINTR { continue }
      if count <= 0 { return }  // nobody reads any more; the run directory has it all
      offset += count
    }
  }
}
