internal import CMnl
internal import Glibc

extension PacketQueue {
  /// Opens a socket in the namespace of the calling thread.
  static func open(_ options: Options) throws(NetlinkError) -> Int32 {
    let kind = Int32(SOCK_RAW.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    let fd = socket(AF_NETLINK, kind, NETLINK_NETFILTER)
    guard fd >= 0 else { throw .last("socket", .socket) }
    func give(up call: String) -> NetlinkError {
      let failure = NetlinkError.last(call, .socket)
      Glibc.close(fd)
      return failure
    }
    var kernel = sockaddr_nl()
    kernel.nl_family = sa_family_t(AF_NETLINK)
    let connected = withUnsafePointer(to: &kernel) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        // The kernel alone may speak to us, and gets all that we send.
        connect(fd, $0, socklen_t(MemoryLayout<sockaddr_nl>.size))
      }
    }
    guard connected == 0 else { throw give(up: "connect") }
    var size = options.receiveBufferBytes
    guard setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, 4) == 0 else { throw give(up: "SO_RCVBUFFORCE") }
    var on: Int32 = 1
    // An overrun is seen as a gap in the numbers; as an error it would only stand in the way.
    for (option, name) in [(NETLINK_NO_ENOBUFS, "NETLINK_NO_ENOBUFS"), (NETLINK_CAP_ACK, "NETLINK_CAP_ACK")] {
      guard setsockopt(fd, SOL_NETLINK, option, &on, 4) == 0 else { throw give(up: name) }
    }
    return fd
  }

  /// Binds the socket to a queue of this number, or to the first one that is free.
  static func bind(_ fd: Int32, _ wanted: UInt16?, _ options: Options) throws(NetlinkError) -> UInt16 {
    let candidates = wanted.map { [$0] } ?? (0..<UInt16(tries)).map { firstNumber &+ $0 }
    var refusal = NetlinkError(.refused(errno: EBUSY), call: "NFQNL_CFG_CMD_BIND", object: .socket)
    for number in candidates {
      guard let failure = try request(fd, number, options) else { return number }
      refusal = failure
      // EBUSY: taken, by this socket. EPERM: taken by another, or no right to any: then the last one fails as well.
      guard failure.errno == EBUSY || failure.errno == EPERM else { throw failure }
    }
    throw refusal
  }

  /// Asks for one queue; the kernel's refusal, if it refuses.
  private static func request(_ fd: Int32, _ number: UInt16, _ options: Options) throws(NetlinkError) -> NetlinkError? {
    let label = "NFQNL_CFG_CMD_BIND"
    func fail(_ reason: NetlinkError.Reason) -> NetlinkError {
      NetlinkError(reason, call: label, object: .queue(number))
    }
    var writer = MessageWriter()
    do {
      try write(
        [
          .bind, .copy(options.copy), .maximumLength(options.maximumLength),
          .flags(options.flags, mask: [.failOpen, .bundles]),
        ], queue: number, to: &writer, sequence: UInt32(number), acknowledged: true)
    } catch { throw fail(.malformed(error)) }
    let bytes = writer.finish()
    guard Glibc.send(fd, bytes, bytes.count, 0) == bytes.count else { throw fail(.refused(errno: errno)) }
    // The kernel has answered before send returned. A packet may have overtaken nothing: it comes behind the answer.
    var buffer = [UInt8](repeating: 0, count: 8192)
    var item = pollfd(fd: fd, events: Int16(POLLIN), revents: 0)
    guard poll(&item, 1, 5000) == 1 else { throw fail(.timedOut(afterMilliseconds: 5000)) }
    let count = recv(fd, &buffer, buffer.count, 0)
    guard count >= 0 else { throw fail(.refused(errno: errno)) }
    do {
      for message in try Message.split(buffer[..<count]) where message.type == 2 && message.sequence == number {
        let answer = try Acknowledgement(message)
        return answer.errno == 0 ? nil : fail(.refused(errno: answer.errno))
      }
    } catch { throw fail(.malformed(error)) }
    throw fail(.incomplete("the kernel answered something else"))
  }
}

/// Runs `body` inside a namespace, or on the calling thread if none is given.
func inNamespace<T>(
  _ namespace: NetworkNamespace?, _ call: String, _ body: () throws(NetlinkError) -> T
) throws(NetlinkError) -> T {
  guard let namespace else { return try body() }
  do { return try namespace.run(body) } catch {
    throw error as? NetlinkError ?? NetlinkError(.incomplete("\(error)"), call: call, object: .socket)
  }
}
