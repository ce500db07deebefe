internal import Netlink

/// An IP packet that holds a whole UDP datagram (RFC 768, 791, 8200), from its IP header on.
struct UDPPacket {
  private let packet: [UInt8]
  let family: IPAddress.Family
  /// Where the UDP header begins.
  private let start: Int
  /// Where the datagram ends.
  private let end: Int

  /// What the datagram carries.
  var payload: ArraySlice<UInt8> { packet[(start + 8)..<end] }

  /// - Throws: ``AnswerError`` if it is cut off, a fragment, or something else.
  init(_ packet: [UInt8]) throws(AnswerError) {
    self.packet = packet
    let first = try packet.big(UInt8.self, at: 0, "the IP header")
    let ipEnd: Int
    switch first >> 4 {
    case 4:
      family = .v4
      (start, ipEnd) = try Self.headerV4(packet)
    case 6:
      family = .v6
      (start, ipEnd) = try Self.headerV6(packet)
    default: throw .malformed("the version of IP")
    }
    let length = Int(try packet.big(UInt16.self, at: start + 4, "the UDP header"))
    _ = try packet.big(UInt16.self, at: start + 6, "the UDP header")
    guard length >= 8 else { throw .malformed("the length of UDP") }
    guard start + length <= ipEnd else { throw .truncated("the datagram") }
    end = start + length
  }

  /// Where the UDP header begins and the packet ends.
  private static func headerV4(_ packet: [UInt8]) throws(AnswerError) -> (start: Int, end: Int) {
    let length = Int(packet[0] & 15) * 4
    guard length >= 20 else { throw .malformed("the length of the IPv4 header") }
    let total = Int(try packet.big(UInt16.self, at: 2, "the IPv4 header"))
    guard total <= packet.count, packet.count >= length else { throw .truncated("the IPv4 packet") }
    guard total >= length else { throw .malformed("the length of the IPv4 packet") }
    // More fragments, or not the first one.
    guard try packet.big(UInt16.self, at: 6, "the IPv4 header") & 0x3FFF == 0 else { throw .notMeant("a fragment") }
    guard try packet.big(UInt8.self, at: 9, "the IPv4 header") == 17 else { throw .notMeant("no UDP") }
    return (length, total)
  }

  /// Past the extension headers that do not change where a packet goes.
  private static func headerV6(_ packet: [UInt8]) throws(AnswerError) -> (start: Int, end: Int) {
    let end = 40 + Int(try packet.big(UInt16.self, at: 4, "the IPv6 header"))
    guard end <= packet.count else { throw .truncated("the IPv6 packet") }
    var next = try packet.big(UInt8.self, at: 6, "the IPv6 header")
    var start = 40
    while next != 17 {
      // Hop-by-hop, routing, destination options.
      guard [0, 43, 60].contains(next) else { throw next == 44 ? .notMeant("a fragment") : .notMeant("no UDP") }
      next = try packet.big(UInt8.self, at: start, "an extension header")
      start += 8 * (Int(try packet.big(UInt8.self, at: start + 1, "an extension header")) + 1)
      guard start <= end else { throw .truncated("an extension header") }
    }
    return (start, end)
  }

  /// The same packet with another payload; lengths and checksums are right.
  ///
  /// - Throws: ``AnswerError`` if it would be too long for IP.
  func carrying(_ payload: [UInt8]) throws(AnswerError) -> [UInt8] {
    var bytes = Array(packet[..<start])
    guard let length = UInt16(exactly: 8 + payload.count),
      let whole = UInt16(exactly: start + 8 + payload.count - (family == .v4 ? 0 : 40))
    else { throw .malformed("the length of the new datagram") }
    switch family {
    case .v4:
      bytes.putBig(whole, at: 2)
      bytes.putBig(UInt16(0), at: 10)
      var sum = InternetChecksum()
      sum.add(bytes)
      bytes.putBig(sum.value, at: 10)
    case .v6: bytes.putBig(whole, at: 4)
    }
    bytes += packet[start..<(start + 4)]
    bytes.appendBig(length)
    bytes.appendBig(UInt16(0))
    bytes += payload
    var sum = InternetChecksum()
    sum.add(family == .v4 ? bytes[12..<20] : bytes[8..<40])  // both addresses
    sum.add([0, 17])
    sum.add([UInt8(length >> 8), UInt8(length & 255)])
    sum.add(bytes[start...])
    // 0 means none.
    bytes.putBig(sum.value == 0 ? 0xFFFF : sum.value, at: start + 6)
    return bytes
  }
}
