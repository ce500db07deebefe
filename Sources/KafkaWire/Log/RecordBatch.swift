/// One batch of a partition's log, magic 2: what a producer sent in one piece, or a marker that ends a transaction.
///
/// Layout (Kafka documentation, "Record Batch"): base offset INT64, length INT32 of what follows, leader epoch INT32, magic
/// INT8, CRC-32C UINT32 over what follows it, attributes INT16, last offset delta INT32, base and maximal timestamp INT64,
/// producer id INT64 and epoch INT16, base sequence INT32, count INT32, records.
///
/// The offsets of a batch reach to ``lastOffset`` also where records of it were compacted away: what no record stands at is a
/// hole.
public struct RecordBatch: Sendable, Hashable {
  /// Bytes before the records.
  public static let headerSize = 61
  /// Bytes before what the length counts.
  public static let prefixSize = 12

  /// The offset of the first record that it was made with.
  public var baseOffset: Int64
  /// Bytes of the whole batch, the base offset and the length themselves included.
  public var sizeBytes: Int
  /// The epoch of the leader that appended it; -1: not told.
  public var leaderEpoch: Int32
  /// The checksum that it carries; it has been verified.
  public var checksum: UInt32
  /// How its records are compressed.
  public var compression: Compression
  /// Whether the timestamps are those of the append, not of the producer.
  public var isStampedOnAppend: Bool
  /// Whether it belongs to a transaction.
  public var isTransactional: Bool
  /// Whether it holds control records, which no consumer is shown.
  public var isControl: Bool
  /// The last offset that it stands for, less ``baseOffset``.
  public var lastOffsetDelta: Int32
  /// Milliseconds since 1970 that the records' timestamps count from; where ``hasDeleteHorizon``, the time from which its
  /// tombstones and markers may be removed.
  public var baseTimestamp: Int64
  /// The highest timestamp of its records, or the time of the append.
  public var maxTimestamp: Int64
  /// Whether ``baseTimestamp`` is a delete horizon (attribute bit 6, KIP-534).
  public var hasDeleteHorizon: Bool
  /// The idempotent producer's id; -1: none.
  public var producerID: Int64
  /// That producer's epoch; -1: none.
  public var producerEpoch: Int16
  /// The sequence number of its first record; -1: none.
  public var baseSequence: Int32
  /// Its records, in the order of their offsets.
  public var records: [Record]

  /// The last offset that it stands for, with or without a record.
  public var lastOffset: Int64 { baseOffset &+ Int64(lastOffsetDelta) }

  /// One record of a batch.
  public struct Record: Sendable, Hashable {
    /// Its offset in the partition.
    public var offset: Int64
    /// Milliseconds since 1970; by whose clock the batch says. -1: none.
    public var timestamp: Int64
    /// The key. `nil`: null.
    public var key: ArraySlice<UInt8>?
    /// The value. `nil`: null, a tombstone in a compacted topic.
    public var value: ArraySlice<UInt8>?
    /// The headers, in their order; a key may come twice.
    public var headers: [Header]

    /// A record.
    public init(
      offset: Int64, timestamp: Int64, key: ArraySlice<UInt8>?, value: ArraySlice<UInt8>?, headers: [Header] = []
    ) {
      self.offset = offset
      self.timestamp = timestamp
      self.key = key
      self.value = value
      self.headers = headers
    }
  }

  /// One header of a record.
  public struct Header: Sendable, Hashable {
    /// Its name.
    public var key: String
    /// Its value. `nil`: null.
    public var value: ArraySlice<UInt8>?

    /// A header.
    public init(_ key: String, _ value: ArraySlice<UInt8>?) {
      self.key = key
      self.value = value
    }
  }
}

extension RecordBatch {
  /// How many bytes a batch takes that begins with `prefix`, as far as those tell. `nil`: fewer than ``prefixSize``.
  ///
  /// - Throws: ``WireError`` for a length that no batch has, and for a message set of Kafka before 0.11, by its name.
  static func size(from prefix: ArraySlice<UInt8>) throws(WireError) -> Int? {
    guard prefix.count >= prefixSize else { return nil }
    var reader = WireReader(prefix)
    _ = try reader.integer(Int64.self)
    let length = Int(try reader.integer(Int32.self))
    // Magic stands at the same byte in all formats; an old message may be shorter than a batch's header.
    let magicPlace = 16
    guard length > magicPlace - prefixSize else {
      throw WireError(.invalid("a batch of \(length) bytes"), at: 8)
    }
    guard prefix.count > magicPlace else { return prefixSize + length }
    let magic = Int8(bitPattern: prefix[prefix.startIndex + magicPlace])
    guard magic == 2 else {
      throw magic == 0 || magic == 1
        ? WireError(.legacyMessageSet(magic: magic), at: magicPlace)
        : WireError(.unknownVersion(Int(magic)), at: magicPlace)
    }
    guard length >= headerSize - prefixSize else {
      throw WireError(.invalid("a batch of \(length) bytes, less than its header"), at: 8)
    }
    return prefixSize + length
  }

