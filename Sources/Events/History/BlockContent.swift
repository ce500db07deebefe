/// What the blocks of a history hold, read from their decompressed bytes.
enum BlockContent {
  /// The operations of a block in format `version`, which use only names of `names`.
  static func operations(
    _ raw: [UInt8], count: Int, version: UInt16, names: NameTable
  ) throws(ByteError) -> [Operation] {
    let operations =
      version == 1
      ? try OperationColumns1.decode(raw, count: count) : try OperationColumns.decode(raw, count: count)
    try names.check(operations)
    return operations
  }

  /// Enters the names of a block into `names`.
  static func names(_ raw: [UInt8], count: Int, into names: inout NameTable) throws(ByteError) {
    var reader = ByteReader(raw[...])
    try reader.names(count, into: &names)
    guard reader.isAtEnd else {
      throw ByteError(offset: reader.offset, what: "a block of names holds more than it says")
    }
  }

  /// The names (in format 1: none) and the entries of an index.
  static func index(_ raw: [UInt8], version: UInt16) throws(ByteError) -> (names: NameTable, [HistoryIndexEntry]) {
    var reader = ByteReader(raw[...])
    var names = NameTable()
    if version > 1 { try reader.names(try reader.number(Int.self, "a count of names"), into: &names) }
    var entries: [HistoryIndexEntry] = []
    while !reader.isAtEnd {
      entries.append(
        HistoryIndexEntry(
          offset: try reader.varint(), count: try reader.number(UInt32.self, "a count"),
          earliest: try reader.zigzag(), latest: try reader.zigzag()))
    }
    return (names, entries)
  }

  /// Reads the trailer that stands in `bytes`: the offset of the index.
  static func trailer(_ bytes: [UInt8]) throws(ByteError) -> UInt64 {
    var reader = ByteReader(bytes[...])
    let offset: UInt64 = try reader.fixed()
    let checksum: UInt32 = try reader.fixed()
    guard checksum == CRC32C.of(bytes[..<8]), bytes[12..<20] == HistoryFormat.trailerMagic[...] else {
      throw ByteError(offset: 0, what: "the trailer is not what was written")
    }
    return offset
  }
}

extension ByteReader {
  fileprivate mutating func names(_ count: Int, into names: inout NameTable) throws(ByteError) {
    for _ in 0..<count {
      let number = try byte()
      let name = try text()
      guard let table = NameTable.Table(rawValue: number) else {
        throw ByteError(offset: offset, what: "a name '\(name)' in an unknown table \(number)")
      }
      let place = names[table].count
      guard let entered = names.enter(name, table) else {
        throw ByteError(offset: offset, what: "the name '\(name)' is one more than its table holds")
      }
      guard entered == place else { throw ByteError(offset: offset, what: "the name '\(name)' comes twice") }
    }
  }
}

extension NameTable {
  /// Every number must have its name by now; a check may then look names up without asking.
  func check(_ operations: [Operation]) throws(ByteError) {
    let known = Table.allCases.map { self[$0].count }
    func isKnown(_ number: some BinaryInteger, _ table: Table) -> Bool { number < known[Int(table.rawValue) - 1] }
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
}
