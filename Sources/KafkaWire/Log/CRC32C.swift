/// CRC-32C (Castagnoli), the checksum of record batches: polynomial 0x1EDC6F41, reflected, inverted at both ends.
///
/// - SeeAlso: RFC 3720, appendix B.4, for the test vectors.
struct CRC32C: Sendable {
  /// Eight tables: the n-th one carries a byte over n further bytes, so that eight bytes go in a step.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82f6_3b78 : value >> 1 }
      tables[byte] = value
    }
    for place in 256..<tables.count {
      let before = tables[place - 256]
      tables[place] = before >> 8 ^ tables[Int(before & 0xff)]
    }
    return tables
  }()

  /// The checksum of `bytes`.
  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    let tables = Self.tables
    var crc = UInt32.max
    var place = bytes.startIndex
    while place + 8 <= bytes.endIndex {
      let low =
        crc
        ^ (UInt32(bytes[place]) | UInt32(bytes[place + 1]) << 8 | UInt32(bytes[place + 2]) << 16
          | UInt32(bytes[place + 3]) << 24)
      crc =
        tables[7 * 256 + Int(low & 0xff)] ^ tables[6 * 256 + Int(low >> 8 & 0xff)]
        ^ tables[5 * 256 + Int(low >> 16 & 0xff)] ^ tables[4 * 256 + Int(low >> 24)]
        ^ tables[3 * 256 + Int(bytes[place + 4])] ^ tables[2 * 256 + Int(bytes[place + 5])]
        ^ tables[256 + Int(bytes[place + 6])] ^ tables[Int(bytes[place + 7])]
      place += 8
    }
    while place < bytes.endIndex {
      crc = crc >> 8 ^ tables[Int((crc ^ UInt32(bytes[place])) & 0xff)]
      place += 1
    }
    return ~crc
  }
}
