internal import CKernel
internal import Glibc
internal import Support
internal import Synchronization

/// Takes the room of a file system with one file that carries our mark.
final class FillMechanism: Mechanism {
  let choice: MechanismChoice
  private let order: InnerOrder
  private let filling: DiskFilling
  private let filler: FillerFile
  private let tally = Mutex(InnerCounters(meant: 1))

  init(_ order: InnerOrder, _ choice: MechanismChoice, _ filling: DiskFilling) throws {
    self.order = order
    self.choice = choice
    self.filling = filling
    _ = try (order.scope.disks ?? NodeDisks()).expendable(filling.directory, for: "filled")
    let room = try FileSystemRoom(of: filling.directory)
    guard room.freeBytes <= filling.keepFreeBytes + filling.atMostBytes else {
      throw order.refusal(
        .unsupported(
          "\(room.freeBytes >> 20) MiB are free on the file system of \(filling.directory), and no more than "
            + "\(filling.atMostBytes >> 20) MiB may be taken"))
    }
    filler = FillerFile(in: filling.directory, run: order.fault.run, fault: order.fault.id)
    if fileExists(filler.path) { throw order.refusal(.invalid("\(filler.path) exists already; blackstart recover")) }
  }

  var changes: [String] {
    [
      "file \(filler.path), grown until \(filling.keepFreeBytes >> 20) MiB are free, at most \(filling.atMostBytes >> 20) MiB"
    ]
  }

  var undo: [UndoAction] { [.disk(.removeFiller(filler))] }

  /// A file system may have to write down what is reserved.
  var longestMaking: Int64 { 30_000_000_000 }

  var counters: InnerCounters { tally.withLock { $0 } }

  func make() throws -> [String] {
    try filler.create()
    try top()
    let free = try FileSystemRoom(of: filling.directory).freeBytes
    guard free <= filling.keepFreeBytes + Self.slack else {
      throw order.refusal(
        .notAsAsked("\(free >> 10) KiB are still free on the file system of \(filling.directory)"))
    }
    tally.withLock { tally in
      tally.reached = 1
      tally.hits = 1
    }
    return ["\(free >> 10) KiB are free on the file system of \(filling.directory)"]
  }

  /// What may stay free beyond what was asked for: less than any server's next file.
  private static let slack: UInt64 = 256 << 10

  private func top() throws {
    let size = try filler.size()
    let free = try FileSystemRoom(of: filling.directory).freeBytes
    guard free > filling.keepFreeBytes, size < filling.atMostBytes else { return }
    try filler.grow(from: size, by: min(free - filling.keepFreeBytes, filling.atMostBytes - size))
  }

  func look() throws -> String? {
    guard fileExists(filler.path) else { return "somebody removed \(filler.path)" }
    // What others gave back is taken too.
    try top()
    let taken = try filler.size()
    tally.withLock { $0.particulars["bytes taken"] = taken }
    return nil
  }

  func takeAway() throws -> [String] {
    if case .foreign(let what) = try filler.remove() {
      return ["\(filler.path) is left alone, for somebody else made it: \(what)"]
    }
    let free = try FileSystemRoom(of: filling.directory).freeBytes
    return ["\(filler.path) is gone; \(free >> 20) MiB are free"]
  }
}

/// A file that is there to take room. It begins with a mark that says whose it is, to us and to people.
public struct FillerFile: Sendable, Hashable, Codable {
  /// Where: a name that is made from run and fault.
  public var path: String
  /// What it begins with.
  public var mark: String

  init(in directory: String, run: String, fault: String) {
    path = "\(directory)/.blackstart-filler-\(sha256(Array("\(run)/\(fault)".utf8)).prefix(12))"
    mark = "blackstart: this file takes room for fault \(fault) of run \(run); blackstart recover removes it\n"
  }

  func create() throws(SystemError) {
    let descriptor = bs_open(path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    let bytes = Array(mark.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write", path) }
  }

  func size() throws(SystemError) -> UInt64 {
    var information = stat()
    guard lstat(path, &information) == 0 else { throw SystemError("lstat", path) }
    return UInt64(information.st_size)
  }

  /// Reserves room behind what is there, in ever smaller pieces towards the end.
  func grow(from size: UInt64, by bytes: UInt64) throws(SystemError) {
    let descriptor = bs_open(path, O_RDWR | O_NOFOLLOW, 0)
    guard descriptor >= 0 else { throw SystemError("open", path) }
    defer { close(descriptor) }
    var (end, piece) = (size, bytes)
    let limit = size + bytes
    while piece >= 4096, end < limit {
      if bs_fallocate(descriptor, 0, off_t(end), off_t(min(piece, limit - end))) == 0 {
        end += min(piece, limit - end)
      } else if errno == ENOSPC {
        piece /= 2
      } else if errno != EINTR {
        throw SystemError("fallocate", path)
      }
    }
  }

  /// Removes it, if it carries our mark, and gives its room back at once also while somebody has it open.
  func remove() throws -> UndoAction.Result {
    let descriptor = bs_open(path, O_RDWR | O_NOFOLLOW, 0)
    guard descriptor >= 0 else {
      if errno == ENOENT { return .absent }
      if errno == ELOOP { return .foreign("a symbolic link") }
      throw SystemError("open", path)
    }
    defer { close(descriptor) }
    var information = stat()
    guard fstat(descriptor, &information) == 0 else { throw SystemError("fstat", path) }
    // An empty one was made by us, and then we were killed: its name was written down before.
    guard information.st_size == 0 || hasMark(descriptor) else { return .foreign("a file without our mark") }
    guard ftruncate(descriptor, 0) == 0 else { throw SystemError("ftruncate", path) }
    var named = stat()
    guard lstat(path, &named) == 0 else { return .removed }
    guard named.st_ino == information.st_ino, named.st_dev == information.st_dev else {
      return .foreign("another file was put in its place")
    }
    guard unlink(path) == 0 || errno == ENOENT else { throw SystemError("unlink", path) }
    return .removed
  }

  private func hasMark(_ descriptor: Int32) -> Bool {
    var bytes = [UInt8](repeating: 0, count: mark.utf8.count)
    return pread(descriptor, &bytes, bytes.count, 0) == bytes.count && bytes == Array(mark.utf8)
  }
}
