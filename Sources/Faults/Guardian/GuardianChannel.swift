internal import Glibc
internal import Support

/// One end of the connection between an agent and its guardian: a socket of whole messages (`SOCK_SEQPACKET`), each one
/// JSON value. It is close-on-exec and closed when the object goes away; the other end then sees that.
final class GuardianChannel: Sendable {
  let descriptor: Int32

  /// What there was to receive.
  enum Received<Message: Sendable>: Sendable {
    case message(Message)
    /// Something that is no such message; the text says what.
    case unreadable(String)
    /// Nothing within the time.
    case nothing
    /// The other end is closed.
    case closed
  }

  /// Takes over an open socket.
  init(_ descriptor: Int32) {
    self.descriptor = descriptor
  }

  deinit {
    close(descriptor)
  }

  /// Both ends of a new connection.
  static func pair() throws(SystemError) -> (GuardianChannel, GuardianChannel) {
    var ends: [Int32] = [-1, -1]
    let kind = Int32(SOCK_SEQPACKET.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else { throw SystemError("socketpair") }
    return (GuardianChannel(ends[0]), GuardianChannel(ends[1]))
  }

  /// Whether a descriptor is such a connection.
  static func isConnection(_ descriptor: Int32) -> Bool {
    var kind: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    return getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &kind, &length) == 0
      && kind == Int32(SOCK_SEQPACKET.rawValue)
  }

  /// Sends one message, never waiting for room.
  ///
  /// - Returns: whether it was taken; `false` when the other end has not read for long, or is closed.
  func send(_ message: some Encodable) throws -> Bool {
    let bytes = try encodeJSON(message)
    while true {
      if Glibc.send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT)) >= 0 {
        return true
      }
      switch errno {
      case EINTR: continue
      case EAGAIN, EPIPE, ECONNRESET, ENOTCONN: return false
      default: throw SystemError("send", "guardian connection")
      }
    }
  }

  /// Hangs up: the other end finds the connection closed.
  func hangUp() {
    _ = shutdown(descriptor, Int32(SHUT_RDWR))  // refused only where the other end has hung up before
  }

  /// Waits at most that long for a message; `nil` for ever, 0 not at all. A connection that fails is one that is closed.
  func receive<Message: Decodable & Sendable>(_ type: Message.Type, milliseconds: Int32?) -> Received<Message> {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    // An interrupted wait is a shorter one; the caller looks at the clock.
    if poll(&entry, 1, milliseconds ?? -1) <= 0 { return .nothing }
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count == 0 { return .closed }
      if count > 0 {
        do { return .message(try decodeJSON(type, from: buffer[..<count])) } catch { return .unreadable("\(error)") }
      }
      switch errno {
      // ECONNRESET comes once, before what is still there to be read, when the other end died with mail unread.
      case EINTR, ECONNRESET: continue
      case EAGAIN: return .nothing
      default: return .closed
      }
    }
  }
}
