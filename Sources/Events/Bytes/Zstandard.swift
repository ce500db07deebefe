internal import CZstd

/// The one place that calls libzstd. A context belongs to one thread at a time.
final class ZstandardCompressor {
  // Created here, freed in deinit; nothing can fail in between. `nil` only when memory ran out.
  private let context: OpaquePointer

  init() {
    guard let context = ZSTD_createCCtx() else { preconditionFailure("libzstd: no memory for a context") }
    self.context = context
  }

  deinit { ZSTD_freeCCtx(context) }

  /// Compresses `raw` at `level` into one frame at the end of `bytes`.
  func compress(_ raw: [UInt8], level: Int32, to bytes: inout [UInt8]) {
    let (start, bound) = (bytes.count, ZSTD_compressBound(raw.count))
    bytes.append(contentsOf: repeatElement(0, count: bound))
    let written = bytes.withUnsafeMutableBytes { buffer in
      ZSTD_compressCCtx(context, buffer.baseAddress?.advanced(by: start), bound, raw, raw.count, level)
    }
    // With room for the bound, compression has no way to fail but a broken library.
    precondition(ZSTD_isError(written) == 0, "libzstd: \(String(cString: ZSTD_getErrorName(written)))")
    bytes.removeLast(bound - written)
  }
}

/// Decompresses one zstd frame that must yield exactly `count` bytes; else says why not.
func decompressZstandard(_ frame: ArraySlice<UInt8>, count: Int) throws(ByteError) -> [UInt8] {
  var failure: String?
  let raw = frame.withUnsafeBytes { source in
    [UInt8](unsafeUninitializedCapacity: count) { buffer, written in
      let result = ZSTD_decompress(buffer.baseAddress, count, source.baseAddress, source.count)
      if ZSTD_isError(result) != 0 {
        failure = "zstd: \(String(cString: ZSTD_getErrorName(result)))"
        written = 0
      } else {
        written = result
      }
    }
  }
  if let failure { throw ByteError(offset: frame.startIndex, what: failure) }
  guard raw.count == count else {
    throw ByteError(offset: frame.startIndex, what: "a block yields \(raw.count) bytes instead of \(count)")
  }
  return raw
}
