import KafkaWire
import Testing

@Suite("Record batches")
struct RecordBatchTests {
  private static func batches() throws -> [RecordBatch] {
    let (batches, end) = try readSegment(try KafkaFixtures.bytes("batches.log"))
    #expect(end == .clean)
    return batches
  }

  @Test("Batches of Kafka's own classes are read, field by field")
  func batches() throws {
    let batches = try Self.batches()
    #expect(batches.map(\.baseOffset) == [100, 108, 111, 115, 116, 118, 119])
    #expect(batches.map(\.lastOffset) == [107, 110, 114, 115, 117, 118, 119])
    #expect(batches.map(\.isTransactional) == [false, false, true, true, true, true, false])
    #expect(batches.map(\.isControl) == [false, false, false, true, false, true, false])
    #expect(batches.map(\.producerID) == [-1, 4001, 4002, 4002, 4002, 4002, -1])
    #expect(batches.map(\.producerEpoch) == [-1, 2, 0, 0, 1, 1, -1])
    #expect(batches.map(\.baseSequence) == [-1, 17, 0, -1, 0, -1, -1])
    #expect(batches.map(\.leaderEpoch) == [-1, 6, 6, 6, 6, 6, -1])
    #expect(batches.map(\.isStampedOnAppend) == [false, false, false, false, false, false, true])
    let plain = batches[0].records
    #expect(plain.map(\.offset) == Array(100..<108))
    #expect(plain.map(\.timestamp) == (0..<8).map { 1_700_000_000_000 + $0 * 7 })
    #expect(plain.map { text($0.key) } == [nil, "k1", "k2", nil, "k4", "k5", nil, "k7"])
    #expect(plain.map { text($0.value) }.prefix(5) == ["plain 0", "plain 1", "plain 2", nil, "plain 4"])
    #expect(plain[0].headers.isEmpty)
    #expect(plain[1].headers.map(\.key) == ["event-id", "none"])
    #expect(plain[1].headers.map { text($0.value) } == ["1:1", nil])
  }

  @Test("Markers say whether the transaction was committed or aborted")
  func markers() throws {
    let markers = try Self.batches().filter(\.isControl).flatMap(\.records).map { try ControlRecord($0) }
    #expect(markers.map(\.kind) == [.abort, .commit])
    #expect(markers.map(\.coordinatorEpoch) == [9, 10])
  }

  @Test("Other control records are known by name, later ones by number")
  func otherControls() throws {
    let batches = try readSegment(try KafkaFixtures.bytes("pair/east/__cluster_metadata-0.log")).batches
    let kinds = try batches.filter(\.isControl).flatMap(\.records).map { try ControlRecord($0).kind }
    #expect(kinds.contains(.leaderChange))
    let later = RecordBatch.Record(offset: 0, timestamp: 0, key: [0, 0, 0, 99], value: nil)
    #expect(try ControlRecord(later).kind == .unknown(99))
    let cut = RecordBatch.Record(offset: 0, timestamp: 0, key: [0, 0, 0], value: nil)
    #expect(throws: WireError(.truncated(wanted: 2, left: 1), at: 2)) { try ControlRecord(cut) }
  }

  @Test("What is written is read back, and is what Kafka wrote", arguments: KafkaFixtures.plainSegments)
  func roundTrip(name: String) throws {
    let bytes = try KafkaFixtures.bytes("pair/\(name).log")
    let (batches, end) = try readSegment(bytes)
    #expect(end == .clean)
    #expect(!batches.isEmpty)
    #expect(batches.reduce(0) { $0 + $1.sizeBytes } == bytes.count)
    #expect(batches.flatMap { $0.encoded() } == bytes)
  }

