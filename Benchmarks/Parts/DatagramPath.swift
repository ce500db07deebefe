internal import Glibc
internal import Netlink
internal import Support

/// A way for IPv4 datagrams from one node to another.
final class DatagramPath: Sendable {
  private let sender: Int32
  private let receiver: Int32

  /// Opens both ends.
  ///
  /// - Parameter port: where the receiver listens; free, for nobody else is in the namespace.
  init(from: BenchNode, to: BenchNode, port: UInt16) throws {
    let address = try SocketAddress(of: to, port: port)
    receiver = try to.namespace.run {
      let descriptor = try openSocket(SOCK_DGRAM)
      guard address.with({ bind(descriptor, $0, $1) }) == 0 else { throw SystemError("bind", to.name) }
      return descriptor
    }
    sender = try from.namespace.run {
      let descriptor = try openSocket(SOCK_DGRAM)
      guard address.with({ connect(descriptor, $0, $1) }) == 0 else { throw SystemError("connect", to.name) }
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

  /// Sends `count` datagrams of 64 bytes, each with its number, and takes what arrives. Whatever has not arrived 100 ms
  /// after the last one is lost.
  ///
  /// - Returns: the numbers that arrived, in that order, and the time that the sending alone took (ns).
  func send(_ count: Int) throws -> (arrived: [UInt32], took: Int64) {
    var datagram = [UInt8](repeating: 0, count: 64)
    var arrived: [UInt32] = []
    arrived.reserveCapacity(count)
    var took: Int64 = 0
    var number: UInt32 = 0
    while number < UInt32(count) {
      // As many as the receiver's buffer surely holds, so that none is lost but by what is measured.
      let end = min(UInt32(count), number + 128)
      let start = Timebase.system.monotonic()
      while number < end {
        withUnsafeBytes(of: number) { datagram.replaceSubrange(0..<4, with: $0) }
        guard Glibc.send(sender, datagram, datagram.count, 0) == datagram.count else { throw SystemError("send") }
        number += 1
      }
      took += Timebase.system.monotonic() - start
      take(&arrived)
    }
    let deadline = Timebase.system.monotonic() + 100_000_000
    while arrived.count < count, Timebase.system.monotonic() < deadline {
      usleep(1000)
      take(&arrived)
    }
    return (arrived, took)
  }

  private func take(_ arrived: inout [UInt32]) {
    var number: UInt32 = 0
    while recv(receiver, &number, 4, 0) == 4 { arrived.append(number) }
  }
}
