/// A history file opened for going straight to a time: only its index and its names are in memory.
///
/// A closed file has both at its end. One that was never closed, or was cut, gets them from the headers of its blocks; then
/// ``end`` says where it stops. Blocks are checked when they are read.
public struct HistoryFile: ~Copyable {
  /// The head of the file; `nil` only when the file is cut inside it.
  public private(set) var header: HistoryHeader?
  /// The names behind the numbers.
  public private(set) var names = NameTable()
  /// The blocks of operations, in the order in which they were written.
  public private(set) var index: [HistoryIndexEntry] = []
  /// How the file ends.
  public private(set) var end: HistoryEnd
  /// Operations that the recorder lost, by its own count in the last block.
  public private(set) var dropped: UInt64 = 0
  /// Whether the index was made anew from the blocks.
  public private(set) var isRebuilt = false

  private let source: HistorySource
  private var version = HistoryFormat.version

  /// Opens the history at `path`.
  ///
  /// - Throws: ``HistoryError`` when the file cannot be read, is no history, is of a later format, or is damaged where its
  ///   blocks' headers, its names or its index stand.
  public init(path: String) throws(HistoryError) {
    try self.init(HistorySource.file(File.open(path)))
  }

  /// Opens a history in memory.
  ///
  /// - Throws: ``HistoryError`` as ``init(path:)`` does.
  public init(bytes: [UInt8]) throws(HistoryError) {
    try self.init(HistorySource.memory(bytes))
  }

  private init(_ opened: consuming HistorySource) throws(HistoryError) {
    source = opened
    end = .closed
    switch try source.head() {
    case .cut(let reason): end = .cut(offset: 0, reason: reason)
    case .whole(let head):
      header = head.header
      version = head.version
      if try !readIndex(after: UInt64(head.size)) { try rebuild(from: UInt64(head.size)) }
    }
  }

  /// The blocks that hold operations which lie, in part at least, in `times`, nanoseconds on the recorder's monotonic clock.
  public func blocks(in times: ClosedRange<Int64>) -> [HistoryIndexEntry] {
    index.filter { $0.latest >= times.lowerBound && $0.earliest <= times.upperBound }
  }

  /// The operations of one block.
  ///
  /// - Throws: ``HistoryError/damaged(offset:what:)`` when the block is not what was written, or no such block stands there.
  public func operations(of entry: HistoryIndexEntry) throws(HistoryError) -> [Operation] {
    guard case .whole(let block) = try source.blockHeader(at: entry.offset, version: version),
      block.type == .operations, block.count == entry.count,
      case .whole(let raw) = try source.content(of: block, at: entry.offset, version: version)
    else { throw .damaged(offset: entry.offset, what: "there is no block of \(entry.count) operations here") }
    do {
      return try BlockContent.operations(raw, count: Int(block.count), version: version, names: names)
    } catch {
      throw .damaged(offset: entry.offset, what: error.what)
    }
  }

  /// Reads the index at the end. False when the file has none.
  private mutating func readIndex(after start: UInt64) throws(HistoryError) -> Bool {
    let size = try source.size()
    let trailerSize = UInt64(HistoryFormat.trailerSize)
    guard version > 1, size >= start + trailerSize else { return false }
    let trailer = try source.read(at: size - trailerSize, count: HistoryFormat.trailerSize)
    // A file that was never closed ends in the middle of something else.
    guard let place = try? BlockContent.trailer(trailer), place >= start, place < size else { return false }
    guard case .whole(let block) = try source.blockHeader(at: place, version: version), block.type == .index,
      place + block.size(version: version) + trailerSize == size,
      case .whole(let raw) = try source.content(of: block, at: place, version: version)
    else { throw .damaged(offset: place, what: "the index is not where the trailer says") }
    do { (names, index) = try BlockContent.index(raw, version: version) } catch {
      throw .damaged(offset: place, what: error.what)
    }
    dropped = block.dropped
    return true
  }

  /// Walks from block to block; reads names, and in format 1, whose headers have no times, the operations.
  private mutating func rebuild(from start: UInt64) throws(HistoryError) {
    isRebuilt = true
    guard version > 1 else { return try rebuildByReading() }
    var offset = start
    var number: UInt32 = 0
    while case .whole(let block) = try part(at: offset) {
      guard block.number == number else {
        throw .damaged(offset: offset, what: "block \(block.number) stands where block \(number) belongs")
      }
      number += 1
      let next = offset + block.size(version: version)
      guard next <= (try source.size()) else {
        end = .cut(offset: offset, reason: "a block is not whole")
        return
      }
      switch block.type {
      case .operations:
        index.append(
          HistoryIndexEntry(offset: offset, count: block.count, earliest: block.earliest, latest: block.latest))
      case .names:
        guard case .whole(let raw) = try source.content(of: block, at: offset, version: version) else { return }
        do { try BlockContent.names(raw, count: Int(block.count), into: &names) } catch {
          throw .damaged(offset: offset, what: error.what)
        }
      case .index: break
      }
      dropped = block.dropped
      offset = next
      if block.type == .index {
        end = .cut(offset: offset, reason: "the trailer is not whole")
        return
      }
    }
  }

  /// The header at `offset`, with ``end`` set when the file stops there.
  private mutating func part(at offset: UInt64) throws(HistoryError) -> HistoryPart<BlockHeader> {
    let part = try source.blockHeader(at: offset, version: version)
    if case .cut(let reason) = part { end = .cut(offset: offset, reason: reason) }
    return part
  }

  private mutating func rebuildByReading() throws(HistoryError) {
    var reader: HistoryReader
    switch source {
    case .file(let file): reader = try HistoryReader(path: file.path)
    case .memory(let bytes): reader = try HistoryReader(bytes: bytes)
    }
    while try reader.next() != nil {}
    (names, index, dropped) = (reader.names, reader.index, reader.dropped)
    end = reader.end ?? end
  }
}
