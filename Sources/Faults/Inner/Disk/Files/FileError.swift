/// How a file system refuses; the names of errno(3).
public enum FileError: String, Sendable, Hashable, Codable, CaseIterable {
  /// The device failed.
  case inputOutput = "EIO"
  /// The device is full.
  case noSpace = "ENOSPC"
  /// The file system is read-only, as it is after the kernel met an error.
  case readOnly = "EROFS"
  /// The quota is used up.
  case quota = "EDQUOT"
  /// Not permitted to this user.
  case access = "EACCES"
  /// There is no such file.
  case notFound = "ENOENT"
  /// Too many open files in the system.
  case tooManyFiles = "ENFILE"
  /// A network file system's handle is out of date.
  case stale = "ESTALE"
  /// A network file system did not answer.
  case timedOut = "ETIMEDOUT"

  /// The number, which is the same on all of Linux's architectures that we support.
  var number: Int32 {
    switch self {
    case .inputOutput: 5
    case .noSpace: 28
    case .readOnly: 30
    case .quota: 122
    case .access: 13
    case .notFound: 2
    case .tooManyFiles: 23
    case .stale: 116
    case .timedOut: 110
    }
  }
}
