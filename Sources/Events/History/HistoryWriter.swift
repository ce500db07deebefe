/// Turns names and operations into the bytes of a history, block by block. Values in, bytes out: the file is another's.
struct HistoryWriter {
  private let compressor = ZstandardCompressor()
  private var encoder = OperationColumns.Encoder()
  /// The memory of the last batch's bytes.
  private var spare: [UInt8] = []
  private var number: UInt32 = 0
  private var written = NameTable.Counts.none
  private(set) var index: [HistoryIndexEntry] = []
  private(set) var offset: UInt64

  /// Compression level: 3 is zstd's own default; higher ones win little on columns of differences.
  private static let level: Int32 = 3

  /// Operations a block: enough to compress well, few enough to stay in a processor's cache.
  static let blockSize = 1 << 14

  /// Starts after a header of `headerSize` bytes.
  init(headerSize: Int) { offset = UInt64(headerSize) }

  /// The bytes of `operations` (at most ``HistoryFormat/maxOperations``), preceded by the names that are new since the last
  /// call. They count as written only after ``commit(_:)``.
  mutating func encode(_ operations: ArraySlice<Operation>, names: NameTable, dropped: UInt64) -> Batch {
    var batch = Batch(number: number, names: names.counts)
    swap(&batch.bytes, &spare)
    batch.bytes.removeAll(keepingCapacity: true)
    let fresh = names.entries(after: written)
    for start in stride(from: 0, to: fresh.count, by: HistoryFormat.maxOperations) {
      let part = fresh[start..<min(fresh.count, start + HistoryFormat.maxOperations)]
      var payload = ByteWriter()
      payload.names(part)
      append(.names, count: part.count, payload.bytes, dropped, .none, to: &batch)
    }
    if !operations.isEmpty {
      let span = HistorySpan(operations)
      batch.entry = HistoryIndexEntry(
        offset: offset + UInt64(batch.bytes.count), count: UInt32(operations.count), earliest: span.earliest,
        latest: span.latest)
      encoder.encode(operations)
      append(.operations, count: operations.count, encoder.block.bytes, dropped, span, to: &batch)
    }
    return batch
  }

  /// The index and the trailer that end a history whose names are `names`.
  func encodeEnd(names: NameTable, dropped: UInt64) -> [UInt8] {
    var payload = ByteWriter()
    let defined = names.entries(after: .none, upTo: written)
    payload.varint(UInt64(defined.count))
    payload.names(defined[...])
    for entry in index {
      payload.varint(entry.offset)
      payload.varint(UInt64(entry.count))
      payload.zigzag(entry.earliest)
      payload.zigzag(entry.latest)
    }
    var batch = Batch(number: number, names: self.written)
    append(.index, count: min(index.count, HistoryFormat.maxOperations), payload.bytes, dropped, .none, to: &batch)
    var trailer = ByteWriter()
    trailer.fixed(offset)
    trailer.fixed(CRC32C.of(trailer.bytes[...]))
    trailer.bytes += HistoryFormat.trailerMagic
    return batch.bytes + trailer.bytes
  }

  /// Takes `batch` as written, now that its bytes are in the file.
  mutating func commit(_ batch: consuming Batch) {
    number = batch.number
    written = batch.names
    if let entry = batch.entry { index.append(entry) }
    offset += UInt64(batch.bytes.count)
    spare = batch.bytes
  }

  private func append(
    _ type: BlockType, count: Int, _ raw: [UInt8], _ dropped: UInt64, _ span: HistorySpan, to batch: inout Batch
  ) {
    let start = batch.bytes.count
    let size = HistoryFormat.blockHeaderSize(version: HistoryFormat.version)
    batch.bytes.append(contentsOf: repeatElement(0, count: size))
    compressor.compress(raw, level: Self.level, to: &batch.bytes)
    let header = BlockHeader(
      type: type, number: batch.number, count: count, raw: raw.count, payload: batch.bytes[(start + size)...],
      dropped: dropped, span: span)
    batch.bytes.replaceSubrange(start..<(start + size), with: header.encoded())
    batch.number += 1
  }

  /// Blocks ready to be written, and the state that holds once they are.
  struct Batch {
    fileprivate(set) var number: UInt32
    fileprivate(set) var names: NameTable.Counts
    fileprivate(set) var entry: HistoryIndexEntry?
    fileprivate(set) var bytes: [UInt8] = []
  }
}

extension NameTable {
  /// How many names of each table have been written.
  struct Counts: Equatable {
    private var counts: [Int]

    init(_ counts: [Int]) { self.counts = counts }

    /// Of a table that nothing was entered into.
    static var none: Counts { NameTable().counts }

    subscript(table: Table) -> Int { counts[Int(table.rawValue) - 1] }
  }

  var counts: Counts { Counts(Table.allCases.map { self[$0].count }) }

  /// The names that were entered after `counts`, and before `end`.
  func entries(after counts: Counts, upTo end: Counts? = nil) -> [(table: Table, name: String)] {
    let end = end ?? self.counts
    return Table.allCases.flatMap { table in self[table][counts[table]..<end[table]].map { (table, $0) } }
  }
}

extension ByteWriter {
  fileprivate mutating func names(_ entries: ArraySlice<(table: NameTable.Table, name: String)>) {
    for entry in entries {
      bytes.append(entry.table.rawValue)
      text(entry.name)
    }
  }
}