  @Test(
    "Every record is the one that kafka-dump-log prints: offset, time, headers, key, value or marker",
    arguments: ["east/orders.us-0", "eu/east.orders.us-0"])
  func asDumped(name: String) throws {
    var lines: [String] = []
    for batch in try readSegment(try KafkaFixtures.bytes("pair/\(name).log")).batches {
      for (place, record) in batch.records.enumerated() {
        let sequence = batch.baseSequence < 0 ? -1 : batch.baseSequence + Int32(place)
        var line = "offset: \(record.offset) CreateTime: \(record.timestamp) sequence: \(sequence) headerKeys: "
        line += "[\(record.headers.map(\.key).joined(separator: ","))]"
        if batch.isControl {
          let marker = try ControlRecord(record)
          line += " endTxnMarker: \(marker.kind == .commit ? "COMMIT" : "ABORT")"
          line += " coordinatorEpoch: \(marker.coordinatorEpoch ?? -1)"
        } else {
          line += " key: \(text(record.key) ?? "") payload: \(text(record.value) ?? "")"
        }
        lines.append(line)
      }
    }
    #expect(lines == (try KafkaFixtures.lines("pair/\(name).txt")))
  }

  @Test("A byte that was changed fails the checksum, wherever it stands behind it")
  func damage() throws {
    let bytes = Array(try KafkaFixtures.bytes("batches.log").prefix(try Self.batches()[0].sizeBytes))
    for place in 17..<bytes.count {
      var damaged = bytes
      damaged[place] ^= 0x10
      #expect {
        try RecordBatch(damaged[...])
      } throws: { error in
        guard case .wrongChecksum = (error as? WireError)?.kind else { return false }
        return true
      }
    }
  }

  @Test("Message sets of before 0.11 are refused by name", arguments: [Int8(0), 1])
  func legacy(magic: Int8) throws {
    let bytes = try KafkaFixtures.bytes("legacy-\(magic).log")
    #expect(throws: WireError(.legacyMessageSet(magic: magic), at: 16)) { try readSegment(bytes) }
    #expect("\(WireError(.legacyMessageSet(magic: magic), at: 16))".contains("before 0.11"))
  }

  @Test("A later magic is a version that is not known")
  func laterMagic() throws {
    var bytes = try KafkaFixtures.bytes("batches.log")
    bytes[16] = 3
    #expect(throws: WireError(.unknownVersion(3), at: 16)) { try readSegment(bytes) }
  }

  @Test("Compressions are refused by name, or unpacked by what is passed in")
  func compressed() throws {
    let bytes = try KafkaFixtures.bytes("pair/east/packed-0.log")
    #expect {
      try readSegment(bytes)
    } throws: { error in (error as? WireError)?.kind == .unsupportedCompression(.gzip) }
    var packed = bytes[...]
    var kinds: [Compression] = []
    while !packed.isEmpty {
      do throws(WireError) {
        let batch = try RecordBatch(packed)
        kinds.append(batch.compression)
        packed = packed.dropFirst(batch.sizeBytes)
      } catch {
        guard case .unsupportedCompression(let kind) = error.kind else { throw error }
        kinds.append(kind)
        var reader = WireReader(packed)
        _ = try reader.integer(Int64.self)
        packed = packed.dropFirst(12 + Int(try reader.integer(Int32.self)))
      }
    }
    #expect(kinds.first == Compression.none)
    #expect(Set(kinds) == Set(Compression.allCases))
  }

  @Test("Records unpacked by a decompressor are read like others")
  func unpacked() throws {
    var batch = try #require(try Self.batches().first)
    batch.leaderEpoch = 3
    // The same records in a batch that says it is compressed; its checksum is made anew.
    let plain = batch.encoded()
    let records = Array(plain[RecordBatch.headerSize...])
    var claimed = plain
    claimed[22] = Compression.zstd.rawValue
    let body = Array(claimed[21..<RecordBatch.headerSize]) + [1, 2, 3]
    var writer = WireWriter()
    writer.raw(claimed[..<8])
    writer.integer(Int32(body.count + 9))
    writer.raw(claimed[12..<17])
    writer.integer(crc32c(body))
    writer.raw(body)
    let read = try RecordBatch(writer.bytes[...]) { kind, bytes throws(WireError) in
      guard kind == .zstd, Array(bytes) == [1, 2, 3] else { throw WireError(.unsupportedCompression(kind), at: 0) }
      return records
    }
    #expect(read.records == batch.records)
    #expect(read.compression == .zstd)
  }

  @Test("Records that were compacted away leave holes, and the batch still reaches to its last offset")
  func holes() throws {
    var batch = try #require(try Self.batches().first)
    batch.records.removeAll { $0.offset != 103 }
    let read = try RecordBatch(batch.encoded()[...])
    #expect(read.records.map(\.offset) == [103])
    #expect(read.lastOffset == 107)
    batch.records = []
    #expect(try RecordBatch(batch.encoded()[...]).records.isEmpty)
  }

  @Test("Offsets that a batch cannot have are refused")
  func impossibleOffsets() throws {
    var batch = try #require(try Self.batches().first)
    batch.records[3].offset = 101
    #expect(throws: WireError.self) { try RecordBatch(batch.encoded()[...]) }
    batch.records[3].offset = 500
    #expect(throws: WireError.self) { try RecordBatch(batch.encoded()[...]) }
    batch = try #require(try Self.batches().first)
    batch.baseOffset = .max - 2
    #expect(throws: WireError.self) { try RecordBatch(batch.encoded()[...]) }
    batch.baseOffset = 5
    batch.lastOffsetDelta = -1
    #expect(throws: WireError.self) { try RecordBatch(batch.encoded()[...]) }
  }
}

