import FoundationEssentials
import Testing

@testable import Events

/// A whole history of a few blocks, as bytes.
private func sampleHistory(blocks: Int = 3, each: Int = 8, close: Bool = true) -> (bytes: [UInt8], ops: [[Operation]]) {
  var samples = Samples(seed: 7)
  let header = HistoryHeader(runID: "2026-11-20-region-blackout", monotonicStart: 5, wallStart: -1).encoded()
  var writer = HistoryWriter(headerSize: header.count)
  var bytes = header
  var ops: [[Operation]] = []
  for _ in 0..<blocks {
    let block = (0..<each).map { _ in samples.wild(sampleNames()) }
    let batch = writer.encode(block[...], names: sampleNames(), dropped: 0)
    bytes += batch.bytes
    writer.commit(batch)
    ops.append(block)
  }
  if close { bytes += writer.encodeEnd(names: sampleNames(), dropped: 0) }
  return (bytes, ops)
}

@Suite struct HistoryFormatTests {
  @Test func `any operation reads back as it was written, extremes included`() throws {
    var samples = Samples(seed: 1)
    let ops = (0..<5000).map { _ in samples.wild(sampleNames()) }
    let raw = OperationColumns.encode(ops[...])
    #expect(try OperationColumns.decode(raw, count: ops.count) == ops)
  }

  @Test func `a closed history reads back whole`() throws {
    let (bytes, ops) = sampleHistory()
    let history = try History(bytes: bytes)
    #expect(history.operations == Array(ops.joined()))
    #expect(history.end == .closed)
    #expect(history.header?.runID == "2026-11-20-region-blackout")
    #expect(history.names == sampleNames())
    #expect(history.index.map(\.count) == [8, 8, 8])
  }

  @Test func `a history without operations is whole, too`() throws {
    let history = try History(bytes: sampleHistory(blocks: 0).bytes)
    #expect(history.end == .closed)
    #expect(history.operations.isEmpty)
  }

  /// Cut at any byte, a history opens to its last whole block and says where it ends.
  @Test func `a history cut at any byte opens to its last whole block`() throws {
    let (bytes, ops) = sampleHistory()
    let whole = try History(bytes: bytes)
    let ends = whole.index.map { entry in
      entry.offset + 56 + UInt64(storedSize(bytes, at: Int(entry.offset)))
    }
    for length in 0..<bytes.count {
      let history = try History(bytes: Array(bytes[..<length]))
      let blocks = ends.count { $0 <= UInt64(length) }
      #expect(history.operations == Array(ops[..<blocks].joined()), "cut at \(length)")
      guard case .cut(let offset, let reason) = history.end else {
        Issue.record("cut at \(length), but it claims to be closed")
        continue
      }
      #expect(offset <= UInt64(length))
      #expect(!reason.isEmpty)
    }
  }

  /// One changed bit anywhere is an error, or at least never read as a closed history with other content.
  @Test func `a flipped bit is found where it stands`() throws {
    let (bytes, _) = sampleHistory(blocks: 2, each: 4)
    for place in bytes.indices {
      for bit in 0..<8 {
        var bad = bytes
        bad[place] ^= 1 << UInt8(bit)
        switch failure(of: bad) {
        case .damaged(let offset, _): #expect(offset <= UInt64(place))
        case .foreign: #expect(place < 8)
        case .futureVersion: #expect((8..<10).contains(place))
        default: Issue.record("bit \(bit) of byte \(place) flipped, and nobody noticed")
        }
      }
    }
  }

  @Test func `blocks read before a damaged one are kept`() throws {
    var (bytes, ops) = sampleHistory()
    let last = try #require(try History(bytes: bytes).index.last)
    bytes[Int(last.offset) + 61] ^= 1
    var reader = try HistoryReader(bytes: bytes)
    var read: [Operation] = []
    while read.count < 16, let block = try reader.next() { read += block }
    #expect(read == Array(ops[..<2].joined()))
    do {
      _ = try reader.next()
      Issue.record("the damage was not seen")
    } catch {
      #expect(error == .damaged(offset: last.offset, what: "the checksum of a block's content is wrong"))
      #expect("\(error)".hasPrefix("history damaged at byte \(last.offset): "))
    }
  }

  @Test func `a missing block, one twice and bytes behind the end are found`() throws {
    let (bytes, _) = sampleHistory(close: false)
    let index = try History(bytes: bytes).index
    let (second, third) = (Int(index[1].offset), Int(index[2].offset))
    for bad in [Array(bytes[..<second] + bytes[third...]), bytes + bytes[third...], sampleHistory().bytes + [0]] {
      #expect(throws: HistoryError.self) { try History(bytes: bad) }
    }
  }

