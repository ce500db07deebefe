internal import Glibc
internal import Netlink
internal import Support

/// A UDP socket bound to one address inside a namespace, never blocking. It is closed when the object goes away.
final class DatagramSocket: Sendable {
  let address: IPAddress
  let port: UInt16
  let descriptor: Int32

  /// Opens a socket on a port that the kernel chooses.
  ///
  /// - Throws: ``SystemError``, with EADDRNOTAVAIL if the namespace does not have the address.
  init(_ address: IPAddress, in namespace: NetworkNamespace) throws {
    let family = address.family == .v4 ? AF_INET : AF_INET6
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let fd = try namespace.run {
      let fd = socket(family, kind, 0)
      guard fd >= 0 else { throw SystemError("socket", "\(address)") }
      return fd
    }
    do {
      try Self.withSocketAddress(address, port: 0) { pointer, length in
        guard bind(fd, pointer, length) == 0 else { throw SystemError("bind", "\(address)") }
      }
      port = try Self.port(of: fd, address)
    } catch {
      close(fd)
      throw error
    }
    descriptor = fd
    self.address = address
  }

  deinit {
    close(descriptor)
  }

  /// Sends one datagram; the errno of a refusal, or `nil`.
  func send(_ bytes: [UInt8], to other: DatagramSocket) -> Int32? {
    Self.withSocketAddress(other.address, port: other.port) { pointer, length in
      let sent = sendto(descriptor, bytes, bytes.count, 0, pointer, length)
      return sent == bytes.count ? nil : errno
    }
  }

  /// The next datagram that has arrived, or `nil`.
  func receive() -> [UInt8]? {
    var buffer = [UInt8](repeating: 0, count: 128)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count >= 0 { return Array(buffer.prefix(count)) }
      // An ICMP answer to something sent earlier is reported here once, before what has arrived.
      if errno == EAGAIN { return nil }
      if errno != EINTR, errno != ECONNREFUSED, errno != EHOSTUNREACH, errno != ENETUNREACH { return nil }
    }
  }

  private static func port(of fd: Int32, _ address: IPAddress) throws -> UInt16 {
    var storage = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let result = withUnsafeMutablePointer(to: &storage) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(fd, $0, &length) }
    }
    guard result == 0 else { throw SystemError("getsockname", "\(address)") }
    // The port stands at the same place in both families.
    return withUnsafeBytes(of: storage) { UInt16($0[2]) << 8 | UInt16($0[3]) }
  }

  private static func withSocketAddress<R>(
    _ address: IPAddress, port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) throws -> R
  ) rethrows -> R {
    switch address {
    case .v4(let value):
      var raw = sockaddr_in()
      raw.sin_family = sa_family_t(AF_INET)
      raw.sin_port = port.bigEndian
      raw.sin_addr.s_addr = value.bigEndian
      return try withUnsafePointer(to: &raw) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
        }
      }
    case .v6:
      var raw = sockaddr_in6()
      raw.sin6_family = sa_family_t(AF_INET6)
      raw.sin6_port = port.bigEndian
      withUnsafeMutableBytes(of: &raw.sin6_addr) { $0.copyBytes(from: address.bytes) }
      return try withUnsafePointer(to: &raw) { pointer in
        try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          try body($0, socklen_t(MemoryLayout<sockaddr_in6>.size))
        }
      }
    }
  }

  /// Waits until one of `sockets` has something, or `milliseconds` are over.
  static func wait(for sockets: [DatagramSocket], milliseconds: Int32) {
    var items = sockets.map { pollfd(fd: $0.descriptor, events: Int16(POLLIN), revents: 0) }
    // An interrupted wait is a shorter one; the caller looks at the clock.
    _ = poll(&items, nfds_t(items.count), milliseconds)
  }
}