@Suite("Segments")
struct SegmentReaderTests {
  @Test("Bytes may come in any pieces", arguments: [1, 7, 61, 4096])
  func pieces(size: Int) throws {
    let bytes = try KafkaFixtures.bytes("pair/eu/east.orders.us-0.log")
    let whole = try readSegment(bytes).batches
    var reader = SegmentReader()
    var batches: [RecordBatch] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      reader.append(bytes[start..<min(start + size, bytes.count)])
      while let batch = try reader.next() { batches.append(batch) }
    }
    #expect(batches == whole)
    #expect(reader.end() == .clean)
    #expect(reader.offset == Int64(bytes.count))
  }

  @Test("A segment that is cut off anywhere gives its whole batches and says what is left")
  func cut() throws {
    let bytes = try KafkaFixtures.bytes("batches.log")
    let ends = try readSegment(bytes).batches.reduce(into: [0]) { $0.append($0[$0.count - 1] + $1.sizeBytes) }
    for count in 0...bytes.count {
      let (batches, end) = try readSegment(Array(bytes.prefix(count)))
      let kept = ends.last { $0 <= count } ?? 0
      #expect(batches.count == ends.firstIndex(of: kept))
      switch end {
      case .clean: #expect(kept == count)
      case .cut(let left): #expect(left == count - kept)
      // The first bytes of a base offset are zeros, too.
      case .zeros(let left): #expect(left == count - kept && left < 8)
      }
    }
  }

  @Test("Zeros at the end are room that was never written to")
  func zeros() throws {
    let bytes = try KafkaFixtures.bytes("batches.log")
    let (batches, end) = try readSegment(bytes + [UInt8](repeating: 0, count: 5000))
    #expect(batches.count == 7)
    #expect(end == .zeros(bytesLeft: 5000))
  }

  @Test("Damage is named with its place in the segment")
  func damage() throws {
    var bytes = try KafkaFixtures.bytes("batches.log")
    let first = try readSegment(bytes).batches[0].sizeBytes
    bytes[first + 40] ^= 1
    #expect {
      try readSegment(bytes)
    } throws: { error in
      guard let error = error as? WireError, case .wrongChecksum = error.kind else { return false }
      return error.offset == first + 17
    }
  }

  @Test("A length that no batch has is damage, not more to wait for")
  func lengths() throws {
    for length: [UInt8] in [[0xff, 0xff, 0xff, 0xff], [0, 0, 0, 1], [0x7f, 0xff, 0xff, 0xff]] {
      var bytes = try KafkaFixtures.bytes("batches.log")
      bytes.replaceSubrange(8..<12, with: length)
      #expect(throws: WireError.self) { try readSegment(bytes) }
    }
  }
}
