internal import CKernel
internal import Glibc
internal import Support
internal import Synchronization

/// What a process that holds faults knows of its machine's disks: which directories are prepared, and which file systems
/// must never be stopped or filled because it lives on them itself.
public final class NodeDisks: Sendable {
  private let ownPaths: [String]
  private let names: [String: String]
  private let directories = Mutex<[(directory: PreparedDirectory, name: String?)]>([])

  /// - Parameters:
  ///   - ownPaths: absolute paths that this process writes to or runs from: its state directory, its run.
  ///   - names: where the data of what has a name are, prepared or not: of the `store`, say.
  public init(ownPaths: [String] = [], names: [String: String] = [:]) {
    self.ownPaths = ownPaths
    self.names = names
  }

  /// Where the data of a name are.
  func path(named name: String) -> String? { names[name] }

  /// Makes a prepared directory known to faults, by its path and by a name, such as `store`.
  public func add(_ directory: PreparedDirectory, as name: String? = nil) {
    directories.withLock { $0.append((directory, name)) }
  }

  /// It is to be unmounted.
  public func remove(_ directory: PreparedDirectory) {
    directories.withLock { $0.removeAll { $0.directory === directory } }
  }

  /// All that are known.
  public var prepared: [PreparedDirectory] { directories.withLock { $0.map(\.directory) } }

  /// The prepared directory of a name, or at a path.
  func prepared(at path: String) -> PreparedDirectory? {
    if !path.hasPrefix("/") { return directories.withLock { $0.first { $0.name == path }?.directory } }
    let place = truePath(path) ?? path
    return prepared.first { $0.path == place }
  }

  /// The file system that a path lies on, if it may be stopped or filled.
  ///
  /// - Throws: `Problem` saying why not.
  func expendable(_ path: String, for what: String) throws -> MountTable.Mount {
    let table = try MountTable.now()
    guard let place = truePath(path) else { throw SystemError("realpath", path, number: ENOENT) }
    guard let mount = table.mount(holding: place) else { throw SystemError("mountinfo", place, number: ENOENT) }
    func refuse(_ why: String) -> Problem {
      Problem(
        .faultNotApplied, at: place, "the file system cannot be \(what): \(why)", fix: "give the data one of its own")
    }
    if mount.type == MountedPlace.type { throw refuse("it is a prepared directory; use rules for its files") }
    let own = ["/", "/proc/self/exe", "/proc/self/cwd", "/usr", "/tmp", "/run"] + ownPaths
    for other in own {
      guard let there = truePath(other), let otherMount = table.mount(holding: there) else { continue }
      if otherMount.device == mount.device {
        throw refuse(
          "\(other == "/" ? "it is the root file system" : "\(there) lies on it too, which this program needs")")
      }
    }
    return mount
  }
}

/// An absolute path without links; `nil` when there is nothing.
func truePath(_ path: String) -> String? {
  guard let found = realpath(path, nil) else { return nil }
  defer { free(found) }
  return String(cString: found)
}

/// How much room a file system has for everyone, and in all (statvfs(3)).
struct FileSystemRoom: Sendable, Hashable {
  var freeBytes: UInt64
  var totalBytes: UInt64

  init(of path: String) throws(SystemError) {
    var room = statvfs()
    guard statvfs(path, &room) == 0 else { throw SystemError("statvfs", path) }
    freeBytes = UInt64(room.f_bavail) * UInt64(room.f_frsize)
    totalBytes = UInt64(room.f_blocks) * UInt64(room.f_frsize)
  }
}
