internal import Glibc
internal import Netlink
internal import Support

/// Connects to a TCP port and lets go at once, on a thread of its own in the given network namespace.
///
/// - Returns: `nil` when the connection was accepted, else why not.
/// - Throws: ``SystemError`` when the thread or the socket cannot be made.
func connectTCP(
  _ address: IPAddress, port: UInt16, within limit: Duration, networkNamespace: Int32?
) async throws -> String? {
  try await onOwnThread("tcp", networkNamespace: networkNamespace) {
    try connectAndClose(address, port, milliseconds: Int32(clamping: max(1, limit.milliseconds)))
  }
}

private func connectAndClose(_ address: IPAddress, _ port: UInt16, milliseconds: Int32) throws -> String? {
  var storage = sockaddr_storage()
  let isV4 = "\(address)".contains(".") && !"\(address)".contains(":")
  let length: Int
  if isV4 {
    var v4 = sockaddr_in()
    v4.sin_family = sa_family_t(AF_INET)
    v4.sin_port = port.bigEndian
    guard inet_pton(AF_INET, "\(address)", &v4.sin_addr) == 1 else { return "'\(address)' is no address" }
    length = MemoryLayout<sockaddr_in>.size
    withUnsafeMutableBytes(of: &storage) { target in withUnsafeBytes(of: v4) { target.copyMemory(from: $0) } }
  } else {
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    v6.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, "\(address)", &v6.sin6_addr) == 1 else { return "'\(address)' is no address" }
    length = MemoryLayout<sockaddr_in6>.size
    withUnsafeMutableBytes(of: &storage) { target in withUnsafeBytes(of: v6) { target.copyMemory(from: $0) } }
  }
  let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let descriptor = socket(isV4 ? AF_INET : AF_INET6, type, 0)
  guard descriptor >= 0 else { throw SystemError("socket", "\(address)") }
  defer { close(descriptor) }
  let begun = withUnsafePointer(to: &storage) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(length)) }
  }
  if begun == 0 { return nil }
  guard errno == EINPROGRESS else { return errnoText(errno) }
  var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  guard poll(&entry, 1, milliseconds) > 0 else {
    return "no answer within \(Duration.milliseconds(milliseconds).brief)"
  }
  var error: Int32 = 0
  var size = socklen_t(MemoryLayout<Int32>.size)
  guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 else { throw SystemError("getsockopt") }
  return error == 0 ? nil : errnoText(error)
}
