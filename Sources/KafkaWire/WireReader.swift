/// Reads Kafka's primitive types out of bytes, front to back (Kafka protocol guide, "Protocol Primitive Types").
///
/// Every read is checked: bytes that end too early, a length that cannot be, or a number that is too long throw ``WireError``,
/// and nothing past the end is ever touched. Numbers are big-endian; the `compact` forms carry length + 1 as an unsigned varint.
public struct WireReader: Sendable {
  /// What is being read.
  public let bytes: ArraySlice<UInt8>
  /// Where the next read begins, as an index of ``bytes``.
  public private(set) var position: Int

  /// Starts at the beginning of `bytes`.
  public init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  /// Starts at the beginning of `bytes`.
  public init(_ bytes: [UInt8]) { self.init(bytes[...]) }

  /// Bytes not read yet.
  public var remaining: Int { bytes.endIndex - position }
  /// Bytes read so far: the place that errors name.
  public var offset: Int { position - bytes.startIndex }

  /// The next `count` bytes, without a copy.
  public mutating func take(_ count: Int) throws(WireError) -> ArraySlice<UInt8> {
    guard count >= 0 else { throw WireError(.negativeLength(count), at: offset) }
    guard count <= remaining else { throw WireError(.truncated(wanted: count, left: remaining), at: offset) }
    defer { position += count }
    return bytes[position..<position + count]
  }

  /// A signed number of the width of `Value`, big-endian: INT8, INT16, INT32, INT64.
  public mutating func integer<Value: FixedWidthInteger>(_ type: Value.Type = Value.self) throws(WireError) -> Value {
    var value: Value = 0
    for byte in try take(MemoryLayout<Value>.size) {
      value = (MemoryLayout<Value>.size == 1 ? 0 : value << 8) | Value(truncatingIfNeeded: byte)
    }
    return value
  }

  /// BOOLEAN: zero is false, everything else true.
  public mutating func boolean() throws(WireError) -> Bool { try integer(UInt8.self) != 0 }

  /// UNSIGNED_VARINT: seven bits a byte, least significant first, at most 32 bits.
  public mutating func unsignedVarint() throws(WireError) -> UInt32 {
    let begun = offset
    let value = try variable(limit: 5)
    guard let narrow = UInt32(exactly: value) else { throw WireError(.varintTooLong, at: begun) }
    return narrow
  }

  /// VARINT: zigzag, at most 32 bits.
  public mutating func varint() throws(WireError) -> Int32 {
    let raw = try unsignedVarint()
    return Int32(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
  }

  /// VARLONG: zigzag, at most 64 bits.
  public mutating func varlong() throws(WireError) -> Int64 {
    let raw = try variable(limit: 10)
    return Int64(bitPattern: (raw >> 1) ^ (0 &- (raw & 1)))
  }

  /// STRING and NULLABLE_STRING: an INT16 of length; -1 is null.
  public mutating func nullableString() throws(WireError) -> String? {
    let begun = offset
    let count = Int(try integer(Int16.self))
    if count == -1 { return nil }
    return try text(count, from: begun)
  }

  /// STRING: as ``nullableString()``, and null is an error.
  public mutating func string() throws(WireError) -> String {
    let begun = offset
    guard let value = try nullableString() else { throw WireError(.unexpectedNull, at: begun) }
    return value
  }

  /// COMPACT_NULLABLE_STRING: an unsigned varint of length + 1; 0 is null.
  public mutating func compactNullableString() throws(WireError) -> String? {
    let begun = offset
    let count = try unsignedVarint()
    if count == 0 { return nil }
    return try text(Int(count) - 1, from: begun)
  }

  /// BYTES and NULLABLE_BYTES: an INT32 of length; -1 is null.
  public mutating func nullableBytes() throws(WireError) -> ArraySlice<UInt8>? {
    let count = Int(try integer(Int32.self))
    return count == -1 ? nil : try take(count)
  }

  /// Bytes after a VARINT of length, as in records; -1 is null.
  public mutating func varintBytes() throws(WireError) -> ArraySlice<UInt8>? {
    let count = Int(try varint())
    return count == -1 ? nil : try take(count)
  }

  /// TAG_BUFFER (KIP-482): skipped field by field.
  public mutating func skipTags() throws(WireError) {
    let count = try unsignedVarint()
    for _ in 0..<count {
      _ = try unsignedVarint()
      _ = try take(Int(try unsignedVarint()))
    }
  }

  private mutating func variable(limit: Int) throws(WireError) -> UInt64 {
    let begun = offset
    var value: UInt64 = 0
    for index in 0..<limit {
      let byte = try integer(UInt8.self)
      let (bits, shift) = (UInt64(byte & 0x7f), UInt64(7 * index))
      // The tenth byte of a 64-bit number has room for a single bit.
      guard shift < 63 || bits <= 1 else { throw WireError(.varintTooLong, at: begun) }
      value |= bits << shift
      if byte & 0x80 == 0 { return value }
    }
    throw WireError(.varintTooLong, at: begun)
  }

  private mutating func text(_ count: Int, from begun: Int) throws(WireError) -> String {
    guard let value = String(validating: try take(count), as: UTF8.self) else { throw WireError(.notText, at: begun) }
    return value
  }
}
