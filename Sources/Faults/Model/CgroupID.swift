internal import CKernel
internal import Glibc
public import Support

/// A control group of version 2, as packets know it: the number of its directory, and how deep it lies.
///
/// A socket belongs to the group its process was in when it made the socket; moving the process later changes nothing.
public struct CgroupID: Sendable, Hashable, Codable {
  /// The inode of its directory in the cgroup2 file system.
  public var id: UInt64
  /// How many directories below the root it lies; 1 for those right below.
  public var level: UInt32

  /// A group by its number and depth.
  public init(id: UInt64, level: UInt32) {
    self.id = id
    self.level = level
  }

  /// Looks up the group whose directory is `path`, such as `/sys/fs/cgroup/kafka.slice`.
  ///
  /// - Throws: ``SystemError``: ENOENT if there is none, ENOTSUP if it is no group of version 2, or is the root, to which
  ///   all sockets belong.
  public init(path: String) throws(SystemError) {
    let own = try Self.identify(path)
    // Every directory of version 2 has this file, and none of version 1.
    guard access(path + "/cgroup.controllers", F_OK) == 0 else {
      throw SystemError("find cgroup", path, number: ENOTSUP)
    }
    var level: UInt32 = 0
    var above = path + "/.."
    while try Self.identify(above).device == own.device {
      level += 1
      above += "/.."
    }
    guard level > 0 else { throw SystemError("find cgroup", path, number: ENOTSUP) }
    self.init(id: own.inode, level: level)
  }

  /// The numbers of the group and of all groups below it, as of now.
  ///
  /// - Throws: ``SystemError`` with ENOENT if no group has this number.
  func idsWithin() throws -> Set<UInt64> {
    for root in ["/sys/fs/cgroup", "/sys/fs/cgroup/unified"] where access(root + "/cgroup.controllers", F_OK) == 0 {
      if let path = try Self.find(id, below: root, levels: level) { return try Self.ids(in: path) }
    }
    throw SystemError("find cgroup", "number \(id)", number: ENOENT)
  }

  private static func find(_ id: UInt64, below path: String, levels: UInt32) throws -> String? {
    for group in try groups(in: path) {
      if levels == 1 {
        if try identify(group).inode == id { return group }
      } else if let found = try find(id, below: group, levels: levels - 1) {
        return found
      }
    }
    return nil
  }

  private static func ids(in path: String) throws -> Set<UInt64> {
    var ids: Set<UInt64> = [try identify(path).inode]
    for group in try groups(in: path) { ids.formUnion(try Self.ids(in: group)) }
    return ids
  }

  /// Groups right below one. Only groups are directories there.
  private static func groups(in path: String) throws -> [String] {
    try listDirectory(path).map { "\(path)/\($0)" }.filter { access($0 + "/cgroup.controllers", F_OK) == 0 }
  }

  private static func identify(_ path: String) throws(SystemError) -> (device: UInt64, inode: UInt64) {
    let fd = bs_open(path, O_RDONLY | O_DIRECTORY, 0)
    guard fd >= 0 else { throw SystemError("open", path) }
    defer { close(fd) }
    var (device, inode): (UInt64, UInt64) = (0, 0)
    guard bs_identity(fd, &device, &inode) == 0 else { throw SystemError("fstat", path) }
    return (device, inode)
  }
}
