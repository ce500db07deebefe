internal import Support

/// The end of a server's log, and what it says about why the server died.
struct LogTail: Sendable, Hashable {
  /// The last lines, oldest first.
  var lines: [String]

  /// The last `count` lines of `text`, without those that are empty.
  init(_ text: String, count: Int = 6) {
    lines = text.split(whereSeparator: \.isNewline).suffix(count).map(String.init)
  }

  /// Reads the end of a log; a log that cannot be read has no lines, and the reader of the message sees where it was sought.
  init(path: String, count: Int = 6) {
    let bytes = (try? readFile(path)) ?? []  // the message names the path
    self.init(String(decoding: bytes.suffix(16 << 10), as: UTF8.self), count: count)
  }

  /// What to do, where the log has one of the well-known complaints.
  var remedy: String? { found?.remedy }

  /// The line that has it.
  var complaint: String? { found?.line }

  private var found: (line: String, remedy: String)? {
    for (sign, remedy) in Self.complaints {
      if let line = lines.last(where: { $0.lowercased().contains(sign) }) { return (line, remedy) }
    }
    return nil
  }

  private static let complaints: [(sign: String, remedy: String)] = [
    ("address already in use", "the port is taken inside the region's namespace: end what listens there (ss -ltnp)"),
    (
      "cannot assign requested address",
      "the region's address is gone from its namespace: take the lab down and up again"
    ),
    ("no space left on device", "the disk is full: free some space, or choose another state directory"),
    ("permission denied", "the server's user may not enter the state directory: give it mode 0755, and those above it"),
    ("too many open files", "raise the limit of open files (ulimit -n)"),
    (
      "could not create shared memory segment",
      "raise kernel.shmmni, or remove segments that killed servers left (ipcs -m)"
    ),
    ("cannot allocate memory", "the machine has too little memory free"),
  ]
}
