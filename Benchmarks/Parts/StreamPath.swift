internal import Glibc
internal import Netlink
internal import Support

/// An established TCP connection from one node to another, driven from one thread.
final class StreamPath: Sendable {
  private let sender: Int32
  private let receiver: Int32

  /// Connects.
  init(from: BenchNode, to: BenchNode, port: UInt16) throws {
    let address = try SocketAddress(of: to, port: port)
    let listener = try to.namespace.run {
      let descriptor = try openSocket(SOCK_STREAM)
      var yes: Int32 = 1
      setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &yes, socklen_t(MemoryLayout<Int32>.size))
      guard address.with({ bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
        throw SystemError("bind", to.name)
      }
      return descriptor
    }
    defer { close(listener) }
    sender = try from.namespace.run {
      let descriptor = try openSocket(SOCK_STREAM)
      guard address.with({ connect(descriptor, $0, $1) }) == 0 || errno == EINPROGRESS else {
        throw SystemError("connect", to.name)
      }
      return descriptor
    }
    guard Self.wait(for: listener, POLLIN, milliseconds: 5000) else {
      close(sender)
      throw Problem(.fail, at: to.name, "no connection within 5 s")
    }
    receiver = accept(listener, nil, nil)
    guard receiver >= 0, fcntl(receiver, F_SETFL, O_NONBLOCK) == 0, fcntl(receiver, F_SETFD, FD_CLOEXEC) == 0,
      Self.wait(for: sender, POLLOUT, milliseconds: 5000)
    else { throw SystemError("accept") }
  }

  deinit {
    close(sender)
    close(receiver)
  }

  /// Sends and receives `bytes` as fast as it goes, and says how long that took (ns).
  func transfer(_ bytes: Int) throws -> Int64 {
    var buffer = [UInt8](repeating: 7, count: 256 << 10)
    var (sent, received) = (0, 0)
    let start = Timebase.system.monotonic()
    var progressAt = start
    while received < bytes {
      var isIdle = true
      if sent < bytes {
        let count = Glibc.send(sender, buffer, min(buffer.count, bytes - sent), Int32(MSG_NOSIGNAL))
        if count > 0 { (sent, isIdle) = (sent + count, false) }
      }
      let count = recv(receiver, &buffer, buffer.count, 0)
      if count > 0 { (received, isIdle) = (received + count, false) }
      if isIdle {
        guard Timebase.system.monotonic() - progressAt < 30_000_000_000 else {
          throw Problem(.fail, "30 s without progress, after \(received) of \(bytes) bytes")
        }
        _ = Self.wait(for: receiver, POLLIN, milliseconds: 1)
      } else {
        progressAt = Timebase.system.monotonic()
      }
    }
    return Timebase.system.monotonic() - start
  }

  /// Sends a byte, as far as there is room for it.
  func push() {
    var byte: UInt8 = 1
    _ = Glibc.send(sender, &byte, 1, Int32(MSG_NOSIGNAL))
  }

  /// Whether anything has arrived since the last call; takes it.
  func arrived() -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    var any = false
    while recv(receiver, &buffer, buffer.count, 0) > 0 { any = true }
    return any
  }

  private static func wait(for descriptor: Int32, _ events: Int32, milliseconds: Int32) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(events), revents: 0)
    return poll(&request, 1, milliseconds) == 1
  }
}
