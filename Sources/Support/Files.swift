internal import CKernel
internal import Glibc

/// Reads a whole file.
///
/// - Parameter limit: the most bytes that are read; a longer file is refused with EFBIG.
/// - Throws: ``SystemError`` naming the call and the path.
public func readFile(_ path: String, limit: Int = 256 << 20) throws(SystemError) -> [UInt8] {
  let descriptor = bs_open(path, O_RDONLY, 0)
  guard descriptor >= 0 else { throw SystemError("open", path) }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var chunk = [UInt8](repeating: 0, count: 64 << 10)
  while true {
    let count = read(descriptor, &chunk, chunk.count)
    if count < 0 {
      if errno == EINTR { continue }
      throw SystemError("read", path)
    }
    if count == 0 { return bytes }
    bytes.append(contentsOf: chunk[..<count])
    if bytes.count > limit { throw SystemError("read", path, number: EFBIG) }
  }
}

/// Writes a whole file so that a reader sees the old content or the new, never a part: temporary name, sync, rename.
///
/// - Parameter mode: permission bits of the new file.
/// - Throws: ``SystemError``; the old content then still stands.
public func writeFile(_ path: String, _ bytes: [UInt8], mode: UInt32 = 0o644) throws(SystemError) {
  let temporary = "\(path).new"
  let descriptor = bs_open(temporary, O_WRONLY | O_CREAT | O_TRUNC, mode)
  guard descriptor >= 0 else { throw SystemError("open", temporary) }
  do throws(SystemError) {
    try writeAll(descriptor, bytes, temporary)
    if fsync(descriptor) != 0 { throw SystemError("fsync", temporary) }
  } catch {
    close(descriptor)
    unlink(temporary)
    throw error
  }
  close(descriptor)
  if rename(temporary, path) != 0 { throw SystemError("rename", path) }
}

/// Writes all of `bytes` to an open file.
func writeAll(_ descriptor: Int32, _ bytes: [UInt8], _ path: String) throws(SystemError) {
  var offset = 0
  while offset < bytes.count {
    let count = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress?.advanced(by: offset), bytes.count - offset) }
    if count < 0 {
      if errno == EINTR { continue }
      throw SystemError("write", path)
    }
    offset += count
  }
}

/// Makes a directory and those above it. One that exists is fine, another kind of file in its place is not.
///
/// - Parameter mode: permission bits of the last directory; those above get 0755.
/// - Throws: ``SystemError``; directories above may have been made.
public func makeDirectory(_ path: String, mode: UInt32 = 0o755) throws(SystemError) {
  if mkdir(path, mode) == 0 { return }
  if errno == ENOENT, let slash = path.lastIndex(of: "/"), slash > path.startIndex {
    try makeDirectory(String(path[..<slash]))
    if mkdir(path, mode) == 0 { return }
  }
  guard errno == EEXIST else { throw SystemError("mkdir", path) }
  var information = stat()
  guard stat(path, &information) == 0 else { throw SystemError("mkdir", path, number: EEXIST) }
  if information.st_mode & S_IFMT != S_IFDIR { throw SystemError("mkdir", path, number: ENOTDIR) }
}

/// Removes a file or a directory with all that is in it. What is not there is fine.
///
/// No link is followed, not even one that somebody puts there meanwhile: every step is relative to a directory held open.
///
/// - Throws: ``SystemError`` with the path at which it stopped; what came before it is removed.
public func removeTree(_ path: String) throws(SystemError) {
  try removeEntry(of: AT_FDCWD, path, path)
}

private func removeEntry(of parent: Int32, _ name: String, _ path: String) throws(SystemError) {
  if unlinkat(parent, name, 0) == 0 || errno == ENOENT { return }
  guard errno == EISDIR || errno == EPERM else { throw SystemError("unlink", path) }
  let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
  guard descriptor >= 0 else {
    if errno == ENOENT { return }
    throw SystemError("open", path)
  }
  guard let directory = fdopendir(descriptor) else {
    let number = errno
    close(descriptor)
    throw SystemError("fdopendir", path, number: number)
  }
  defer { closedir(directory) }  // closes the descriptor as well
  for entry in names(in: directory) { try removeEntry(of: descriptor, entry, "\(path)/\(entry)") }
  if unlinkat(parent, name, AT_REMOVEDIR) != 0 && errno != ENOENT { throw SystemError("rmdir", path) }
}

/// The names in a directory, sorted, without `.` and `..`. A directory that is not there has none.
public func listDirectory(_ path: String) throws(SystemError) -> [String] {
  guard let directory = opendir(path) else {
    if errno == ENOENT { return [] }
    throw SystemError("opendir", path)
  }
  defer { closedir(directory) }
  return names(in: directory).sorted()
}

private func names(in directory: OpaquePointer) -> [String] {
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
    if name != "." && name != ".." { names.append(name) }
  }
  return names
}

/// Makes the entry of `path` in its directory durable.
public func syncDirectory(of path: String) throws(SystemError) {
  let directory = path.lastIndex(of: "/").map { $0 == path.startIndex ? "/" : String(path[..<$0]) } ?? "."
  let descriptor = bs_open(directory, O_RDONLY | O_DIRECTORY, 0)
  guard descriptor >= 0 else { throw SystemError("open", directory) }
  defer { close(descriptor) }
  if fsync(descriptor) != 0 { throw SystemError("fsync", directory) }
}

/// Whether something stands at `path` (a dangling link does).
public func fileExists(_ path: String) -> Bool {
  var information = stat()
  return lstat(path, &information) == 0
}
