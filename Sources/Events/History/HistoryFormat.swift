/// The layout of a history file, format 2. All fixed-width numbers are little-endian.
///
/// ```
/// file    = header block* [index trailer]
/// header  = magic[8] version:u16 flags:u16 length:u32 crc32c(so far):u32 body[length] crc32c(body):u32
/// body    = run id:text, monotonic start:zigzag ns, wall start:zigzag ns
/// block   = magic:u32 type:u8 zero[3] number:u32 count:u32 raw:u32 stored:u32 dropped:u64 earliest:i64 latest:i64
///           payload crc32c:u32 header crc32c:u32 payload[stored]
/// trailer = index offset:u64 crc32c(offset):u32 magic[8]
/// ```
/// A block of names defines the names that the following blocks use; a block of operations is columns
/// (``OperationColumns``) in one zstd frame; the index repeats the names and lists the operation blocks. `text` is a varint
/// length and UTF-8. Format 1, which is read as well, has no times in its blocks' headers, other columns
/// (``OperationColumns1``), and no names in its index. Blocks only follow each other, each is written whole, and a reader trusts a length only after its checksum: so a file
/// cut anywhere is read up to its last whole block, and a changed byte is found where it stands.
enum HistoryFormat {
  static let version: UInt16 = 2
  /// The high bit and the line ends show a transfer that took the file for text, as PNG's signature does.
  static let magic: [UInt8] = [0x89, 0x42, 0x53, 0x48, 0x0D, 0x0A, 0x1A, 0x0A]
  static let trailerMagic: [UInt8] = [0x89, 0x42, 0x53, 0x45, 0x0D, 0x0A, 0x1A, 0x0A]
  static let blockMagic: UInt32 = 0x4B4C_4253  // "SBLK"
  /// Bytes of a block's header.
  static func blockHeaderSize(version: UInt16) -> Int { version == 1 ? 40 : 56 }
  static let trailerSize = 20
  static let headerPrefix = 20

  /// Limits that keep a reader's memory bounded whatever a file claims.
  static let maxHeaderBody = 1 << 16
  static let maxOperations = 1 << 17
  static let maxRaw = 64 << 20
}

/// What a block holds.
enum BlockType: UInt8 {
  case names = 1
  case operations = 2
  case index = 3
}

/// The fixed part in front of every block.
struct BlockHeader: Equatable {
  var type: BlockType
  /// Counts blocks from 0, so that a block that is missing or twice in the file is seen.
  var number: UInt32
  /// Operations, names or index entries in it.
  var count: UInt32
  /// Bytes of the payload before compression.
  var raw: UInt32
  /// Bytes of the payload as stored.
  var stored: UInt32
  /// Operations that the recorder had lost by the time it wrote this block.
  var dropped: UInt64
  /// The earliest invocation in a block of operations; 0 in other blocks, and in format 1.
  var earliest: Int64 = 0
  /// The latest invocation or completion.
  var latest: Int64 = 0
  var payloadChecksum: UInt32

  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.fixed(HistoryFormat.blockMagic)
    writer.bytes += [type.rawValue, 0, 0, 0]
    for field in [number, count, raw, stored] { writer.fixed(field) }
    writer.fixed(dropped)
    writer.fixed(earliest)
    writer.fixed(latest)
    writer.fixed(payloadChecksum)
    writer.fixed(CRC32C.of(writer.bytes[...]))
    return writer.bytes
  }

  /// Reads the header that starts `bytes`, which must hold ``HistoryFormat/blockHeaderSize(version:)`` bytes.
  init(_ bytes: ArraySlice<UInt8>, version: UInt16) throws(ByteError) {
    var reader = ByteReader(bytes)
    let start = bytes.startIndex
    let magic: UInt32 = try reader.fixed()
    let type = try reader.byte()
    let padding = try reader.slice(3)
    number = try reader.fixed()
    count = try reader.fixed()
    raw = try reader.fixed()
    stored = try reader.fixed()
    dropped = try reader.fixed()
    if version > 1 {
      earliest = try reader.fixed()
      latest = try reader.fixed()
    }
    payloadChecksum = try reader.fixed()
    let expected = CRC32C.of(bytes[start..<reader.offset])
    let found: UInt32 = try reader.fixed()
    guard found == expected else { throw ByteError(offset: start, what: "the checksum of a block's header is wrong") }
    guard magic == HistoryFormat.blockMagic, padding.allSatisfy({ $0 == 0 }), let known = BlockType(rawValue: type)
    else {
      throw ByteError(offset: start, what: "a block of unknown type \(type)")
    }
    guard raw <= HistoryFormat.maxRaw, stored <= HistoryFormat.maxRaw, count <= HistoryFormat.maxOperations else {
      throw ByteError(offset: start, what: "a block claims \(count) records in \(raw) bytes, more than any block holds")
    }
    self.type = known
  }

  init(
    type: BlockType, number: UInt32, count: Int, raw: Int, payload: ArraySlice<UInt8>, dropped: UInt64,
    span: HistorySpan
  ) {
    self.type = type
    self.number = number
    self.count = UInt32(count)
    self.raw = UInt32(raw)
    self.stored = UInt32(payload.count)
    self.dropped = dropped
    earliest = span.earliest
    latest = span.latest
    self.payloadChecksum = CRC32C.of(payload)
  }
}

