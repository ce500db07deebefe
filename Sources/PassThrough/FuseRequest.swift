internal import CFuse
internal import Glibc
internal import Support

/// One request of the kernel's, to be answered once.
struct FuseRequest {
  private let raw: fuse_req_t

  init(_ raw: fuse_req_t?) {
    guard let raw else { preconditionFailure("libfuse calls without a request") }
    self.raw = raw
  }

  /// What the session serves. The session keeps it alive until its loop has ended.
  var files: ServedFiles { Unmanaged.fromOpaque(fuse_req_userdata(raw)).takeUnretainedValue() }

  /// Who asks.
  var owner: (user: UInt32, group: UInt32) {
    guard let context = fuse_req_ctx(raw) else { preconditionFailure("libfuse has no context of a request") }
    return (context.pointee.uid, context.pointee.gid)
  }

  // What the kernel does not take is the answer to one who is gone.

  /// 0 for success, else an errno.
  func answer(_ number: Int32) { _ = fuse_reply_err(raw, number) }

  func answer(_ information: stat, keep: Double) {
    var information = information
    _ = fuse_reply_attr(raw, &information, keep)
  }

  func answer(_ entry: fuse_entry_param) {
    var entry = entry
    _ = fuse_reply_entry(raw, &entry)
  }

  func answer(_ entry: fuse_entry_param, created file: fuse_file_info) {
    var (entry, file) = (entry, file)
    _ = fuse_reply_create(raw, &entry, &file)
  }

  func answer(opened file: fuse_file_info) {
    var file = file
    // Who asked was interrupted before the answer: nobody will ever close it.
    if fuse_reply_open(raw, &file) != 0, file.fh <= UInt64(Int32.max) { close(Int32(file.fh)) }
  }

  func answer(written bytes: Int) { _ = fuse_reply_write(raw, bytes) }

  func answer(link text: String) { _ = fuse_reply_readlink(raw, text) }

  func answer(_ room: statvfs) {
    var room = room
    _ = fuse_reply_statfs(raw, &room)
  }

  func answer(place: off_t) { _ = fuse_reply_lseek(raw, place) }

  func answer(_ bytes: [UInt8]) {
    _ = bytes.withUnsafeBytes { fuse_reply_buf(raw, $0.baseAddress?.assumingMemoryBound(to: CChar.self), $0.count) }
  }

  func answer(bytesOfAttribute count: Int) { _ = fuse_reply_xattr(raw, count) }

  /// Bytes of an open file, from the kernel to the kernel where it can.
  func answer(bytes count: Int, of descriptor: Int32, at offset: off_t) {
    var source = fuse_bufvec.one(count)
    source.buf.flags = fuse_buf_flags(FUSE_BUF_IS_FD.rawValue | FUSE_BUF_FD_SEEK.rawValue)
    source.buf.fd = descriptor
    source.buf.pos = offset
    _ = fuse_reply_data(raw, &source, fuse_buf_copy_flags(0))
  }

  /// As many entries of a listing as fit.
  func answer(_ entries: ArraySlice<ServedFiles.DirectoryEntry>, size: Int) {
    var buffer = [CChar](repeating: 0, count: size)
    var used = 0
    for (place, entry) in zip(entries.indices, entries) {
      var information = stat()
      information.st_ino = UInt(entry.inode)
      information.st_mode = entry.mode
      let needed = buffer.withUnsafeMutableBufferPointer {
        fuse_add_direntry(raw, $0.baseAddress?.advanced(by: used), size - used, entry.name, &information, place + 1)
      }
      if used + needed > size { break }
      used += needed
    }
    _ = buffer.withUnsafeBufferPointer { fuse_reply_buf(raw, $0.baseAddress, used) }
  }
}

extension fuse_bufvec {
  /// One buffer of so many bytes, that is not there yet.
  static func one(_ bytes: Int) -> fuse_bufvec {
    var vector = fuse_bufvec()
    vector.count = 1
    vector.buf.size = bytes
    return vector
  }
}
