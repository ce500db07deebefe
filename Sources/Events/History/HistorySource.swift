/// Where a history's bytes come from.
enum HistorySource: ~Copyable {
  case file(File)
  case memory([UInt8])

  /// Up to `count` bytes from `offset`; fewer only at the end.
  borrowing func read(at offset: UInt64, count: Int) throws(HistoryError) -> [UInt8] {
    switch self {
    case .file(let file):
      guard offset <= UInt64(Int64.max) - UInt64(count) else { return [] }
      return try file.read(at: offset, count: count)
    case .memory(let bytes):
      guard offset < bytes.count else { return [] }
      return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }
  }

  borrowing func size() throws(HistoryError) -> UInt64 {
    switch self {
    case .file(let file): return try file.size()
    case .memory(let bytes): return UInt64(bytes.count)
    }
  }
}

/// A history's head, as it stands in the file.
struct HistoryHead {
  var version: UInt16
  var header: HistoryHeader
  /// Bytes of it, after which the first block stands.
  var size: Int
}

/// What stands at a place of a history: something whole, or the end of the file in the middle of it.
enum HistoryPart<Value> {
  case whole(Value)
  /// The file stops here, for this reason.
  case cut(String)
}

extension HistorySource {
  /// The head of the file.
  borrowing func head() throws(HistoryError) -> HistoryPart<HistoryHead> {
    let size = HistoryFormat.headerPrefix
    let prefix = try read(at: 0, count: size)
    let magic = prefix.prefix(HistoryFormat.magic.count)
    guard HistoryFormat.magic.starts(with: magic) else { throw .foreign(firstBytes: Array(magic)) }
    guard prefix.count == size else { return .cut("\(prefix.count) bytes are no whole header") }
    let (version, length) = try Self.lengthAndVersion(prefix)
    let whole = prefix + (try read(at: UInt64(size), count: length + 4))
    guard whole.count == size + length + 4 else { return .cut("the header is not whole") }
    do {
      return .whole(HistoryHead(version: version, header: try Self.body(whole, size, length), size: whole.count))
    } catch {
      throw .damaged(offset: UInt64(error.offset), what: error.what)
    }
  }

  private static func lengthAndVersion(_ prefix: [UInt8]) throws(HistoryError) -> (version: UInt16, length: Int) {
    let fields: (version: UInt16, flags: UInt16, length: UInt32, checksum: UInt32)
    do {
      var reader = ByteReader(prefix[8...])
      fields = (try reader.fixed(), try reader.fixed(), try reader.fixed(), try reader.fixed())
    } catch {
      throw .damaged(offset: UInt64(error.offset), what: error.what)
    }
    guard fields.version > 0 else { throw .damaged(offset: 8, what: "format version 0") }
    guard fields.version <= HistoryFormat.version else {
      throw .futureVersion(found: fields.version, known: HistoryFormat.version)
    }
    guard fields.checksum == CRC32C.of(prefix[..<(prefix.count - 4)]), fields.flags == 0,
      fields.length <= HistoryFormat.maxHeaderBody
    else { throw .damaged(offset: 8, what: "the checksum of the header's length is wrong") }
    return (fields.version, Int(fields.length))
  }

  private static func body(_ whole: [UInt8], _ start: Int, _ length: Int) throws(ByteError) -> HistoryHeader {
    var tail = ByteReader(whole[(start + length)...])
    guard try tail.fixed(UInt32.self) == CRC32C.of(whole[start..<(start + length)]) else {
      throw ByteError(offset: start, what: "the checksum of the header is wrong")
    }
    var body = ByteReader(whole[start..<(start + length)])
    return HistoryHeader(runID: try body.text(), monotonicStart: try body.zigzag(), wallStart: try body.zigzag())
  }

  /// The header of the block at `offset`.
  borrowing func blockHeader(at offset: UInt64, version: UInt16) throws(HistoryError) -> HistoryPart<BlockHeader> {
    let size = HistoryFormat.blockHeaderSize(version: version)
    let bytes = try read(at: offset, count: size)
    guard !bytes.isEmpty else { return .cut("the history was never closed") }
    guard bytes.count == size else { return .cut("\(bytes.count) bytes are no whole block header") }
    do { return .whole(try BlockHeader(bytes[...], version: version)) } catch {
      throw .damaged(offset: offset, what: error.what)
    }
  }

  /// The content of the block at `offset`, whose header is `header`.
  borrowing func content(
    of header: BlockHeader, at offset: UInt64, version: UInt16
  ) throws(HistoryError) -> HistoryPart<[UInt8]> {
    let place = offset + UInt64(HistoryFormat.blockHeaderSize(version: version))
    let payload = try read(at: place, count: Int(header.stored))
    guard payload.count == Int(header.stored) else {
      return .cut("a block has \(payload.count) of its \(header.stored) bytes")
    }
    guard CRC32C.of(payload[...]) == header.payloadChecksum else {
      throw .damaged(offset: offset, what: "the checksum of a block's content is wrong")
    }
    do { return .whole(try decompressZstandard(payload[...], count: Int(header.raw))) } catch {
      throw .damaged(offset: offset, what: error.what)
    }
  }
}

extension BlockHeader {
  /// Bytes of the block, header and content.
  func size(version: UInt16) -> UInt64 { UInt64(HistoryFormat.blockHeaderSize(version: version)) + UInt64(stored) }
}
