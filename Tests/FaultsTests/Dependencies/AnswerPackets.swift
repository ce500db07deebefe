import Netlink

/// Packets written out by hand, for looking at what becomes of them.
enum AnswerPackets {
  /// A name server's answer to "db.Test, A": one address, and an OPT record with a cookie (RFC 1035, 6891, 7873).
  static let answer: [UInt8] = [
    0xAB, 0xCD, 0x85, 0x80,  // identity; answer, authoritative, recursion asked for and offered
    0, 1, 0, 1, 0, 0, 0, 1,  // one question, one answer, one additional record
    2, 0x64, 0x62, 4, 0x54, 0x65, 0x73, 0x74, 0, 0, 1, 0, 1,  // db.Test A IN
    0xC0, 12, 0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 10, 0, 0, 1,  // the same, A IN, 60 s, 10.0.0.1
    0, 0, 41, 0x04, 0xD0, 0x01, 0, 0x80, 0, 0, 12,  // OPT: 1232 bytes, an extended error code, DO
    0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8,  // COOKIE
  ]

  static let question: [UInt8] = Array(answer[12..<25])
  /// As in `answer`, but without the extended error code.
  static let options: [UInt8] = [0, 0, 41, 0x04, 0xD0, 0, 0, 0x80, 0, 0, 12, 0, 10, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]

  /// A time server's reply (RFC 5905), its stamps 1, 2, 3 and 4 s after 2⁸ s.
  static let reply: [UInt8] =
    [0x24, 2, 6, 0xEC, 0, 0, 0, 1, 0, 0, 0, 2, 10, 0, 0, 9]  // leap 0, version 4, server; stratum 2; …
    + [0, 0, 1, 1, 0, 0, 0, 0]  // reference
    + [0, 0, 1, 2, 0, 0, 0, 0]  // origin
    + [0, 0, 1, 3, 0x80, 0, 0, 0]  // receive
    + [0, 0, 1, 4, 0x40, 0, 0, 0]  // transmit

  /// An IPv4 packet from 10.77.0.1 to 10.77.0.2 with a UDP datagram, without checksums.
  static func four(_ payload: [UInt8], from port: UInt8 = 53) -> [UInt8] {
    let length = 28 + payload.count
    return [0x45, 0, UInt8(length >> 8), UInt8(length & 255), 0x12, 0x34, 0x40, 0, 64, 17, 0, 0]
      + [10, 77, 0, 1, 10, 77, 0, 2] + udp(payload, port)
  }

  /// An IPv6 packet from fd77::1 to fd77::2 with a UDP datagram behind a destination option header.
  static func six(_ payload: [UInt8], from port: UInt8 = 53) -> [UInt8] {
    let length = 16 + payload.count
    return [0x60, 0, 0, 0, UInt8(length >> 8), UInt8(length & 255), 60, 64] + address(1) + address(2)
      + [17, 0, 1, 4, 0, 0, 0, 0] + udp(payload, port)
  }

  private static func udp(_ payload: [UInt8], _ port: UInt8) -> [UInt8] {
    let length = 8 + payload.count
    return [0, port, 0x9C, 0x40, UInt8(length >> 8), UInt8(length & 255), 0, 0] + payload
  }

  private static func address(_ last: UInt8) -> [UInt8] { [0xFD, 0x77] + [UInt8](repeating: 0, count: 13) + [last] }
}
