internal import Support

/// The mounts that this process sees (/proc/self/mountinfo, proc(5)), those mounted later behind those before.
struct MountTable: Sendable, Hashable {
  /// One mount.
  struct Mount: Sendable, Hashable {
    var id: Int
    /// `major:minor` of the file system.
    var device: String
    /// Where.
    var path: String
    /// Its kind, such as `ext4` or `fuse.blackstart`.
    var type: String
    /// What was mounted.
    var source: String
  }

  var mounts: [Mount]

  /// Reads the table.
  static func now() throws(SystemError) -> MountTable {
    MountTable(String(decoding: try readFile("/proc/self/mountinfo"), as: UTF8.self))
  }

  init(_ text: String) {
    mounts = text.split(separator: "\n").compactMap { line in
      let fields = line.split(separator: " ")
      guard let dash = fields.firstIndex(of: "-"), dash >= 6, fields.count > dash + 2, let id = Int(fields[0]) else {
        return nil
      }
      return Mount(
        id: id, device: String(fields[2]), path: Self.plain(fields[4]), type: String(fields[dash + 1]),
        source: Self.plain(fields[dash + 2]))
    }
  }

  /// What is seen at a path that something is mounted on; `nil` if nothing is.
  func top(at path: String) -> Mount? { mounts.last { $0.path == path } }

  /// The mount that a path, absolute and without links, lies on.
  func mount(holding path: String) -> Mount? {
    mounts.enumerated().filter { Self.isAt(path, orBelow: $1.path) }
      .max { ($0.element.path.utf8.count, $0.offset) < ($1.element.path.utf8.count, $1.offset) }?.element
  }

  private static func isAt(_ path: String, orBelow directory: String) -> Bool {
    path == directory || path.hasPrefix(directory.hasSuffix("/") ? directory : directory + "/")
  }

  /// Blank, tab, newline and backslash stand as octal numbers.
  private static func plain(_ field: Substring) -> String {
    var bytes: [UInt8] = []
    var rest = Array(field.utf8)[...]
    while let byte = rest.popFirst() {
      let digits = rest.prefix(3)
      if byte == UInt8(ascii: "\\"), digits.count == 3,
        let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 8)
      {
        bytes.append(value)
        rest = rest.dropFirst(3)
      } else {
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
