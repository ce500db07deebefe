/// Builds netlink messages, one after the other. Lengths are patched when a scope closes, so no caller counts bytes.
///
/// Header fields stand in the host's byte order, which is little-endian on every machine that Swift runs on.
struct MessageWriter: ~Copyable {
  private(set) var bytes: [UInt8] = []

  init(capacityBytes: Int = 256) {
    bytes.reserveCapacity(capacityBytes)
  }

  /// One message: `struct nlmsghdr`, then whatever `body` writes.
  mutating func message(
    type: UInt16, flags: UInt16, sequence: UInt32, _ body: (inout MessageWriter) throws(WireError) -> Void
  ) throws(WireError) {
    let start = bytes.count
    host(UInt32(0))  // nlmsg_len, patched below
    host(type)
    host(flags)
    host(sequence)
    host(UInt32(0))  // nlmsg_pid: the kernel fills in the sender
    try body(&self)
    patch(UInt32(truncatingIfNeeded: bytes.count - start), at: start)
    pad()
  }

  /// An attribute whose payload `body` writes.
  mutating func attribute(
    _ type: UInt16, _ body: (inout MessageWriter) throws(WireError) -> Void
  ) throws(WireError) {
    let start = bytes.count
    host(UInt16(0))  // nla_len, patched below
    host(type)
    try body(&self)
    guard let length = UInt16(exactly: bytes.count - start) else {
      throw .attributeTooLong(type: type & Attribute.typeMask, length: bytes.count - start)
    }
    patch(length, at: start)
    pad()
  }

  /// An attribute that holds attributes.
  mutating func nest(
    _ type: UInt16, _ body: (inout MessageWriter) throws(WireError) -> Void
  ) throws(WireError) {
    try attribute(type | Attribute.nestedFlag, body)
  }

  /// A zero-terminated text.
  mutating func text(_ type: UInt16, _ value: String) throws(WireError) {
    try attribute(type) { writer in
      writer.bytes.append(contentsOf: value.utf8)
      writer.bytes.append(0)
    }
  }

  /// A number in network byte order, as nf_tables wants all of its numbers.
  mutating func big(_ type: UInt16, _ value: some FixedWidthInteger) throws(WireError) {
    try attribute(type) { $0.big(value) }
  }

  /// Raw payload bytes.
  mutating func raw(_ type: UInt16, _ value: [UInt8]) throws(WireError) {
    try attribute(type) { $0.bytes.append(contentsOf: value) }
  }

  mutating func raw(_ value: [UInt8]) {
    bytes.append(contentsOf: value)
  }

  /// Bytes, and zeros up to the next multiple of four.
  mutating func padded(_ value: ArraySlice<UInt8>) {
    bytes.append(contentsOf: value)
    pad()
  }

  mutating func host(_ value: some FixedWidthInteger) {
    var rest = value.littleEndian
    for _ in 0..<(value.bitWidth / 8) {
      bytes.append(UInt8(truncatingIfNeeded: rest))
      rest >>= 8
    }
  }

  mutating func big(_ value: some FixedWidthInteger) {
    host(value.byteSwapped)
  }

  consuming func finish() -> [UInt8] { bytes }

  private mutating func pad() {
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  private mutating func patch(_ value: some FixedWidthInteger, at position: Int) {
    var rest = value.littleEndian
    for index in position..<(position + value.bitWidth / 8) {
      bytes[index] = UInt8(truncatingIfNeeded: rest)
      rest >>= 8
    }
  }
}
