import Glibc
import Netlink
import Testing

/// One established TCP connection between two namespaces.
final class Stream {
  private var sender: Int32 = -1
  private var receiver: Int32 = -1

  init(from client: NetworkNamespace, to server: NetworkNamespace, at address: IPAddress) throws {
    guard case .v4(let value) = address else { throw Failure() }
    let kind = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let listener = try server.run { socket(AF_INET, kind, 0) }
    defer { close(listener) }
    var place = sockaddr_in()
    place.sin_family = sa_family_t(AF_INET)
    place.sin_addr.s_addr = value.bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    sender = try client.run { socket(AF_INET, kind, 0) }
    let isConnected = withUnsafeMutablePointer(to: &place) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        bind(listener, raw, length) == 0 && listen(listener, 1) == 0 && getsockname(listener, raw, &length) == 0
          && connect(sender, raw, length) == 0
      }
    }
    guard isConnected else { throw Failure() }
    receiver = accept(listener, nil, nil)
  }

  deinit {
    close(sender)
    close(receiver)
  }

  func passes(_ text: String, withinMilliseconds limit: Int32) -> Bool {
    let bytes = Array(text.utf8)
    guard send(sender, bytes, bytes.count, Int32(MSG_NOSIGNAL)) == bytes.count else { return false }
    return receives(withinMilliseconds: limit)
  }

  func receives(withinMilliseconds limit: Int32) -> Bool {
    var item = pollfd(fd: receiver, events: Int16(POLLIN), revents: 0)
    guard poll(&item, 1, limit) == 1 else { return false }
    var buffer = [UInt8](repeating: 0, count: 64)
    return recv(receiver, &buffer, buffer.count, 0) > 0
  }

  /// The error that the sender's socket has, 0 for none.
  var senderError: Int32 {
    var error: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    getsockopt(sender, SOL_SOCKET, SO_ERROR, &error, &length)
    return error
  }

  /// How often the sender has repeated what was not acknowledged, and how far its timer has backed off (`tcp_info`,
  /// `tcpi_retransmits` and `tcpi_backoff`).
  var senderBackOff: (retransmits: UInt8, backOff: UInt8) {
    var info = [UInt8](repeating: 0, count: 104)
    var length = socklen_t(info.count)
    getsockopt(sender, Int32(IPPROTO_TCP), TCP_INFO, &info, &length)
    return (info[2], info[4])
  }

  struct Failure: Error {}
}
