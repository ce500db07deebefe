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

  private static func identify(_ path: String) throws(SystemError) -> (device: UInt64, inode: UInt64) {
    let fd = bs_open(path, O_RDONLY | O_DIRECTORY, 0)
    guard fd >= 0 else { throw SystemError("open", path) }
    defer { close(fd) }
    var (device, inode): (UInt64, UInt64) = (0, 0)
    guard bs_identity(fd, &device, &inode) == 0 else { throw SystemError("fstat", path) }
    return (device, inode)
  }
}
