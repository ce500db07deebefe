internal import Glibc
internal import Support

/// Reads the whole file at `path`, after its size was found to be within `limit`.
///
/// - Throws: a ``Support/Problem`` with exit code 2: no such file, no permission, no regular file, too large.
func readFile(_ path: String, limit: ByteSize) throws(Problem) -> [UInt8] {
  // O_NONBLOCK: a FIFO named by mistake must not hang the command; it is refused just below.
  let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
  guard descriptor >= 0 else {
    let missing = errno == ENOENT
    throw Problem(
      .usage, at: path, "cannot be opened: \(errnoText(errno))",
      fix: missing ? "check the name; ready-made scenarios stand in scenarios/" : nil)
  }
  defer { close(descriptor) }
  var facts = stat()
  guard fstat(descriptor, &facts) == 0 else { throw Problem(.usage, at: path, "cannot be read: \(errnoText(errno))") }
  guard facts.st_mode & S_IFMT == S_IFREG else { throw Problem(.usage, at: path, "is not a regular file") }
  guard facts.st_size <= limit.bytes else {
    throw Problem(
      .usage, at: path,
      "is \(ByteSize(bytes: Int64(facts.st_size)).brief) large; a scenario has at most \(limit.brief)",
      fix: "is this the right file? It was not read")
  }
  // One byte more than it had a moment ago: a file that grows while it is read is noticed, not followed for ever.
  var bytes = [UInt8](repeating: 0, count: Int(facts.st_size) + 1)
  var filled = 0
  while filled < bytes.count {
    let count = bytes.withUnsafeMutableBytes {
      read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled)
    }
    if count < 0 && errno == EINTR { continue }
    guard count >= 0 else { throw Problem(.usage, at: path, "cannot be read: \(errnoText(errno))") }
    if count == 0 { break }
    filled += count
  }
  guard filled < bytes.count else { throw Problem(.usage, at: path, "grew while it was being read", fix: "try again") }
  bytes.removeLast(bytes.count - filled)
  return bytes
}
