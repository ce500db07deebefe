internal import Glibc
internal import Netlink
internal import Support

/// A node's IPv4 address and a port, as the socket calls take them.
struct SocketAddress: Sendable {
  private var raw = sockaddr_in()

  /// - Throws: ``Problem`` for a node without an IPv4 address.
  init(of node: BenchNode, port: UInt16) throws {
    for address in node.addresses {
      if case .v4(let value) = address {
        raw.sin_family = sa_family_t(AF_INET)
        raw.sin_port = port.bigEndian
        raw.sin_addr.s_addr = value.bigEndian
        return
      }
    }
    throw Problem(.fail, at: node.name, "it has no IPv4 address")
  }

  /// Calls `body` with the address and its length.
  func with<T>(_ body: (UnsafePointer<sockaddr>, socklen_t) throws -> T) rethrows -> T {
    try withUnsafePointer(to: raw) { pointer in
      try pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        try body($0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
  }
}

/// Opens a socket that is closed on exec and does not block.
func openSocket(_ type: __socket_type) throws -> Int32 {
  let kind = Int32(type.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
  let descriptor = socket(AF_INET, kind, 0)
  guard descriptor >= 0 else { throw SystemError("socket") }
  return descriptor
}
