internal import Glibc
internal import Netlink
internal import Support

/// A way for IPv4 datagrams from one node to another.
final class DatagramPath {
  private let sender: Int32
  private let receiver: Int32

  /// Opens both ends.
  ///
  /// - Parameter port: where the receiver listens; free, for nobody else is in the namespace.
  init(from: BenchNode, to: BenchNode, port: UInt16) throws {
    let address = try Self.address(of: to)
    receiver = try to.namespace.run {
      let descriptor = try Self.socket()
      let result = Self.with(address, port) { bind(descriptor, $0, $1) }
      guard result == 0 else { throw SystemError("bind", to.name) }
      return descriptor
    }
    sender = try from.namespace.run {
      let descriptor = try Self.socket()
      let result = Self.with(address, port) { connect(descriptor, $0, $1) }
      guard result == 0 else { throw SystemError("connect", to.name) }
      return descriptor
    }
  }

  deinit {
    close(sender)
    close(receiver)
  }

  /// Sends one datagram and says whether any has arrived since the last call.
  func passes() throws -> Bool {
    var byte: UInt8 = 1
    guard Glibc.send(sender, &byte, 1, 0) == 1 || errno == EAGAIN || errno == ENOBUFS else {
      throw SystemError("send")
    }
    return try arrived()
  }

  /// Takes all that has arrived; whether that was anything.
  func arrived() throws -> Bool {
    var byte: UInt8 = 0
    var count = 0
    while recv(receiver, &byte, 1, 0) >= 0 { count += 1 }
    guard errno == EAGAIN else { throw SystemError("recv") }
    return count > 0
  }

  private static func socket() throws -> Int32 {
    let kind = Int32(SOCK_DGRAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
    let descriptor = Glibc.socket(AF_INET, kind, 0)
    guard descriptor >= 0 else { throw SystemError("socket") }
    return descriptor
  }

  static func address(of node: BenchNode) throws -> UInt32 {
    for address in node.addresses {
      if case .v4(let value) = address { return value }
    }
    throw Problem(.fail, at: node.name, "it has no IPv4 address")
  }

  static func with(
    _ address: UInt32, _ port: UInt16, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    var raw = sockaddr_in()
    raw.sin_family = sa_family_t(AF_INET)
    raw.sin_port = port.bigEndian
    raw.sin_addr.s_addr = address.bigEndian
    return withUnsafePointer(to: &raw) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { body($0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
  }
}
