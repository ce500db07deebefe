internal import CFuse
internal import Glibc
internal import Support
internal import Synchronization

/// What one prepared directory consists of: its files, the gate that every operation passes, and the listings that are
/// being read.
final class ServedFiles: Sendable {
  let nodes: FileNodes
  let gate: any FileGate
  private let listings = Mutex<[UInt64: [DirectoryEntry]]>([:])

  /// One name of a directory.
  struct DirectoryEntry: Sendable, Hashable {
    var name: String
    var inode: UInt64
    /// The kind, as in the upper bits of a mode.
    var mode: UInt32
  }

  init(nodes: FileNodes, gate: any FileGate) {
    self.nodes = nodes
    self.gate = gate
  }

  /// Does an operation that has no more to say than whether it went well.
  ///
  /// - Parameter body: a system call: 0, or -1 with errno.
  /// - Returns: 0 or an errno.
  func perform(_ operation: FileOperation, paths: () -> [String], _ body: () -> Int32) -> Int32 {
    switch gate.pass(operation, bytes: 0, paths: paths) {
    case .fail(let number): return number
    case .pretend: return 0
    case .perform, .tear: return body() == 0 ? 0 : errno
    }
  }

  /// Does an operation on a file that the kernel knows by its number.
  func perform(_ operation: FileOperation, _ number: UInt64, _ body: (Int32) -> Int32) -> Int32 {
    perform(operation, paths: { [nodes.path(number)] }) { body(nodes.descriptor(number)) }
  }

  /// Does an operation on a name in a directory.
  func perform(
    _ operation: FileOperation, in directory: UInt64, _ name: String, _ body: (Int32) -> Int32
  ) -> Int32 {
    perform(operation, paths: { [nodes.path(directory, name)] }) { body(nodes.descriptor(directory)) }
  }

  /// Does an operation on an open file.
  func perform(_ operation: FileOperation, open descriptor: Int32, _ body: () -> Int32) -> Int32 {
    perform(operation, paths: { [nodes.path(ofDescriptor: descriptor)] }, body)
  }

  /// The way to a file behind a descriptor that grants no access.
  func link(_ number: UInt64) -> String { "/proc/self/fd/\(nodes.descriptor(number))" }

  /// Gives what was just made to the one who asked for it. In a directory with the set-group-id bit the kernel has chosen
  /// the group already.
  func give(_ name: String, in directory: Int32, to owner: (user: UInt32, group: UInt32)) -> Int32 {
    fchownat(directory, name, owner.user, group(for: owner.group, in: directory), AT_SYMLINK_NOFOLLOW)
  }

  /// The same for an open file.
  func give(open file: Int32, in directory: Int32, to owner: (user: UInt32, group: UInt32)) -> Int32 {
    fchown(file, owner.user, group(for: owner.group, in: directory))
  }

  private func group(for group: UInt32, in directory: Int32) -> UInt32 {
    var information = stat()
    guard fstat(directory, &information) == 0 else { return group }
    return information.st_mode & S_ISGID != 0 ? UInt32.max : group
  }

  // MARK: Listings

  /// Reads a directory anew, for all reading until the next beginning.
  ///
  /// - Returns: 0 or an errno.
  func list(open descriptor: Int32, as handle: UInt64) -> Int32 {
    let copy = openat(descriptor, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard copy >= 0 else { return errno }
    guard let directory = fdopendir(copy) else {
      let number = errno
      close(copy)
      return number
    }
    defer { closedir(directory) }
    var entries: [DirectoryEntry] = []
    errno = 0
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
      entries.append(.init(name: name, inode: UInt64(entry.pointee.d_ino), mode: UInt32(entry.pointee.d_type) << 12))
      errno = 0
    }
    if errno != 0 { return errno }
    listings.withLock { $0[handle] = entries }
    return 0
  }

  /// What is left of a listing from a place on.
  func entries(of handle: UInt64, from place: Int) -> ArraySlice<DirectoryEntry> {
    listings.withLock { $0[handle]?.dropFirst(place) ?? [] }
  }

  func forgetListing(_ handle: UInt64) {
    listings.withLock { $0[handle] = nil }
  }
}
