/// The ones' complement sum of IP, UDP and TCP (RFC 1071).
struct InternetChecksum {
  private var sum: UInt64 = 0
  private var isOdd = false

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes {
      sum += isOdd ? UInt64(byte) : UInt64(byte) << 8
      isOdd.toggle()
    }
  }

  /// The checksum of all that was added. Over bytes that hold a right one it is 0.
  var value: UInt16 {
    var rest = sum
    while rest > 0xFFFF { rest = (rest >> 16) + (rest & 0xFFFF) }
    return ~UInt16(truncatingIfNeeded: rest)
  }
}
