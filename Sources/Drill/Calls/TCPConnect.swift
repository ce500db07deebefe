internal import Glibc
internal import Netlink
internal import Support

/// Connects to a TCP port and lets go at once, on a thread of its own in the given network namespace. Ends soon after the cancellation
/// of its task.
///
/// - Returns: `nil` when the connection was accepted, else why not.
/// - Throws: ``SystemError`` when the thread or the socket cannot be made; `CancellationError`.
func connectTCP(
  _ address: IPAddress, port: UInt16, within limit: Duration, networkNamespace: Int32?
) async throws -> String? {
  try await onOwnThread("tcp", networkNamespace: networkNamespace) {
    try connectAndClose(address, port, milliseconds: Int32(clamping: max(1, limit.milliseconds)))
  }
}

/// Sends `request` to a TCP port and reads one answer, which begins with its length in four bytes, as Kafka's do; on a thread of its
/// own in the given network namespace.
///
/// - Returns: the answer without its length.
/// - Throws: ``SystemError`` or ``Problem`` when something of it fails; ``DeadlineExceeded`` when it takes longer than `limit`.
func exchangeTCP(
  _ address: IPAddress, port: UInt16, _ request: [UInt8], within limit: Duration, networkNamespace: Int32?
) async throws -> [UInt8] {
  try await onOwnThread("tcp", networkNamespace: networkNamespace) {
    let deadline = Timebase.system.monotonic() + limit.nanoseconds
    func left() throws -> Int32 {
      let left = (deadline - Timebase.system.monotonic()) / 1_000_000
      guard left > 0 else { throw DeadlineExceeded(what: "an answer of \(address):\(port)", limit: limit) }
      return Int32(clamping: left)
    }
    switch try openTCP(address, port, milliseconds: try left()) {
    case .refused(let why): throw Problem(.steadyState, at: "\(address):\(port)", "no connection: \(why)")
    case .open(let descriptor):
      defer { close(descriptor) }
      return try exchange(request, over: descriptor, left)
    }
  }
}

private func exchange(_ request: [UInt8], over descriptor: Int32, _ left: () throws -> Int32) throws -> [UInt8] {
  func wait(for events: Int32) throws {
    var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    guard poll(&entry, 1, try left()) >= 0 || errno == EINTR else { throw SystemError("poll") }
  }
  var sent = 0
  while sent < request.count {
    let count = request[sent...].withUnsafeBytes {
      send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
    }
    if count > 0 {
      sent += count
    } else if errno == EAGAIN || errno == EINTR {
      try wait(for: POLLOUT)
    } else {
      throw SystemError("send")
    }
  }
  var read: [UInt8] = []
  var wanted = 4
  var buffer = [UInt8](repeating: 0, count: 16_384)
  while read.count < wanted {
    let count = buffer.withUnsafeMutableBytes { recv(descriptor, $0.baseAddress, $0.count, 0) }
    if count > 0 {
      read += buffer[..<count]
      if read.count >= 4 {
        let length = read[..<4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= 16 << 20 else { throw Problem(.steadyState, "an answer of \(length) bytes is none") }
        wanted = 4 + length
      }
    } else if count == 0 {
      throw Problem(.steadyState, "the connection ended within the answer")
    } else if errno == EAGAIN || errno == EINTR {
      try wait(for: POLLIN)
    } else {
      throw SystemError("recv")
    }
  }
  return Array(read[4..<wanted])
}

private enum Connection {
  case open(Int32)
  case refused(String)
}

private func connectAndClose(_ address: IPAddress, _ port: UInt16, milliseconds: Int32) throws -> String? {
  switch try openTCP(address, port, milliseconds: milliseconds) {
  case .refused(let why): return why
  case .open(let descriptor):
    close(descriptor)
    return nil
  }
}

/// A connected socket, which the caller closes.
private func openTCP(_ address: IPAddress, _ port: UInt16, milliseconds: Int32) throws -> Connection {
  var storage = sockaddr_storage()
  let isV4 = "\(address)".contains(".") && !"\(address)".contains(":")
  let length: Int
  if isV4 {
    var v4 = sockaddr_in()
    v4.sin_family = sa_family_t(AF_INET)
    v4.sin_port = port.bigEndian
    guard inet_pton(AF_INET, "\(address)", &v4.sin_addr) == 1 else { return .refused("'\(address)' is no address") }
    length = MemoryLayout<sockaddr_in>.size
    withUnsafeMutableBytes(of: &storage) { target in withUnsafeBytes(of: v4) { target.copyMemory(from: $0) } }
  } else {
    var v6 = sockaddr_in6()
    v6.sin6_family = sa_family_t(AF_INET6)
    v6.sin6_port = port.bigEndian
    guard inet_pton(AF_INET6, "\(address)", &v6.sin6_addr) == 1 else { return .refused("'\(address)' is no address") }
    length = MemoryLayout<sockaddr_in6>.size
    withUnsafeMutableBytes(of: &storage) { target in withUnsafeBytes(of: v6) { target.copyMemory(from: $0) } }
  }
  let type = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue)
  let descriptor = socket(isV4 ? AF_INET : AF_INET6, type, 0)
  guard descriptor >= 0 else { throw SystemError("socket", "\(address)") }
  do {
    if let why = try finishConnecting(descriptor, &storage, length, milliseconds) {
      close(descriptor)
      return .refused(why)
    }
    return .open(descriptor)
  } catch {
    close(descriptor)
    throw error
  }
}

/// Returns why it did not come about.
private func finishConnecting(
  _ descriptor: Int32, _ storage: inout sockaddr_storage, _ length: Int, _ milliseconds: Int32
) throws -> String? {
  let begun = withUnsafePointer(to: &storage) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(descriptor, $0, socklen_t(length)) }
  }
  if begun == 0 { return nil }
  guard errno == EINPROGRESS else { return errnoText(errno) }
  guard try waitUntilWritable(descriptor, milliseconds) else {
    return "no answer within \(Duration.milliseconds(milliseconds).brief)"
  }
  var error: Int32 = 0
  var size = socklen_t(MemoryLayout<Int32>.size)
  guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &size) == 0 else { throw SystemError("getsockopt") }
  return error == 0 ? nil : errnoText(error)
}

/// In short waits, so that whoever is cancelled does not stay for a connection that nobody answers.
private func waitUntilWritable(_ descriptor: Int32, _ milliseconds: Int32) throws -> Bool {
  let deadline = Timebase.system.monotonic() + Int64(milliseconds) * 1_000_000
  var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
  while true {
    let left = (deadline - Timebase.system.monotonic() + 999_999) / 1_000_000
    guard left > 0 else { return false }
    if poll(&entry, 1, Int32(min(left, 100))) > 0 { return true }
    try Task.checkCancellation()
  }
}
