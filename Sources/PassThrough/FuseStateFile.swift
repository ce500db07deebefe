internal import CFuse
internal import Glibc
internal import Support

/// A file in the root of the mount that no listing shows and that says how the pass-through stands. What is read there
/// came through the kernel, from the very process that answers all operations: so a fault is read back.
enum FuseStateFile {
  static let name = ".blackstart-state"
  /// A number that no other file gets.
  static let number = UInt64.max

  static func entry(_ files: ServedFiles) -> fuse_entry_param {
    var entry = fuse_entry_param()
    entry.ino = number
    entry.attr.st_ino = UInt(number)
    entry.attr.st_mode = S_IFREG | 0o444
    entry.attr.st_nlink = 1
    entry.attr.st_size = files.gate.state.count
    return entry
  }

  /// Opens it. Bytes are handed out as they are now, past the page cache.
  static func open(_ request: FuseRequest, _ file: fuse_file_info) {
    guard file.flags & O_ACCMODE == O_RDONLY else { return request.answer(EACCES) }
    var file = file
    file.fh = number
    file.direct_io = 1
    request.answer(opened: file)
  }

  static func read(_ request: FuseRequest, size: Int, at offset: off_t) {
    request.answer(Array(request.files.gate.state.dropFirst(Int(offset)).prefix(size)))
  }
}
