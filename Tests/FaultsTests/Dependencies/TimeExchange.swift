import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// A time server and a client of it at the two ends of a wire (SNTP, RFC 4330), both with this machine's clock.
struct TimeExchange {
  let server: DatagramSocket
  let client: DatagramSocket

  init(server: IPAddress, in namespaceA: NetworkNamespace, client: IPAddress, in namespaceB: NetworkNamespace) throws {
    self.server = try DatagramSocket(server, in: namespaceA)
    self.client = try DatagramSocket(client, in: namespaceB)
  }

  /// How far ahead of ours the server's clock seems to be, nanoseconds, by the quickest of five exchanges; `nil` if no answer
  /// came in time.
  func offsetNanoseconds() throws -> Int64? {
    try (0..<5).compactMap { _ in try exchange() }.min { $0.took < $1.took }?.offset
  }

  private func exchange() throws -> (offset: Int64, took: Int64)? {
    let sent = Self.now()
    try #require(client.send(Self.message(mode: 3, [0, 0, 0, Self.stamp(sent)]), to: server) == nil)
    guard let question = Self.wait(for: server) else { return nil }
    let received = Self.now()
    let stamps = [Self.stamp(received - 1_000_000_000), Self.stamp(at: 40, question), Self.stamp(received)]
    try #require(server.send(Self.message(mode: 4, stamps + [Self.stamp(Self.now())]), to: client) == nil)
    guard let reply = Self.wait(for: client) else { return nil }
    let arrived = Self.now()
    try #require(reply.count == 48 && reply[0] & 7 == 4)
    #expect(Self.stamp(at: 24, reply) == Self.stamp(sent), "what the client said of its own time was changed")
    #expect(Self.stamp(at: 16, reply) <= Self.stamp(at: 32, reply), "the server's clock was set after it answered")
    let (there, back) = (Self.stamp(at: 32, reply), Self.stamp(at: 40, reply))
    return ((Self.nanoseconds(there) - sent + Self.nanoseconds(back) - arrived) / 2, arrived - sent)
  }

  private static func wait(for socket: DatagramSocket) -> [UInt8]? {
    DatagramSocket.wait(for: [socket], milliseconds: 2000)
    return socket.receive()
  }

  private static func message(mode: UInt8, _ stamps: [UInt64]) -> [UInt8] {
    var bytes: [UInt8] = [0x20 | mode, 2, 6, 0xEC] + [UInt8](repeating: 0, count: 12)
    for stamp in stamps { bytes.appendBig(stamp) }
    return bytes
  }

  /// Nanoseconds since 1970.
  private static func now() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }

  /// Since 1900, in units of 2⁻³² s.
  private static func stamp(_ nanoseconds: Int64) -> UInt64 {
    NTPReply.units(nanoseconds) &+ 2_208_988_800 << 32
  }

  private static func nanoseconds(_ stamp: UInt64) -> Int64 {
    let since = stamp &- 2_208_988_800 << 32
    return Int64(since >> 32) * 1_000_000_000 + Int64(((since & 0xFFFF_FFFF) * 1_000_000_000) >> 32)
  }

  private static func stamp(at place: Int, _ bytes: [UInt8]) -> UInt64 {
    bytes[place..<(place + 8)].reduce(0) { $0 << 8 | UInt64($1) }
  }
}
