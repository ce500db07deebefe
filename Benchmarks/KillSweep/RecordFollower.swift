internal import Glibc
internal import Support

/// Reads a file of journal records as it grows. Blocks: use it on a thread of your own.
final class RecordFollower {
  let path: String
  private var descriptor: Int32 = -1
  private var rest: [UInt8] = []

  init(_ path: String) {
    self.path = path
  }

  deinit {
    if descriptor >= 0 { close(descriptor) }
  }

  /// The records that were written since it was last asked; none while there is no file yet.
  func more() throws -> [JournalRecord] {
    if descriptor < 0 {
      descriptor = open(path, O_RDONLY | O_CLOEXEC)
      guard descriptor >= 0 else {
        if errno == ENOENT { return [] }
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
    var records: [JournalRecord] = []
    while let end = rest.firstIndex(of: UInt8(ascii: "\n")) {
      records.append(try decodeJSON(JournalRecord.self, from: rest[..<end]))
      rest.removeSubrange(...end)
    }
    return records
  }
}
