/// How the records of a batch are compressed: the lowest three bits of its attributes.
public enum Compression: UInt8, Sendable, Hashable, CaseIterable {
  case none = 0
  case gzip = 1
  case snappy = 2
  case lz4 = 3
  case zstd = 4

  /// The name that `compression.type` has for it.
  public var name: String {
    switch self {
    case .none: "none"
    case .gzip: "gzip"
    case .snappy: "snappy"
    case .lz4: "lz4"
    case .zstd: "zstd"
    }
  }
}

/// Turns compressed records into plain ones. Which kinds are known is up to who passes it in; what it does not know it refuses.
public typealias Decompressor = @Sendable (Compression, ArraySlice<UInt8>) throws(WireError) -> [UInt8]

/// Refuses every compression by its name.
public func refuseCompression(_ kind: Compression, _ bytes: ArraySlice<UInt8>) throws(WireError) -> [UInt8] {
  throw WireError(.unsupportedCompression(kind), at: RecordBatch.headerSize)
}
