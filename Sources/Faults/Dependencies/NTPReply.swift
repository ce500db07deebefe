/// The reply of a time server (RFC 5905 §7.3).
struct NTPReply {
  private var bytes: [UInt8]

  /// Where a server says when it last set its clock, when it got the question, and when it answered. What it says of the
  /// asker's own time (at 24) is the asker's.
  private static let stamps = [16, 32, 40]

  /// - Throws: ``AnswerError`` if it is no reply that can be changed: a server's mode, 48 bytes, no refusal to serve.
  init(_ message: ArraySlice<UInt8>) throws(AnswerError) {
    let first = try message.big(UInt8.self, at: 0, "the NTP header")
    _ = try message.big(UInt64.self, at: 40, "the NTP header")
    // Symmetric passive, server, broadcast.
    guard [2, 4, 5].contains(first & 7) else { throw .notMeant("no reply of a time server") }
    guard (1...4).contains(first >> 3 & 7) else { throw .notMeant("another version of NTP") }
    guard message.count == 48 else { throw .notMeant("authenticated") }
    guard message[message.startIndex + 1] != 0 else { throw .notMeant("a refusal to serve") }
    bytes = Array(message)
  }

  /// The same reply of a server whose clock is so far ahead.
  consuming func shifted(byNanoseconds offset: Int64) throws(AnswerError) -> [UInt8] {
    let shift = Self.units(offset)
    for place in Self.stamps {
      let stamp = try bytes.big(UInt64.self, at: place, "the NTP header")
      // 0 stands for no time at all; and eras follow each other.
      if stamp != 0 { bytes.putBig(stamp &+ shift, at: place) }
    }
    return bytes
  }

  /// Units of 2⁻³² s, in two's complement.
  static func units(_ nanoseconds: Int64) -> UInt64 {
    let magnitude = nanoseconds.magnitude
    let (seconds, rest) = magnitude.quotientAndRemainder(dividingBy: 1_000_000_000)
    let units = seconds << 32 | (rest << 32 + 500_000_000) / 1_000_000_000
    return nanoseconds < 0 ? 0 &- units : units
  }
}
