import Glibc
import Support
import Testing

/// Whose a lock of a record is.
enum LockKind {
  /// The process's.
  case process
  /// The open file's (F_OFD_SETLK).
  case openFile
}

extension OpenFile {
  /// Takes, changes or gives back a lock without waiting: 0 or a negative errno.
  ///
  /// - Parameter length: 0 for all that comes after `start`.
  func lock(_ kind: LockKind, _ type: Int32, _ start: Int, _ length: Int) -> Int {
    var record = flock(
      l_type: Int16(type), l_whence: Int16(SEEK_SET), l_start: start, l_len: length, l_pid: 0)
    // F_SETLK, F_OFD_SETLK of linux/fcntl.h
    return fcntl(descriptor, kind == .process ? 6 : 37, &record) == 0 ? 0 : -Int(errno)
  }
}

/// Another process that asks for locks of a file, in Python, whose fcntl passes on what it is given.
struct LockAsker {
  private let file: String
  private let directory: String

  init(_ file: String, in directory: String) {
    self.file = file
    self.directory = directory
  }

  private static let program = """
    import errno, fcntl, os, struct, sys, time
    path, said, command, kind, start, length = sys.argv[1:7]
    commands = {"SETLK": 6, "GETLK": 5, "OFD_GETLK": 36, "OFD_SETLK": 37}
    types = {"RD": 0, "WR": 1}
    form = "hhxxxxqqixxxx"
    descriptor = os.open(path, os.O_RDWR)
    ask = struct.pack(form, types[kind], 0, int(start), int(length), 0)
    try:
        answer = fcntl.fcntl(descriptor, commands[command], ask)
    except OSError as error:
        sys.exit(print(errno.errorcode[error.errno], end=""))
    if command.endswith("GETLK"):
        kind, _, start, length, pid = struct.unpack(form, answer)
        print("free" if kind == 2 else f"{['RD', 'WR'][kind]} {start} {length} by {pid}", end="")
    else:
        print("locked", end="")
    if said != "-":
        open(said, "w").close()
        time.sleep(600)
    """

  /// Asks, says what the kernel answered, and ends: `locked`, `EAGAIN`, `free`, `WR 10 10 by 4711`.
  func asks(_ question: String) async throws -> String {
    let result = try await Blackstart.command("/usr/bin/python3", arguments(question, "-"), in: "/")
    #expect(result.code == 0, "\(result.errors)")
    return result.output
  }

  /// Takes a lock and keeps it until it is ended; makes the file `saying` when it has it.
  func holds(_ question: String, saying: String) throws -> ChildProcess {
    try ChildProcess(ProcessRequest("/usr/bin/python3", arguments(question, saying)))
  }

  private func arguments(_ question: String, _ said: String) -> [String] {
    ["-c", Self.program, file, said] + question.split(separator: " ").map(String.init)
  }
}