  @Test func `foreign files and later formats are named`() throws {
    #expect(throws: HistoryError.foreign(firstBytes: Array("PK\u{3}\u{4}1234".utf8))) {
      try History(bytes: Array("PK\u{3}\u{4}123456789".utf8))
    }
    var later = sampleHistory().bytes
    later[8] = 3
    #expect(throws: HistoryError.futureVersion(found: 3, known: 2)) { try History(bytes: later) }
    let text = sampleHistory().bytes.flatMap { $0 == 0x0A ? [0x0D, 0x0A] : [$0] }
    #expect(throws: HistoryError.self) { try History(bytes: text) }
  }

  @Test func `an empty file holds nothing and says so`() throws {
    let history = try History(bytes: [])
    #expect(history.header == nil)
    #expect(history.end == .cut(offset: 0, reason: "0 bytes are no whole header"))
  }

  @Test func `a missing file and a directory are system errors`() {
    #expect(throws: HistoryError.system(call: "open", path: "/nonexistent", errno: 2)) {
      try History(path: "/nonexistent")
    }
    #expect(throws: HistoryError.system(call: "pread", path: "/tmp", errno: 21)) { try History(path: "/tmp") }
  }

  /// Blocks with sound checksums whose content makes no sense: a broken or hostile writer.
  @Test func `random columns never crash the reader`() throws {
    var samples = Samples(seed: 3)
    let good = OperationColumns.encode((0..<20).map { _ in samples.wild(sampleNames()) }[...])
    for _ in 0..<3000 {
      var bad = good
      for _ in 0...samples.below(4) {
        bad[Int(samples.below(UInt64(bad.count)))] = UInt8(truncatingIfNeeded: samples.bits())
      }
      if samples.below(3) == 0 { bad.removeLast(Int(samples.below(UInt64(bad.count)))) }
      // Either it is refused, or what it yields is as much as was asked for.
      do { #expect(try OperationColumns.decode(bad, count: 20).count == 20) } catch {}
    }
  }

  @Test func `every cut of a block's columns is refused`() {
    var samples = Samples(seed: 5)
    let ops = (0..<20).map { _ in samples.wild(sampleNames()) }
    let good = OperationColumns.encode(ops[...])
    for length in 0..<good.count {
      #expect(throws: ByteError.self) { try OperationColumns.decode(Array(good[..<length]), count: 20) }
    }
  }

  @Test func `columns of a later version are left out, others twice are refused`() throws {
    var samples = Samples(seed: 5)
    let ops = (0..<20).map { _ in samples.wild(sampleNames()) }
    let good = OperationColumns.encode(ops[...])
    #expect(try OperationColumns.decode(good + [200, 3, 1, 2, 3], count: 20) == ops)
    #expect(throws: ByteError.self) { try OperationColumns.decode(good + [1, 0], count: 20) }
  }

  @Test func `a drill's operation takes at most 12 bytes`() throws {
    var samples = Samples(seed: 11)
    let ops = samples.drill(events: 2000)
    var writer = HistoryWriter(headerSize: 0)
    let batch = writer.encode(ops[...], names: sampleNames(), dropped: 0)
    writer.commit(batch)
    let each = Double(batch.bytes.count) / Double(ops.count)
    #expect(each <= 12, "\(each) bytes an operation")
  }

  @Test func `a cluster's operation takes at most 12 bytes`() throws {
    var samples = Samples(seed: 13)
    let ops = samples.cluster(sends: 8000)
    var writer = HistoryWriter(headerSize: 0)
    let batch = writer.encode(ops[...], names: sampleNames(), dropped: 0)
    writer.commit(batch)
    let each = Double(batch.bytes.count) / Double(ops.count)
    #expect(each <= 12, "\(each) bytes an operation")
  }

  @Test func `the checksum is CRC-32C`() {
    // RFC 3720 §B.4, and the check value of the polynomial.
    #expect(CRC32C.of(Array("123456789".utf8)[...]) == 0xE306_9283)
    #expect(CRC32C.of([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
    #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)[...]) == 0x62A8_AB43)
    #expect(CRC32C.of(Array(UInt8(0)..<32)[...]) == 0x46DD_794E)
  }

  private func failure(of bytes: [UInt8]) -> HistoryError? {
    do {
      _ = try History(bytes: bytes)
      return nil
    } catch {
      return error
    }
  }

  private func storedSize(_ bytes: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(bytes[offset + 20 + $1]) << UInt32(8 * $1) }
  }
}
