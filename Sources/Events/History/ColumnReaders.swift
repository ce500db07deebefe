/// The readers of one block's columns; a column that is not there reads as empty.
///
/// A column is `id:u8 length:varint bytes`. Columns that the reader does not know are left out, so that a later version may
/// add some; each known column must be used up exactly.
struct ColumnReaders {
  private var readers: [ByteReader]
  private let known: [UInt8]

  init(_ raw: [UInt8], known: [UInt8]) throws(ByteError) {
    self.known = known
    readers = [ByteReader](repeating: ByteReader([]), count: 256)
    var whole = ByteReader(raw[...])
    var seen = Set<UInt8>()
    while !whole.isAtEnd {
      let id = try whole.byte()
      let bytes = try whole.slice(try whole.number(Int.self, "a column's length"))
      guard seen.insert(id).inserted else { throw ByteError(offset: whole.offset, what: "column \(id) comes twice") }
      if known.contains(id) { readers[Int(id)] = ByteReader(bytes) }
    }
  }

  subscript(id: UInt8) -> ByteReader {
    get { readers[Int(id)] }
    _modify { yield &readers[Int(id)] }
  }

  func requireAllUsed() throws(ByteError) {
    for id in known where !self[id].isAtEnd {
      throw ByteError(offset: self[id].offset, what: "column \(id) holds more than the block's operations")
    }
  }
}
