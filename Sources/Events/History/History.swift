/// A whole history in memory.
public struct History: Sendable, Hashable {
  /// The head; `nil` only when the file is cut inside it.
  public var header: HistoryHeader?
  /// The names behind the numbers.
  public var names: NameTable
  /// The operations in the order in which they were recorded, which is the order of their completions.
  public var operations: [Operation]
  /// How the file ends.
  public var end: HistoryEnd
  /// Operations that the recorder lost.
  public var dropped: UInt64
  /// Where the blocks of operations stand.
  public var index: [HistoryIndexEntry]

  /// A history that was never in a file: whole, nothing lost.
  public init(header: HistoryHeader?, names: NameTable, operations: [Operation]) {
    self.header = header
    self.names = names
    self.operations = operations
    end = .closed
    dropped = 0
    index = []
  }

  /// A history of no operations that ends so.
  init(names: NameTable, end: HistoryEnd) {
    self.init(header: nil, names: names, operations: [])
    self.end = end
  }

  /// Reads the whole history at `path`.
  ///
  /// - Throws: ``HistoryError`` when the file cannot be read, is no history, or is damaged. A file that is merely cut off is
  ///   read to its last whole block; ``end`` says so.
  public init(path: String) throws(HistoryError) {
    try self.init(HistoryReader(path: path))
  }

  /// Reads the whole history in `bytes`.
  ///
  /// - Throws: ``HistoryError`` as ``init(path:)`` does.
  public init(bytes: [UInt8]) throws(HistoryError) {
    try self.init(HistoryReader(bytes: bytes))
  }

  /// Writes the history as a new file at `path`, whole and closed, on the disk when this returns.
  ///
  /// - Throws: ``HistoryError/system(call:path:errno:)``, also when the file exists. After another failure the file may be
  ///   there, and opens to its last whole block.
  public func write(to path: String) throws(HistoryError) {
    let file = try File.create(path)
    let header = (header ?? HistoryHeader(runID: "", monotonicStart: 0, wallStart: 0)).encoded()
    try file.append(header)
    var writer = HistoryWriter(headerSize: header.count)
    for start in stride(from: 0, to: max(1, operations.count), by: HistoryWriter.blockSize) {
      let part = operations[start..<min(operations.count, start + HistoryWriter.blockSize)]
      let batch = writer.encode(part, names: names, dropped: dropped)
      try file.append(batch.bytes)
      writer.commit(batch)
    }
    try file.append(writer.encodeEnd(names: names, dropped: dropped))
    try file.sync()
  }

  private init(_ opened: consuming HistoryReader) throws(HistoryError) {
    var reader = opened
    operations = []
    while let block = try reader.next() { operations += block }
    guard let end = reader.end else { preconditionFailure("a reader at its end does not know how it ended") }
    self.end = end
    header = reader.header
    names = reader.names
    dropped = reader.dropped
    index = reader.index
  }
}
