/// A packet that waits in a queue for its verdict, as the kernel describes it.
public struct QueuedPacket: Sendable, Hashable {
  /// Its number in the queue. Numbers rise by one; a gap is packets that did not fit our socket.
  public var id: UInt32
  /// Its protocol by Ethernet's number: 0x0800 for IPv4, 0x86DD for IPv6.
  public var etherType: UInt16
  /// The hook that queued it, as ``NFTables/Hook``.
  public var hook: UInt8
  /// Its mark; 0 for none.
  public var mark: UInt32 = 0
  /// Index of the interface it came by, 0 if it was made here.
  public var inputInterface: UInt32 = 0
  /// Index of the interface it leaves by, 0 before that is decided.
  public var outputInterface: UInt32 = 0
  /// Its length in bytes, link header excluded; `nil` unless ``PacketQueue/Copy/descriptionAndLength`` or payload was
  /// asked for.
  public var lengthBytes: UInt32?
  /// When the kernel received it, microseconds since 1970; `nil` if the kernel does not stamp.
  public var stampMicroseconds: Int64?
  /// True for a bundle of segments that offloads made: larger than any packet on a wire.
  public var isBundle = false
  /// What was copied of the packet itself, from its network header on.
  public var payload: [UInt8] = []

  /// Whether all of the packet was copied.
  public var isWhole: Bool { lengthBytes.map { Int($0) == payload.count } ?? false }

  /// Decodes the part `range` of `bytes`: NFQNL_MSG_PACKET behind its netlink header. It reads in place and allocates
  /// nothing but a payload.
  init(decoding bytes: Span<UInt8>, _ range: Range<Int>) throws(WireError) {
    var cursor = ByteCursor(range)
    try cursor.skip(4, "nfgenmsg")
    var header: (id: UInt32, etherType: UInt16, hook: UInt8)?
    var copied: UInt32?
    var whole: UInt32?
    id = 0
    etherType = 0
    hook = 0
    while let attribute = try cursor.nextAttribute(bytes) {
      var value = ByteCursor(attribute.payload)
      switch attribute.type {
      case 1:  // NFQA_PACKET_HDR
        header = (
          try value.big(UInt32.self, bytes, "packet_id"), try value.big(UInt16.self, bytes, "hw_protocol"),
          try value.big(UInt8.self, bytes, "hook")
        )
      case 3: mark = try value.big(UInt32.self, bytes, "NFQA_MARK")
      case 4:  // NFQA_TIMESTAMP
        let seconds = try value.big(UInt64.self, bytes, "timestamp.sec")
        let micro = try value.big(UInt64.self, bytes, "timestamp.usec")
        stampMicroseconds = Int64(truncatingIfNeeded: seconds &* 1_000_000 &+ micro)
      case 5: inputInterface = try value.big(UInt32.self, bytes, "NFQA_IFINDEX_INDEV")
      case 6: outputInterface = try value.big(UInt32.self, bytes, "NFQA_IFINDEX_OUTDEV")
      case 10:  // NFQA_PAYLOAD
        copied = UInt32(attribute.payload.count)
        payload = attribute.payload.map { bytes[$0] }
      case 13: whole = try value.big(UInt32.self, bytes, "NFQA_CAP_LEN")
      case 14: isBundle = try value.big(UInt32.self, bytes, "NFQA_SKB_INFO") & 2 != 0  // NFQA_SKB_GSO
      default: break
      }
    }
    guard let header else { throw .missing(field: "NFQA_PACKET_HDR") }
    (id, etherType, hook) = header
    // The kernel leaves the length out where all of the packet was copied.
    lengthBytes = whole ?? copied
  }
}

/// A place in borrowed bytes, and where the part ends that is being read. The bytes are handed in with each call.
struct ByteCursor {
  private(set) var position: Int
  private let end: Int

  init(_ range: Range<Int>) {
    position = range.lowerBound
    end = range.upperBound
  }

  var isAtEnd: Bool { position >= end }

  mutating func skip(_ count: Int, _ field: StaticString) throws(WireError) {
    guard end - position >= count else {
      throw .truncated(field: "\(field)", need: count, have: end - position)
    }
    position += count
  }

  /// A number in network byte order.
  mutating func big<T: FixedWidthInteger>(
    _ type: T.Type, _ bytes: Span<UInt8>, _ field: StaticString
  ) throws(WireError) -> T {
    let start = position
    try skip(T.bitWidth / 8, field)
    var value: T = 0
    for index in start..<position { value = (value << 8) | T(truncatingIfNeeded: bytes[index]) }
    return value
  }

  /// A number in the host's byte order (see ``MessageWriter``).
  mutating func host<T: FixedWidthInteger>(
    _ type: T.Type, _ bytes: Span<UInt8>, _ field: StaticString
  ) throws(WireError) -> T {
    try big(type, bytes, field).byteSwapped
  }

  /// The next attribute, or `nil` at the end. Padding is skipped where it is there and demanded nowhere.
  mutating func nextAttribute(_ bytes: Span<UInt8>) throws(WireError) -> (type: UInt16, payload: Range<Int>)? {
    guard !isAtEnd else { return nil }
    let length = Int(try host(UInt16.self, bytes, "nla_len"))
    let type = try host(UInt16.self, bytes, "nla_type") & Attribute.typeMask
    guard length >= 4 else { throw .badLength(field: "nla_len", length: length) }
    let start = position
    try skip(length - 4, "attribute")
    defer { position = min(end, start + (length - 4 + 3) & ~3) }
    return (type, start..<position)
  }
}
