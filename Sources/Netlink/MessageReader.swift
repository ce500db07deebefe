/// One netlink message as it came from the kernel.
struct Message: Sendable, Equatable {
  var type: UInt16
  var flags: UInt16
  var sequence: UInt32
  var port: UInt32
  var payload: ArraySlice<UInt8>

  /// Splits one datagram into its messages.
  ///
  /// - Throws: ``WireError`` when a header is cut off, or a length is shorter than a header or longer than the rest.
  static func split(_ datagram: ArraySlice<UInt8>) throws(WireError) -> [Message] {
    var reader = MessageReader(datagram)
    var messages: [Message] = []
    while !reader.isAtEnd {
      let start = reader.position
      let length = Int(try reader.host(UInt32.self, "nlmsg_len"))
      let type = try reader.host(UInt16.self, "nlmsg_type")
      let flags = try reader.host(UInt16.self, "nlmsg_flags")
      let sequence = try reader.host(UInt32.self, "nlmsg_seq")
      let port = try reader.host(UInt32.self, "nlmsg_pid")
      guard length >= 16 else { throw .badLength(field: "nlmsg_len", length: length) }
      let payload = try reader.take(length - 16, "message")
      reader.align(from: start)
      messages.append(Message(type: type, flags: flags, sequence: sequence, port: port, payload: payload))
    }
    return messages
  }
}

/// One attribute: its type without flag bits, and its payload.
struct Attribute: Sendable, Equatable {
  static let nestedFlag: UInt16 = 0x8000
  static let typeMask: UInt16 = 0x3FFF

  var type: UInt16
  var payload: ArraySlice<UInt8>

  /// Type and payload, for comparing attributes that nobody here understands.
  var bytes: [UInt8] {
    [UInt8(truncatingIfNeeded: type >> 8), UInt8(truncatingIfNeeded: type)] + payload
  }

  /// The attributes that lie in this one.
  func nested() throws(WireError) -> [Attribute] {
    try Self.list(payload)
  }

  /// A zero-terminated text; bytes behind the terminator are padding.
  func text(_ field: String) throws(WireError) -> String {
    guard let text = String(validating: payload.prefix { $0 != 0 }, as: UTF8.self) else {
      throw .badText(field: field)
    }
    return text
  }

  /// A number in network byte order.
  func big<T: FixedWidthInteger>(_ type: T.Type = T.self, _ field: String) throws(WireError) -> T {
    var reader = MessageReader(payload)
    return try reader.host(T.self, field).byteSwapped
  }

  /// A number in the host's byte order.
  func host<T: FixedWidthInteger>(_ type: T.Type = T.self, _ field: String) throws(WireError) -> T {
    var reader = MessageReader(payload)
    return try reader.host(T.self, field)
  }

  /// Splits a payload into attributes.
  static func list(_ payload: ArraySlice<UInt8>) throws(WireError) -> [Attribute] {
    var reader = MessageReader(payload)
    var attributes: [Attribute] = []
    while !reader.isAtEnd {
      let start = reader.position
      let length = Int(try reader.host(UInt16.self, "nla_len"))
      let type = try reader.host(UInt16.self, "nla_type")
      guard length >= 4 else { throw .badLength(field: "nla_len", length: length) }
      attributes.append(Attribute(type: type & typeMask, payload: try reader.take(length - 4, "attribute \(type)")))
      reader.align(from: start)
    }
    return attributes
  }
}

extension [Attribute] {
  /// The first attribute of `type`, or `nil`.
  func first(_ type: UInt16) -> Attribute? {
    first { $0.type == type }
  }

  /// The first attribute of `type`, which must be there.
  func require(_ type: UInt16, _ field: String) throws(WireError) -> Attribute {
    guard let found = first(type) else { throw .missing(field: field) }
    return found
  }
}

/// Reads fields from the front of a byte slice. Padding is skipped where it is there and demanded nowhere.
struct MessageReader {
  private let bytes: ArraySlice<UInt8>
  private(set) var position: Int

  init(_ bytes: ArraySlice<UInt8>) {
    self.bytes = bytes
    position = bytes.startIndex
  }

  var isAtEnd: Bool { position >= bytes.endIndex }
  var rest: ArraySlice<UInt8> { bytes[position...] }

  /// A number in the host's byte order (see ``MessageWriter``).
  mutating func host<T: FixedWidthInteger>(_ type: T.Type = T.self, _ field: String) throws(WireError) -> T {
    let size = T.bitWidth / 8
    guard bytes.endIndex - position >= size else {
      throw .truncated(field: field, need: size, have: bytes.endIndex - position)
    }
    var value: T = 0
    for index in 0..<size { value |= T(truncatingIfNeeded: bytes[position + index]) << T(8 * index) }
    position += size
    return value
  }

  mutating func take(_ count: Int, _ field: String) throws(WireError) -> ArraySlice<UInt8> {
    guard bytes.endIndex - position >= count else {
      throw .truncated(field: field, need: count, have: bytes.endIndex - position)
    }
    defer { position += count }
    return bytes[position..<(position + count)]
  }

  /// Moves to the next multiple of four counted from `start`, or to the end if that comes first.
  mutating func align(from start: Int) {
    position = min(start + (position - start + 3) / 4 * 4, bytes.endIndex)
  }
}
