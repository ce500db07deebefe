internal import Glibc

/// An open file, closed when its owner goes. The one place of this room that calls open, write, pread and the like.
struct File: ~Copyable {
  let descriptor: Int32
  let path: String

  /// Creates `path`, which must not exist yet: evidence is never overwritten.
  static func create(_ path: String) throws(HistoryError) -> File {
    try File(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC)
  }

  static func open(_ path: String) throws(HistoryError) -> File {
    try File(path, O_RDONLY | O_CLOEXEC)
  }

  private init(_ path: String, _ flags: Int32) throws(HistoryError) {
    let descriptor = Glibc.open(path, flags, 0o644)
    guard descriptor >= 0 else { throw .system(call: "open", path: path, errno: errno) }
    self.descriptor = descriptor
    self.path = path
  }

  deinit { Glibc.close(descriptor) }

  /// Writes all of `bytes` at the end, in one call where the kernel takes them in one.
  func append(_ bytes: [UInt8]) throws(HistoryError) {
    var done = 0
    while done < bytes.count {
      let written = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done)
      }
      if written < 0 {
        if errno == EINTR { continue }
        throw .system(call: "write", path: path, errno: errno)
      }
      done += written
    }
  }

  /// Cuts the file back to `size`, so that a half-written block leaves no trace.
  func truncate(to size: UInt64) throws(HistoryError) {
    guard ftruncate(descriptor, Int(size)) == 0, lseek(descriptor, Int(size), SEEK_SET) >= 0 else {
      throw .system(call: "ftruncate", path: path, errno: errno)
    }
  }

  /// Takes the name away; for a file that could not even be begun.
  func remove() { unlink(path) }

  func sync() throws(HistoryError) {
    guard fdatasync(descriptor) == 0 else { throw .system(call: "fdatasync", path: path, errno: errno) }
  }

  func size() throws(HistoryError) -> UInt64 {
    var status = stat()
    guard fstat(descriptor, &status) == 0 else { throw .system(call: "fstat", path: path, errno: errno) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw .system(call: "read", path: path, errno: EISDIR) }
    return UInt64(status.st_size)
  }

  /// Up to `count` bytes from `offset`; fewer only at the end of the file.
  func read(at offset: UInt64, count: Int) throws(HistoryError) -> [UInt8] {
    var failure: Int32 = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      filled = 0
      while filled < count {
        let got = pread(descriptor, buffer.baseAddress?.advanced(by: filled), count - filled, Int(offset) + filled)
        if got < 0 && errno == EINTR { continue }
        if got < 0 { failure = errno }
        if got <= 0 { break }
        filled += got
      }
    }
    guard failure == 0 else { throw .system(call: "pread", path: path, errno: failure) }
    return bytes
  }
}
