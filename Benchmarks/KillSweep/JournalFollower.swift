internal import Drill
internal import Glibc
internal import Support

/// Reads the journal of a running drill as it grows. Blocks: use it on a thread of your own.
final class JournalFollower {
  private let path: String
  private var descriptor: Int32 = -1
  private var rest: [UInt8] = []
  private var records: [JournalRecord] = []

  init(_ path: String) {
    self.path = path
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The next event of that type. Looks five thousand times a second: a record is seen before the drill goes on from it.
  ///
  /// - Parameter isRunning: whether more can come.
  /// - Throws: ``Problem`` when the drill ended, or `limit` passed, before there was one.
  func next<T: JournalEvent>(
    _ type: T.Type, limit: Duration, while isRunning: () -> Bool
  ) throws -> T {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    while true {
      let goesOn = isRunning()
      try readMore()
      while !records.isEmpty {
        if let event = records.removeFirst().decoded(type) { return event }
      }
      guard goesOn else {
        throw Problem(.fail, at: path, "the drill ended before it wrote a record \(T.type)")
      }
      guard Timebase.system.monotonic() < deadline else {
        throw Problem(.fail, at: path, "the drill wrote no record \(T.type) within \(limit.brief)")
      }
      usleep(200)
    }
  }

  private func readMore() throws {
    if descriptor < 0 {
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        if errno == ENOENT { return }  // the drill is still starting
        throw SystemError("open", path)
      }
    }
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    while true {
      let count = read(descriptor, &buffer, buffer.count)
      guard count >= 0 else { throw SystemError("read", path) }
      if count == 0 { break }
      rest += buffer.prefix(count)
    }
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      records.append(try decodeJSON(JournalRecord.self, from: rest[..<end]))
      rest.removeSubrange(...end)
    }
  }
}
