internal import CMnl
internal import Glibc

/// The descriptor of a netlink socket: datagrams in and out, who they are from, and whether some were lost.
///
/// It is used by one thread at a time; ``NetlinkSocket`` sees to that.
struct NetlinkEndpoint: Sendable {
  /// The address the kernel knows it by.
  let port: UInt32
  private let namespaceName: String?
  private var handle: Handle?
  /// Answers were lost, and what came before them may still be in the queue.
  private var overran = false
  private var buffer = [UInt8](repeating: 0, count: 1 << 17)

  /// A `mnl_socket`. Sendable, because libmnl keeps no thread's state in it and no two threads use it at a time.
  private struct Handle: @unchecked Sendable {
    let pointer: OpaquePointer
  }

  /// Opens a socket in the namespace of the calling thread. Its owner closes it with ``close()``.
  init(_ bus: NetlinkSocket.Bus, bufferBytes: Int32, namespaceName: String?) throws(NetlinkError) {
    guard let handle = mnl_socket_open2(bus.rawValue, Int32(SOCK_CLOEXEC.rawValue)) else {
      throw .last("socket", .socket, namespace: namespaceName)
    }
    func give(up call: String) -> NetlinkError {
      let failure = NetlinkError.last(call, .socket, namespace: namespaceName)
      mnl_socket_close(handle)
      return failure
    }
    guard mnl_socket_bind(handle, 0, 0) == 0 else { throw give(up: "bind") }
    let fd = mnl_socket_get_fd(handle)
    for (option, name) in [(SO_SNDBUFFORCE, "SO_SNDBUFFORCE"), (SO_RCVBUFFORCE, "SO_RCVBUFFORCE")] {
      var size = bufferBytes
      guard setsockopt(fd, SOL_SOCKET, option, &size, 4) == 0 else { throw give(up: name) }
    }
    // Text and offset with every refusal; refusals without a copy of the whole request.
    for (option, name) in [(NETLINK_EXT_ACK, "NETLINK_EXT_ACK"), (NETLINK_CAP_ACK, "NETLINK_CAP_ACK")] {
      var on: Int32 = 1
      guard mnl_socket_setsockopt(handle, option, &on, 4) == 0 else { throw give(up: name) }
    }
    self.handle = Handle(pointer: handle)
    self.namespaceName = namespaceName
    port = mnl_socket_get_portid(handle)
  }

  /// Gives up the descriptor; the second time there is none. The caller closes it, outside of any lock.
  mutating func release() -> (@Sendable () -> Void)? {
    guard let handle else { return nil }
    self.handle = nil
    return { mnl_socket_close(handle.pointer) }
  }

  /// Sends one datagram, once nothing is left that the kernel would drop its answer for.
  mutating func send(_ bytes: [UInt8], _ label: NetlinkSocket.Label) throws(NetlinkError) {
    try drain(label)
    let handle = try open(label)
    var sent: Int
    repeat { sent = mnl_socket_sendto(handle, bytes, bytes.count) } while sent < 0 && errno == EINTR
    guard sent == bytes.count else { throw .last("send \(label.call)", label.object, namespace: namespaceName) }
  }

  /// Receives one datagram of the kernel's: the messages in it that are for this socket, maybe none.
  ///
  /// - Returns: `nil` if none comes in time.
  /// - Throws: ``NetlinkError``, `.overrun` after the last datagram before a loss.
  mutating func receive(
    within milliseconds: Int32, _ label: NetlinkSocket.Label
  ) throws(NetlinkError) -> [Message]? {
    if overran, try !isReadable(within: 0, label) {
      overran = false
      throw NetlinkError(.overrun, call: label.call, object: label.object, namespace: namespaceName)
    }
    guard try isReadable(within: milliseconds, label) else { return nil }
    var sender = sockaddr_nl()
    let count = Self.receive(mnl_socket_get_fd(try open(label)), &buffer, from: &sender)
    guard count >= 0 else {
      switch errno {
      case EINTR, EAGAIN: return []
      case ENOBUFS:
        // This is told before what arrived in time, which is worth reading.
        overran = true
        return []
      default: throw .last("receive \(label.call)", label.object, namespace: namespaceName)
      }
    }
    // Another process can send to us too, if it is privileged.
    guard sender.nl_pid == 0 else { return [] }
    do throws(WireError) {
      guard count <= buffer.count else {
        throw .truncated(field: "datagram", need: count, have: buffer.count)
      }
      return try Message.split(Array(buffer[..<count])[...]).filter { $0.port == port || $0.port == 0 }
    } catch {
      throw NetlinkError(.malformed(error), call: label.call, object: label.object, namespace: namespaceName)
    }
  }

  /// Whether something arrives in time.
  func isReadable(within milliseconds: Int32, _ label: NetlinkSocket.Label) throws(NetlinkError) -> Bool {
    var item = pollfd(fd: mnl_socket_get_fd(try open(label)), events: Int16(POLLIN), revents: 0)
    let ready = poll(&item, 1, milliseconds)
    guard ready >= 0 || errno == EINTR else { throw .last("poll", .socket, namespace: namespaceName) }
    return ready != 0
  }

  /// Throws away what has arrived. After an overrun the kernel drops all further answers until its queue is empty.
  private mutating func drain(_ label: NetlinkSocket.Label) throws(NetlinkError) {
    while overran {
      do throws(NetlinkError) {
        _ = try receive(within: 0, label)
      } catch {
        guard error.reason == .overrun else { throw error }
      }
    }
  }

  private func open(_ label: NetlinkSocket.Label) throws(NetlinkError) -> OpaquePointer {
    guard let handle else {
      throw NetlinkError(.closed, call: label.call, object: label.object, namespace: namespaceName)
    }
    return handle.pointer
  }

  /// One datagram: its true length, even if the buffer is shorter, or -1 with errno.
  private static func receive(_ fd: Int32, _ buffer: inout [UInt8], from sender: inout sockaddr_nl) -> Int {
    var length = socklen_t(MemoryLayout<sockaddr_nl>.size)
    return withUnsafeMutablePointer(to: &sender) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        recvfrom(fd, &buffer, buffer.count, Int32(MSG_TRUNC) | Int32(MSG_DONTWAIT), address, &length)
      }
    }
  }
}
