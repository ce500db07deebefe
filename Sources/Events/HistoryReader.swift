/// How a history ends.
public enum HistoryEnd: Sendable, Hashable, Codable {
  /// It was closed: everything that was recorded is in it.
  case closed
  /// It stops at byte `offset`, after its last whole block, for this reason. What came later is not in it.
  case cut(offset: UInt64, reason: String)
}

/// Reads a history block by block, so that memory does not grow with its length.
public struct HistoryReader: ~Copyable {
  /// The head of the file; `nil` only when the file is cut inside it.
  public private(set) var header: HistoryHeader?
  /// The names met so far.
  public private(set) var names = NameTable()
  /// How the history ends; `nil` until that is known, which is when ``next()`` has returned `nil`.
  public private(set) var end: HistoryEnd?
  /// Operations that the recorder lost, by its own count in the last block read.
  public private(set) var dropped: UInt64 = 0
  /// The blocks of operations read so far, rebuilt from the blocks themselves.
  public private(set) var index: [HistoryIndexEntry] = []

  private let source: Source
  private var offset: UInt64 = 0
  private var number: UInt32 = 0

  /// Opens the history at `path`.
  ///
  /// - Throws: ``HistoryError`` when the file cannot be read, is no history, is of a later format, or has a damaged head.
  public init(path: String) throws(HistoryError) {
    try self.init(Source.file(File.open(path)))
  }

  /// Reads a history from memory.
  ///
  /// - Throws: ``HistoryError`` as ``init(path:)`` does.
  public init(bytes: [UInt8]) throws(HistoryError) {
    try self.init(Source.memory(bytes))
  }

  private init(_ source: consuming Source) throws(HistoryError) {
    self.source = source
    try readHeader()
  }

  /// The operations of the next block, in the order in which they were recorded; `nil` at the end.
  ///
  /// - Throws: ``HistoryError/damaged(offset:what:)`` when the next block is not what was written. What was returned before is
  ///   sound.
  public mutating func next() throws(HistoryError) -> [Operation]? {
    while end == nil {
      guard let (header, payload) = try nextBlock() else { return nil }
      let start = offset
      let raw: [UInt8]
      do {
        raw = try decompressZstandard(payload[...], count: Int(header.raw))
        switch header.type {
        case .names: try readNames(raw, count: Int(header.count))
        case .operations:
          let operations = try OperationColumns.decode(raw, count: Int(header.count))
          try checkNames(operations)
          advance(header, operations, at: start)
          return operations
        case .index: try readEnd(raw, header)
        }
      } catch {
        throw .damaged(offset: start, what: error.what)
      }
      advance(header, [], at: start)
    }
    return nil
  }

  private mutating func advance(_ header: BlockHeader, _ operations: [Operation], at start: UInt64) {
    number += 1
    dropped = header.dropped
    offset = start + UInt64(HistoryFormat.blockHeaderSize) + UInt64(header.stored)
    if let first = operations.first {
      index.append(
        HistoryIndexEntry(
          offset: start, count: header.count, earliest: operations.reduce(first.invoked) { min($0, $1.invoked) },
          latest: operations.reduce(first.invoked) { max($0, $1.completed ?? $1.invoked) }))
    }
  }

  private mutating func readHeader() throws(HistoryError) {
    let size = HistoryFormat.headerPrefix
    let prefix = try source.read(at: 0, count: size)
    let magic = prefix.prefix(HistoryFormat.magic.count)
    guard HistoryFormat.magic.starts(with: magic) else { throw .foreign(firstBytes: Array(magic)) }
    guard prefix.count == size else { return cut("\(prefix.count) bytes are no whole header") }
    do {
      var reader = ByteReader(prefix[8...])
      let version: UInt16 = try reader.fixed()
      guard version == HistoryFormat.version else {
        if version == 0 { throw HistoryError.damaged(offset: 8, what: "format version 0") }
        throw HistoryError.futureVersion(found: version, known: HistoryFormat.version)
      }
      let flags: UInt16 = try reader.fixed()
      let length = Int(try reader.fixed(UInt32.self))
      guard try reader.fixed(UInt32.self) == CRC32C.of(prefix[..<(size - 4)]), flags == 0,
        length <= HistoryFormat.maxHeaderBody
      else { throw HistoryError.damaged(offset: 8, what: "the checksum of the header's length is wrong") }
      let whole = prefix + (try source.read(at: UInt64(size), count: length + 4))
      guard whole.count == size + length + 4 else { return cut("the header is not whole") }
      var tail = ByteReader(whole[(size + length)...])
      guard try tail.fixed(UInt32.self) == CRC32C.of(whole[size..<(size + length)]) else {
        throw HistoryError.damaged(offset: UInt64(size), what: "the checksum of the header is wrong")
      }
      var body = ByteReader(whole[size..<(size + length)])
      header = HistoryHeader(
        runID: try body.text(), monotonicStart: try body.zigzag(), wallStart: try body.zigzag())
      offset = UInt64(whole.count)
    } catch let error as ByteError {
      throw .damaged(offset: UInt64(error.offset), what: error.what)
    } catch let error as HistoryError {
      throw error
    } catch {
      preconditionFailure("an error of a third kind: \(error)")
    }
  }

