/// Bytes being written: fixed-width little-endian numbers and LEB128 varints.
struct ByteWriter {
  var bytes: [UInt8] = []

  mutating func fixed<T: FixedWidthInteger>(_ value: T) {
    var rest = value
    for _ in 0..<(T.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func varint(_ value: UInt64) {
    var rest = value
    while rest >= 0x80 {
      bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    bytes.append(UInt8(truncatingIfNeeded: rest))
  }

  /// Small numbers of either sign become small varints.
  mutating func zigzag(_ value: Int64) {
    varint(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
  }

  mutating func text(_ value: String) {
    varint(UInt64(value.utf8.count))
    bytes.append(contentsOf: value.utf8)
  }
}

/// Why a byte sequence could not be read; the offset counts from the start of the sequence.
struct ByteError: Error {
  var offset: Int
  var what: String
}

/// Bytes being read. Every read is checked; nothing that a file says can lead outside of it.
struct ByteReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var offset: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    offset = bytes.startIndex
  }

  var isAtEnd: Bool { offset == bytes.endIndex }

  mutating func byte() throws(ByteError) -> UInt8 {
    guard offset < bytes.endIndex else { throw ByteError(offset: offset, what: "a value is cut off") }
    defer { offset += 1 }
    return bytes[offset]
  }

  mutating func fixed<T: FixedWidthInteger>(_: T.Type = T.self) throws(ByteError) -> T {
    var value: T = 0
    for place in 0..<(T.bitWidth / 8) { value |= T(truncatingIfNeeded: try byte()) << T(place * 8) }
    return value
  }

  mutating func varint() throws(ByteError) -> UInt64 {
    var value: UInt64 = 0
    for shift in stride(from: UInt64(0), through: 63, by: 7) {
      let next = try byte()
      let part = UInt64(next & 0x7F)
      guard shift < 63 || part <= 1 else { break }
      value |= part << shift
      if next & 0x80 == 0 { return value }
    }
    throw ByteError(offset: offset, what: "a number is longer than 64 bits")
  }

  mutating func zigzag() throws(ByteError) -> Int64 {
    let raw = try varint()
    return Int64(bitPattern: raw >> 1) ^ -Int64(bitPattern: raw & 1)
  }

  mutating func number<T: FixedWidthInteger>(_: T.Type = T.self, _ field: String) throws(ByteError) -> T {
    let raw = try varint()
    guard let value = T(exactly: raw) else { throw ByteError(offset: offset, what: "\(field) \(raw) is out of range") }
    return value
  }

  mutating func text() throws(ByteError) -> String {
    let slice = try slice(try number(Int.self, "a text's length"))
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw ByteError(offset: offset, what: "a name is not UTF-8")
    }
    return text
  }

  mutating func slice(_ count: Int) throws(ByteError) -> ArraySlice<UInt8> {
    guard count <= bytes.endIndex - offset else { throw ByteError(offset: offset, what: "a field is cut off") }
    defer { offset += count }
    return bytes[offset..<(offset + count)]
  }
}