/// The times between which operations lie.
struct HistorySpan: Equatable {
  /// The earliest invocation.
  var earliest: Int64
  /// The latest invocation or completion.
  var latest: Int64

  /// No operations, no time.
  static let none = HistorySpan(earliest: 0, latest: 0)

  /// The times of `operations`.
  init(_ operations: some Collection<Operation>) {
    guard let first = operations.first else {
      self = .none
      return
    }
    (earliest, latest) = (first.invoked, first.invoked)
    for op in operations {
      earliest = min(earliest, op.invoked)
      latest = max(latest, op.completed ?? op.invoked)
    }
  }

  init(earliest: Int64, latest: Int64) {
    self.earliest = earliest
    self.latest = latest
  }
}

/// What stands at the head of a history: which run it belongs to, and how its clock relates to the calendar.
public struct HistoryHeader: Sendable, Hashable, Codable {
  /// The run, as the run directory is named.
  public var runID: String
  /// The recorder's monotonic clock when the file was made, in nanoseconds.
  public var monotonicStart: Int64
  /// The recorder's wall clock at the same moment, nanoseconds since 1970.
  public var wallStart: Int64

  /// The head of a history of run `runID`.
  public init(runID: String, monotonicStart: Int64, wallStart: Int64) {
    self.runID = runID
    self.monotonicStart = monotonicStart
    self.wallStart = wallStart
  }

  func encoded() -> [UInt8] {
    var body = ByteWriter()
    body.text(runID)
    body.zigzag(monotonicStart)
    body.zigzag(wallStart)
    precondition(body.bytes.count <= HistoryFormat.maxHeaderBody, "a run id of \(runID.utf8.count) bytes")
    var writer = ByteWriter(bytes: HistoryFormat.magic)
    writer.fixed(HistoryFormat.version)
    writer.fixed(UInt16(0))
    writer.fixed(UInt32(body.bytes.count))
    writer.fixed(CRC32C.of(writer.bytes[...]))
    writer.bytes += body.bytes
    writer.fixed(CRC32C.of(body.bytes[...]))
    return writer.bytes
  }
}

/// Where one block of operations stands in a history, for going straight to a time.
public struct HistoryIndexEntry: Sendable, Hashable, Codable {
  /// Bytes from the start of the file.
  public var offset: UInt64
  /// Operations in the block.
  public var count: UInt32
  /// The earliest invocation in the block, in nanoseconds of the recorder's monotonic clock.
  public var earliest: Int64
  /// The latest invocation or completion in the block.
  public var latest: Int64
}