  /// The next block's header and payload; `nil` when the file stops here, with ``end`` set.
  private mutating func nextBlock() throws(HistoryError) -> (BlockHeader, [UInt8])? {
    let size = HistoryFormat.blockHeaderSize
    let bytes = try source.read(at: offset, count: size)
    guard !bytes.isEmpty else {
      cut("the history was never closed")
      return nil
    }
    guard bytes.count == size else {
      cut("\(bytes.count) bytes are no whole block header")
      return nil
    }
    let header: BlockHeader
    do { header = try BlockHeader(bytes[...]) } catch { throw .damaged(offset: offset, what: error.what) }
    guard header.number == number else {
      throw .damaged(offset: offset, what: "block \(header.number) stands where block \(number) belongs")
    }
    let payload = try source.read(at: offset + UInt64(size), count: Int(header.stored))
    guard payload.count == Int(header.stored) else {
      cut("a block has \(payload.count) of its \(header.stored) bytes")
      return nil
    }
    guard CRC32C.of(payload[...]) == header.payloadChecksum else {
      throw .damaged(offset: offset, what: "the checksum of a block's content is wrong")
    }
    return (header, payload)
  }

  private mutating func readNames(_ raw: [UInt8], count: Int) throws(ByteError) {
    var reader = ByteReader(raw[...])
    for _ in 0..<count {
      let number = try reader.byte()
      let name = try reader.text()
      guard let table = NameTable.Table(rawValue: number) else {
        throw ByteError(offset: reader.offset, what: "a name '\(name)' in an unknown table \(number)")
      }
      let place = names[table].count
      guard let entered = names.enter(name, table) else {
        throw ByteError(offset: reader.offset, what: "the name '\(name)' is one more than its table holds")
      }
      guard entered == place else {
        throw ByteError(offset: reader.offset, what: "the name '\(name)' comes twice")
      }
    }
    guard reader.isAtEnd else {
      throw ByteError(offset: reader.offset, what: "a block of names holds more than it says")
    }
  }

  /// Every number must have its name by now; a check may then look names up without asking.
  private func checkNames(_ operations: [Operation]) throws(ByteError) {
    let known = NameTable.Table.allCases.map { names[$0].count }
    func isKnown(_ number: some BinaryInteger, _ table: NameTable.Table) -> Bool {
      number < known[Int(table.rawValue) - 1]
    }
    for op in operations {
      let code: OutcomeCode =
        switch op.outcome {
        case .ok: .neverCompleted
        case .fail(let code), .unknown(let code): code
        }
      guard isKnown(op.node.rawValue, .nodes), isKnown(op.region.rawValue, .nodes), isKnown(code.rawValue, .codes),
        op.origin.map({ isKnown($0.rawValue, .nodes) }) ?? true,
        op.group.map({ isKnown($0.rawValue, .groups) }) ?? true,
        op.partition.map({ isKnown($0.rawValue, .partitions) }) ?? true,
        op.member.map({ isKnown($0.rawValue, .members) }) ?? true,
        op.keyClass.map({ isKnown($0.rawValue, .keyClasses) }) ?? true
      else { throw ByteError(offset: 0, what: "an operation on \(op.event) uses a name that is not defined") }
    }
  }

  private mutating func readEnd(_ raw: [UInt8], _ block: BlockHeader) throws(ByteError) {
    var reader = ByteReader(raw[...])
    var listed: [HistoryIndexEntry] = []
    while !reader.isAtEnd {
      listed.append(
        HistoryIndexEntry(
          offset: try reader.varint(), count: try reader.number(UInt32.self, "a count"),
          earliest: try reader.zigzag(), latest: try reader.zigzag()))
    }
    guard listed == index else { throw ByteError(offset: 0, what: "the index does not fit the blocks") }
    let place = offset + UInt64(HistoryFormat.blockHeaderSize) + UInt64(block.stored)
    let trailer: [UInt8]
    do { trailer = try source.read(at: place, count: HistoryFormat.trailerSize + 1) } catch {
      throw ByteError(offset: 0, what: "\(error)")
    }
    guard trailer.count >= HistoryFormat.trailerSize else {
      end = .cut(offset: place, reason: "the trailer is not whole")
      return
    }
    var tail = ByteReader(trailer[...])
    let offset: UInt64 = try tail.fixed()
    let checksum: UInt32 = try tail.fixed()
    guard checksum == CRC32C.of(trailer[..<8]), offset == self.offset,
      trailer[12..<20] == HistoryFormat.trailerMagic[...]
    else { throw ByteError(offset: 0, what: "the trailer is not what was written") }
    guard trailer.count == HistoryFormat.trailerSize else {
      throw ByteError(offset: 0, what: "there are bytes after the history's end")
    }
    end = .closed
  }

  private mutating func cut(_ reason: String) { end = .cut(offset: offset, reason: reason) }
}

/// Where a history's bytes come from.
private enum Source: ~Copyable {
  case file(File)
  case memory([UInt8])

  borrowing func read(at offset: UInt64, count: Int) throws(HistoryError) -> [UInt8] {
    switch self {
    case .file(let file): return try file.read(at: offset, count: count)
    case .memory(let bytes):
      guard offset < bytes.count else { return [] }
      return Array(bytes[Int(offset)..<min(bytes.count, Int(offset) + count)])
    }
  }
}
