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

  private let source: HistorySource
  private var version = HistoryFormat.version
  private var offset: UInt64 = 0
  private var number: UInt32 = 0

  /// Opens the history at `path`.
  ///
  /// - Throws: ``HistoryError`` when the file cannot be read, is no history, is of a later format, or has a damaged head.
  public init(path: String) throws(HistoryError) {
    try self.init(HistorySource.file(File.open(path)))
  }

  /// Reads a history from memory.
  ///
  /// - Throws: ``HistoryError`` as ``init(path:)`` does.
  public init(bytes: [UInt8]) throws(HistoryError) {
    try self.init(HistorySource.memory(bytes))
  }

  private init(_ source: consuming HistorySource) throws(HistoryError) {
    self.source = source
    switch try self.source.head() {
    case .cut(let reason): end = .cut(offset: 0, reason: reason)
    case .whole(let head):
      header = head.header
      version = head.version
      offset = UInt64(head.size)
    }
  }

  /// The operations of the next block, in the order in which they were recorded; `nil` at the end.
  ///
  /// - Throws: ``HistoryError/damaged(offset:what:)`` when the next block is not what was written. What was returned before is
  ///   sound.
  public mutating func next() throws(HistoryError) -> [Operation]? {
    while end == nil {
      guard let (block, raw) = try nextBlock() else { return nil }
      do {
        switch block.type {
        case .names: try BlockContent.names(raw, count: Int(block.count), into: &names)
        case .operations:
          let operations = try BlockContent.operations(raw, count: Int(block.count), version: version, names: names)
          try note(block, operations)
          advance(block)
          return operations
        case .index: try readEnd(raw, block)
        }
      } catch {
        throw .damaged(offset: offset, what: error.what)
      }
      advance(block)
    }
    return nil
  }

  private mutating func advance(_ block: BlockHeader) {
    number += 1
    dropped = block.dropped
    offset += block.size(version: version)
  }

  private mutating func note(_ block: BlockHeader, _ operations: [Operation]) throws(ByteError) {
    let span = HistorySpan(operations)
    guard version == 1 || span == HistorySpan(earliest: block.earliest, latest: block.latest) else {
      throw ByteError(offset: 0, what: "the times in a block's header are not those of its operations")
    }
    guard !operations.isEmpty else { return }
    index.append(
      HistoryIndexEntry(offset: offset, count: block.count, earliest: span.earliest, latest: span.latest))
  }

  /// The next block's header and content; `nil` when the file stops here, with ``end`` set.
  private mutating func nextBlock() throws(HistoryError) -> (BlockHeader, [UInt8])? {
    switch try source.blockHeader(at: offset, version: version) {
    case .cut(let reason):
      cut(reason)
      return nil
    case .whole(let block):
      guard block.number == number else {
        throw .damaged(offset: offset, what: "block \(block.number) stands where block \(number) belongs")
      }
      switch try source.content(of: block, at: offset, version: version) {
      case .cut(let reason):
        cut(reason)
        return nil
      case .whole(let raw): return (block, raw)
      }
    }
  }

  private mutating func readEnd(_ raw: [UInt8], _ block: BlockHeader) throws(ByteError) {
    let (listedNames, listed) = try BlockContent.index(raw, version: version)
    guard listed == index, version == 1 || listedNames == names else {
      throw ByteError(offset: 0, what: "the index does not fit the blocks")
    }
    let place = offset + block.size(version: version)
    let trailer: [UInt8]
    do { trailer = try source.read(at: place, count: HistoryFormat.trailerSize + 1) } catch {
      throw ByteError(offset: 0, what: "\(error)")
    }
    guard trailer.count >= HistoryFormat.trailerSize else {
      end = .cut(offset: place, reason: "the trailer is not whole")
      return
    }
    guard try BlockContent.trailer(trailer) == offset else {
      throw ByteError(offset: 0, what: "the trailer is not what was written")
    }
    guard trailer.count == HistoryFormat.trailerSize else {
      throw ByteError(offset: 0, what: "there are bytes after the history's end")
    }
    end = .closed
  }

  private mutating func cut(_ reason: String) { end = .cut(offset: offset, reason: reason) }
}
