import Testing

@testable import Events

/// Blocks of ten operations a second apart, each of which takes half a second.
private func history(blocks: Int, close: Bool) -> (bytes: [UInt8], operations: [Operation]) {
  let header = HistoryHeader(runID: "r", monotonicStart: 0, wallStart: 0).encoded()
  var writer = HistoryWriter(headerSize: header.count)
  var bytes = header
  var operations: [Operation] = []
  for block in 0..<blocks {
    let part = (0..<10).map { place in
      let begun = Int64(block * 10 + place) * 1_000_000_000
      return Operation(
        .append, process: 0, event: EventID(producer: 0, sequence: UInt64(block * 10 + place)),
        node: NodeIndex(rawValue: 0), region: NodeIndex(rawValue: UInt16(min(block, 2))), invoked: begun,
        completed: begun + 500_000_000, outcome: .ok)
    }
    var names = NameTable()
    for name in ["east", "eu", "ap"].prefix(block + 1) { _ = names.node(name) }
    let batch = writer.encode(part[...], names: names, dropped: UInt64(block))
    bytes += batch.bytes
    writer.commit(batch)
    operations += part
  }
  if close {
    var names = NameTable()
    for name in ["east", "eu", "ap"] { _ = names.node(name) }
    bytes += writer.encodeEnd(names: names, dropped: 9)
  }
  return (bytes, operations)
}

private func read(_ file: borrowing HistoryFile, in times: ClosedRange<Int64>) throws -> [UInt64] {
  var sequences: [UInt64] = []
  for entry in file.blocks(in: times) { sequences += try file.operations(of: entry).map(\.event.sequence) }
  return sequences
}

@Suite struct HistoryFileTests {
  @Test func `a closed history is entered at a time through its index`() throws {
    let file = try HistoryFile(bytes: history(blocks: 5, close: true).bytes)
    let (isRebuilt, end, dropped, names) = (file.isRebuilt, file.end, file.dropped, file.names.nodes)
    #expect(!isRebuilt)
    #expect(end == .closed)
    #expect(dropped == 9)
    #expect(names == ["east", "eu", "ap"])
    #expect(try read(file, in: 22_000_000_000...31_000_000_000) == Array(20..<40))
    #expect(try read(file, in: 49_400_000_000...99_000_000_000) == Array(40..<50))
    #expect(try read(file, in: 60_000_000_000...99_000_000_000).isEmpty)
  }

  @Test func `the index of a history that was never closed is made anew`() throws {
    let file = try HistoryFile(bytes: history(blocks: 5, close: false).bytes)
    let (isRebuilt, end, dropped, names, count) = (
      file.isRebuilt, file.end, file.dropped, file.names.nodes, file.index.count
    )
    #expect(isRebuilt)
    #expect(
      end == .cut(offset: UInt64(history(blocks: 5, close: false).bytes.count), reason: "the history was never closed"))
    #expect(dropped == 4)
    #expect(names == ["east", "eu", "ap"])
    #expect(count == 5)
    #expect(try read(file, in: 22_000_000_000...31_000_000_000) == Array(20..<40))
  }

  /// Cut anywhere, both ways of reading agree on what is whole.
  @Test func `a history cut at any byte has the index of its whole blocks`() throws {
    let (bytes, _) = history(blocks: 3, close: true)
    for length in 0..<bytes.count {
      let cut = Array(bytes[..<length])
      let file = try HistoryFile(bytes: cut)
      let whole = try History(bytes: cut)
      let (index, end) = (file.index, file.end)
      #expect(index == whole.index, "cut at \(length)")
      guard case .cut = end else {
        Issue.record("cut at \(length), but it claims to be closed")
        continue
      }
    }
  }

  @Test func `a damaged block is found when it is read, and a missing one at once`() throws {
    var (bytes, _) = history(blocks: 3, close: true)
    let entries = try History(bytes: bytes).index
    bytes[Int(entries[1].offset) + 60] ^= 1
    let file = try HistoryFile(bytes: bytes)
    #expect(try file.operations(of: entries[0]).count == 10)
    #expect(throws: HistoryError.damaged(offset: entries[1].offset, what: "the checksum of a block's content is wrong"))
    {
      try file.operations(of: entries[1])
    }
    let (open, _) = history(blocks: 3, close: false)
    let missing = Array(open[..<Int(entries[1].offset)] + open[Int(entries[2].offset)...])
    #expect(throws: HistoryError.self) { _ = try HistoryFile(bytes: missing) }
  }

  @Test func `an entry that is none of the file's is refused`() throws {
    let file = try HistoryFile(bytes: history(blocks: 2, close: true).bytes)
    let first = try #require(file.index.first)
    for wrong in [
      HistoryIndexEntry(offset: first.offset, count: 9, earliest: 0, latest: 0),
      HistoryIndexEntry(offset: .max - 3, count: 10, earliest: 0, latest: 0),
      HistoryIndexEntry(offset: first.offset + 1, count: 10, earliest: 0, latest: 0),
    ] {
      #expect(throws: HistoryError.self) { try file.operations(of: wrong) }
    }
  }

  @Test func `format 1 is read, whole and by its index`() throws {
    let bytes = try recordedHistory()
    #expect(bytes[8] == 1)
    let whole = try History(bytes: bytes)
    #expect(whole.end == .closed)
    #expect(whole.operations.count > 100)
    let file = try HistoryFile(bytes: bytes)
    var operations: [Operation] = []
    for entry in file.index { operations += try file.operations(of: entry) }
    #expect(operations == whole.operations)
  }

  @Test func `a history that is written again in format 2 says the same`() async throws {
    let old = try History(bytes: recordedHistory())
    try await withDirectory { directory in
      let path = directory + "/history.bsh"
      try old.write(to: path)
      var new = try History(path: path)
      new.index = old.index
      #expect(new == old)
      #expect(throws: HistoryError.self) { try old.write(to: path) }
    }
  }
}
