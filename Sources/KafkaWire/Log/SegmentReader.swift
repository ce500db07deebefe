/// Reads the batches of a partition's log out of its segment files, front to back, as `kafka-dump-log` does: without a broker.
///
/// Bytes are handed in as they come; a batch is given out as soon as all of it is there. Pure: who reads the files is not known
/// here.
public struct SegmentReader: Sendable {
  /// What a segment ended with.
  public enum End: Sendable, Hashable {
    /// A whole batch.
    case clean
    /// The beginning of a batch: the broker was writing, or died while it wrote.
    case cut(bytesLeft: Int)
    /// Zeros, as a segment has that was given its size in advance.
    case zeros(bytesLeft: Int)
  }

  /// A batch longer than this is taken for damage: `max.message.bytes` allows no more than an INT32, and brokers 1 MiB by default.
  public static let largestBatch = 1 << 30

  private let decompress: Decompressor
  private var kept: [UInt8] = []
  private var start = 0
  /// The byte of the segment at which the next batch begins.
  public private(set) var offset: Int64 = 0

  /// Starts a segment.
  ///
  /// - Parameter decompress: what unpacks records; by default every compression is refused by its name.
  public init(decompress: @escaping Decompressor = refuseCompression) { self.decompress = decompress }

  /// Takes in the next bytes of the segment.
  public mutating func append(_ bytes: some Collection<UInt8>) {
    if start > 0 {
      kept.removeFirst(start)
      start = 0
    }
    kept += bytes
  }

  private var rest: ArraySlice<UInt8> { kept[start...] }

  /// The next batch. `nil`: more bytes are needed; after the last, ask ``end()``.
  ///
  /// - Throws: ``WireError`` with a place counted from the beginning of the batch, which begins at ``offset``. The batch is not
  ///   stepped over: damage ends a segment.
  public mutating func next() throws(WireError) -> RecordBatch? {
    let rest = rest
    if rest.prefix(RecordBatch.headerSize).allSatisfy({ $0 == 0 }) { return nil }
    guard let size = try RecordBatch.size(from: rest) else { return nil }
    guard size <= Self.largestBatch else { throw WireError(.invalid("a batch of \(size) bytes"), at: 8) }
    guard size <= rest.count else { return nil }
    let batch = try RecordBatch(rest, decompress: decompress)
    start += size
    offset += Int64(size)
    return batch
  }

  /// What is left when there is no further batch and no further byte.
  public func end() -> End {
    if rest.isEmpty { return .clean }
    return rest.allSatisfy { $0 == 0 } ? .zeros(bytesLeft: rest.count) : .cut(bytesLeft: rest.count)
  }
}

/// All batches of a segment that is at hand as a whole, and what it ended with.
///
/// - Throws: ``WireError`` with a place counted from the beginning of the segment.
public func readSegment(
  _ bytes: [UInt8], decompress: @escaping Decompressor = refuseCompression
) throws(WireError) -> (batches: [RecordBatch], end: SegmentReader.End) {
  var reader = SegmentReader(decompress: decompress)
  reader.append(bytes)
  var batches: [RecordBatch] = []
  do {
    while let batch = try reader.next() { batches.append(batch) }
  } catch {
    throw WireError(error.kind, at: Int(reader.offset) + error.offset)
  }
  return (batches, reader.end())
}
