/// What can be wrong with a history file, or with writing one. Offsets are bytes from the start of the file.
public enum HistoryError: Error, Sendable, Hashable {
  /// A system call on the file failed: the call, the path and errno.
  case system(call: String, path: String, errno: Int32)
  /// The file does not begin as a history does.
  case foreign(firstBytes: [UInt8])
  /// The file was written by a later version of this tool.
  case futureVersion(found: UInt16, known: UInt16)
  /// What stands at `offset` is not what was written there.
  case damaged(offset: UInt64, what: String)
  /// The recorder was closed already.
  case closed
}

extension HistoryError: CustomStringConvertible {
  /// What is wrong, where, and what it means for the reader.
  public var description: String {
    switch self {
    case .system(let call, let path, let number):
      "\(call) \(path): errno \(number)"
    case .foreign(let bytes):
      "not a history file: it begins with \(bytes.map { "0x" + String($0, radix: 16) }.joined(separator: " "))"
    case .futureVersion(let found, let known):
      "history format \(found) is newer than the newest this version reads (\(known)); use the version that wrote it"
    case .damaged(let offset, let what):
      "history damaged at byte \(offset): \(what); everything before that byte is sound"
    case .closed:
      "the history is closed; nothing more can be recorded"
    }
  }
}
