/// CRC-32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720 §B.4), eight bytes a step.
struct CRC32C {
  private static let table: [UInt32] = {
    var table = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte)
      for _ in 0..<8 { value = value & 1 == 1 ? (value >> 1) ^ 0x82F6_3B78 : value >> 1 }
      table[byte] = value
    }
    for slice in 1..<8 {
      for byte in 0..<256 {
        let shorter = table[(slice - 1) * 256 + byte]
        table[slice * 256 + byte] = (shorter >> 8) ^ table[Int(shorter & 0xFF)]
      }
    }
    return table
  }()

  static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 {
    table.withUnsafeBufferPointer { table in
      bytes.withUnsafeBufferPointer { bytes in
        var crc: UInt32 = 0xFFFF_FFFF
        var place = 0
        while place + 8 <= bytes.count {
          var step: UInt32 = 0
          let low = crc
          for byte in 0..<4 {
            step ^=
              table[(7 - byte) * 256 + Int(UInt8(truncatingIfNeeded: low >> UInt32(8 * byte)) ^ bytes[place + byte])]
            step ^= table[(3 - byte) * 256 + Int(bytes[place + 4 + byte])]
          }
          crc = step
          place += 8
        }
        while place < bytes.count {
          crc = (crc >> 8) ^ table[Int(UInt8(truncatingIfNeeded: crc) ^ bytes[place])]
          place += 1
        }
        return ~crc
      }
    }
  }
}
