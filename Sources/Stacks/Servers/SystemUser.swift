internal import Glibc
public import Support

/// A user of this machine, by numbers.
public struct SystemUser: Sendable, Hashable {
  /// User number.
  public var uid: UInt32
  /// Number of its primary group.
  public var gid: UInt32

  /// Looks a user up by name.
  ///
  /// - Throws: ``Problem`` when there is none.
  public init(named name: String) throws(Problem) {
    var entry = passwd()
    var found: UnsafeMutablePointer<passwd>?
    var buffer = [CChar](repeating: 0, count: 16 << 10)
    let error = getpwnam_r(name, &entry, &buffer, buffer.count, &found)
    guard error == 0, found != nil else {
      throw Problem(
        .usage, at: name, "this machine has no user '\(name)'\(error == 0 ? "" : ": \(errnoText(error))")",
        fix: "install the package that makes it (postgresql-\(ServerBinaries.oldestPostgres) makes 'postgres')")
    }
    uid = entry.pw_uid
    gid = entry.pw_gid
  }

  /// The user that PostgreSQL runs as; it refuses to run as root.
  public static func postgres() throws(Problem) -> SystemUser { try SystemUser(named: "postgres") }

  /// Gives `path` to this user.
  func own(_ path: String) throws(SystemError) {
    if chown(path, uid, gid) != 0 { throw SystemError("chown", path) }
  }
}

/// A password of 128 random bits, in hexadecimal digits.
public func randomPassword() -> String {
  var generator = SystemRandomNumberGenerator()
  return (0..<16).map { _ in
    let byte = UInt8.random(in: 0...255, using: &generator)
    return String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
  }.joined()
}