  /// Reads the batch that `bytes` begin with; what follows it is left alone. Its checksum is verified before anything behind it
  /// is believed.
  ///
  /// - Parameter decompress: what unpacks its records; by default every compression is refused by its name.
  /// - Throws: ``WireError``, with places counted from the beginning of the batch (of its unpacked records, where they were
  ///   compressed).
  public init(
    _ bytes: ArraySlice<UInt8>, decompress: Decompressor = refuseCompression
  ) throws(WireError) {
    guard let size = try Self.size(from: bytes), size <= bytes.count, bytes.count >= Self.headerSize else {
      throw WireError(.truncated(wanted: Self.headerSize, left: bytes.count), at: 0)
    }
    let end = bytes.startIndex + size
    var reader = WireReader(bytes[..<end])
    baseOffset = try reader.integer()
    sizeBytes = size
    _ = try reader.integer(Int32.self)
    leaderEpoch = try reader.integer()
    _ = try reader.integer(Int8.self)
    checksum = try reader.integer()
    let computed = CRC32C.of(bytes[reader.position..<end])
    guard computed == checksum else {
      throw WireError(.wrongChecksum(stored: checksum, computed: computed), at: 17)
    }
    let attributes = try reader.integer(UInt16.self)
    guard let compression = Compression(rawValue: UInt8(attributes & 0x7)) else {
      throw WireError(.invalid("compression \(attributes & 0x7)"), at: 21)
    }
    self.compression = compression
    isStampedOnAppend = attributes & 0x8 != 0
    isTransactional = attributes & 0x10 != 0
    isControl = attributes & 0x20 != 0
    hasDeleteHorizon = attributes & 0x40 != 0
    lastOffsetDelta = try reader.integer()
    baseTimestamp = try reader.integer()
    maxTimestamp = try reader.integer()
    producerID = try reader.integer()
    producerEpoch = try reader.integer()
    baseSequence = try reader.integer()
    let count = try reader.integer(Int32.self)
    guard lastOffsetDelta >= 0, baseOffset >= 0,
      !baseOffset.addingReportingOverflow(Int64(lastOffsetDelta) + 1).overflow
    else { throw WireError(.invalid("offsets \(baseOffset) and \(lastOffsetDelta) more"), at: 23) }
    guard count >= 0 else { throw WireError(.negativeLength(Int(count)), at: 57) }
    records = []
    if compression == .none {
      try readRecords(count, &reader)
    } else {
      var plain = WireReader(try decompress(compression, try reader.take(reader.remaining)))
      try readRecords(count, &plain)
    }
  }

  private mutating func readRecords(_ count: Int32, _ reader: inout WireReader) throws(WireError) {
    // The smallest record takes seven bytes: a count that the bytes cannot hold reserves nothing.
    records.reserveCapacity(min(Int(count), reader.remaining / 7))
    for _ in 0..<count { records.append(try readRecord(&reader)) }
    guard reader.remaining == 0 else {
      throw WireError(.invalid("\(reader.remaining) bytes behind the last record"), at: reader.offset)
    }
  }

  private func readRecord(_ reader: inout WireReader) throws(WireError) -> Record {
    var body = WireReader(try reader.take(Int(try reader.varint())))
    let base = reader.offset - body.remaining
    do throws(WireError) {
      _ = try body.integer(Int8.self)
      let timestampDelta = try body.varlong()
      let offsetDelta = try body.varint()
      let key = try body.varintBytes()
      let value = try body.varintBytes()
      let headerCount = try body.varint()
      guard headerCount >= 0 else { throw WireError(.negativeLength(Int(headerCount)), at: body.offset) }
      var headers: [Header] = []
      for _ in 0..<headerCount {
        let place = body.offset
        guard let name = try body.varintBytes() else { throw WireError(.unexpectedNull, at: place) }
        guard let text = String(validating: name, as: UTF8.self) else { throw WireError(.notText, at: place) }
        headers.append(Header(text, try body.varintBytes()))
      }
      guard body.remaining == 0 else {
        throw WireError(.invalid("a record that is \(body.remaining) bytes longer than what it holds"), at: body.offset)
      }
      guard offsetDelta >= 0, offsetDelta <= lastOffsetDelta,
        records.last.map({ $0.offset < baseOffset + Int64(offsetDelta) }) ?? true
      else { throw WireError(.invalid("a record at \(offsetDelta), of a batch of \(lastOffsetDelta) and more"), at: 0) }
      let timestamp = isStampedOnAppend ? maxTimestamp : baseTimestamp &+ timestampDelta
      return Record(
        offset: baseOffset + Int64(offsetDelta), timestamp: timestamp, key: key, value: value, headers: headers)
    } catch {
      throw WireError(error.kind, at: base + error.offset)
    }
  }
}

extension RecordBatch {
  /// The batch as bytes, uncompressed, with its checksum: the counterpart of reading, for tests and fixtures.
  public func encoded() -> [UInt8] {
    var rest = WireWriter()
    var attributes: UInt16 = 0
    if isStampedOnAppend { attributes |= 0x8 }
    if isTransactional { attributes |= 0x10 }
    if isControl { attributes |= 0x20 }
    if hasDeleteHorizon { attributes |= 0x40 }
    rest.integer(attributes)
    rest.integer(lastOffsetDelta)
    rest.integer(baseTimestamp)
    rest.integer(maxTimestamp)
    rest.integer(producerID)
    rest.integer(producerEpoch)
    rest.integer(baseSequence)
    rest.integer(Int32(clamping: records.count))
    for record in records {
      var body = WireWriter()
      body.integer(Int8(0))
      body.varlong(record.timestamp &- baseTimestamp)
      body.varint(Int32(truncatingIfNeeded: record.offset &- baseOffset))
      body.varintBytes(record.key)
      body.varintBytes(record.value)
      body.varint(Int32(clamping: record.headers.count))
      for header in record.headers {
        body.varintBytes(header.key.utf8)
        body.varintBytes(header.value)
      }
      rest.varintBytes(body.bytes)
    }
    var whole = WireWriter()
    whole.integer(baseOffset)
    whole.integer(Int32(clamping: rest.bytes.count + 9))
    whole.integer(leaderEpoch)
    whole.integer(Int8(2))
    whole.integer(CRC32C.of(rest.bytes[...]))
    whole.raw(rest.bytes)
    return whole.bytes
  }
}
