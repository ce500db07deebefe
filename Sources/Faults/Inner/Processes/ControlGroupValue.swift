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
  /// In a file with a line for each of many things: the first word of ours, such as `254:0`. What stands there is then the
  /// rest of that line, and nothing where there is no such line.
  public var key: String?
  /// What is written behind the key to have no such line.
  public var neutral: String?

  /// Reads what stands in `file`, to write `ours` into it later.
  ///
  /// - Throws: `SystemError` when there is no such file.
  init(_ file: String, ours: String, onTheWay: [String] = []) throws(SystemError) {
    self.file = file
    self.ours = ours
    self.onTheWay = onTheWay
    group = try Self.directoryNumber(of: file)
    original = try Self.read(file, key: nil)
  }

  /// Reads what stands in `file` behind `key`, to write into it later what `ours` makes of it.
  ///
  /// - Parameter neutral: what is written behind the key to have no such line, which is what stands there at first as a rule.
  /// - Throws: `SystemError` when there is no such file.
  init(
    _ file: String, key: String, neutral: String, ours: (_ original: String) -> String
  ) throws(SystemError) {
    self.file = file
    self.key = key
    self.neutral = neutral
    onTheWay = []
    group = try Self.directoryNumber(of: file)
    original = try Self.read(file, key: key)
    self.ours = ours(original)
  }

  /// What stands there now.
  func current() throws(SystemError) -> String { try Self.read(file, key: key) }

  /// Writes our value, and checks that it stands there.
  func set() throws(SystemError) {
    try write(ours)
    let now = try current()
    guard now == ours || onTheWay.contains(now) else {
      throw SystemError("write", "\(file): it shows '\(now)' after '\(ours)' was written", number: EINVAL)
    }
  }

  /// Writes the old value back, unless somebody else's stands there, and checks that it does.
  ///
  /// It is written as well where it seems to stand there already: one look that showed nothing of ours would let it stay for good.
  func restore() throws -> UndoAction.Result {
    guard try isSameGroup() else { return .absent }
    let now = try current()
    guard now == original || now == ours || onTheWay.contains(now) else { return .foreign("it shows '\(now)'") }
    try write(original.isEmpty ? neutral ?? "" : original)
    for _ in 0..<200 {
      if try current() == original { return now == original ? .absent : .removed }
      usleep(5_000)
    }
    throw SystemError("write", "\(file): '\(original)' does not come back", number: EBUSY)
  }

  /// Whether the group is still there. Only one that is gone has nothing of ours; whatever else keeps us from looking proves nothing.
  private func isSameGroup() throws(SystemError) -> Bool {
    let now: UInt64
    do throws(SystemError) { now = try Self.directoryNumber(of: file) } catch {
      if error.number == ENOENT { return false }
      throw error
    }
    return now == group
  }

  private static func read(_ file: String, key: String?) throws(SystemError) -> String {
    let lines = String(decoding: try readFile(file, limit: 1 << 16), as: UTF8.self).split(whereSeparator: \.isNewline)
    guard let key else { return lines.first.map(String.init) ?? "" }
    return lines.first { $0.hasPrefix("\(key) ") }.map { String($0.dropFirst(key.count + 1)) } ?? ""
  }

  private func write(_ text: String) throws(SystemError) {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { close(descriptor) }
    let bytes = Array((key.map { "\($0) \(text)" } ?? text).utf8)
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
  public var description: String { "value '\(key.map { "\($0) " } ?? "")\(ours)' in \(file)" }
}
