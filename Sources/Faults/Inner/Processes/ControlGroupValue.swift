internal import CKernel
internal import Glibc
internal import Support

/// One value that a fault writes into a file of a control group, and the one that stood there before.
public struct ControlGroupValue: Sendable, Hashable, Codable {
  /// The file: `/sys/fs/cgroup/kafka.slice/cpu.max`.
  public var file: String
  /// Number of the group's directory: a group of the same name that was made later is another one.
  public var group: UInt64
  /// What stood there.
  public var original: String
  /// What is written there.
  public var ours: String
  /// What else the file shows while ours is coming into force, such as `FREEZING`.
  public var onTheWay: [String]

  /// Reads what stands in `file`, to write `ours` into it later.
  ///
  /// - Throws: `SystemError` when there is no such file.
  init(_ file: String, ours: String, onTheWay: [String] = []) throws(SystemError) {
    self.file = file
    self.ours = ours
    self.onTheWay = onTheWay
    group = try Self.directoryNumber(of: file)
    original = try Self.read(file)
  }

  /// What stands there now.
  func current() throws(SystemError) -> String { try Self.read(file) }

  /// Writes our value, and checks that it stands there.
  func set() throws(SystemError) {
    try Self.write(file, ours)
    let now = try current()
    guard now == ours || onTheWay.contains(now) else {
      throw SystemError("write", "\(file): it shows '\(now)' after '\(ours)' was written", number: EINVAL)
    }
  }

  /// Writes the old value back, if ours stands there, and checks that it does.
  func restore() throws -> UndoAction.Result {
    guard fileExists(file), try Self.directoryNumber(of: file) == group else { return .absent }
    let now = try current()
    if now == original { return .absent }
    guard now == ours || onTheWay.contains(now) else { return .foreign("it shows '\(now)'") }
    try Self.write(file, original)
    for _ in 0..<200 {
      if try current() == original { return .removed }
      usleep(5_000)
    }
    throw SystemError("write", "\(file): '\(original)' does not come back", number: EBUSY)
  }

  private static func read(_ file: String) throws(SystemError) -> String {
    String(decoding: try readFile(file, limit: 4096), as: UTF8.self).split(whereSeparator: \.isNewline).first.map(
      String.init)
      ?? ""
  }

  private static func write(_ file: String, _ text: String) throws(SystemError) {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write", file) }
  }

  private static func directoryNumber(of file: String) throws(SystemError) -> UInt64 {
    let directory = String(file[..<(file.lastIndex(of: "/") ?? file.startIndex)])
    var information = stat()
    guard stat(directory, &information) == 0 else { throw SystemError("stat", directory) }
    return UInt64(information.st_ino)
  }
}

extension ControlGroupValue: CustomStringConvertible {
  /// `value '50000 100000' in /sys/fs/cgroup/kafka.slice/cpu.max`.
  public var description: String { "value '\(ours)' in \(file)" }
}
