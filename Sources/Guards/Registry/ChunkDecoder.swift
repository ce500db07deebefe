/// Takes a chunked body apart (RFC 9112, 7.1), as strictly as ``HTTPFields``: CR LF only, hexadecimal sizes of at most eight
/// digits, extensions and trailers passed over up to a limit. A value without I/O.
struct ChunkDecoder: Sendable {
  private enum State: Sendable, Equatable {
    case size(digits: Int, value: Int)
    case sizeExtension
    case sizeEnd(value: Int)
    case data(left: Int)
    case dataReturn
    case dataEnd
    case trailerStart
    case trailer
    case trailerEnd
    case lastEnd
    case done
  }

  private var state = State.size(digits: 0, value: 0)
  private var size = 0
  private var passedOver = 0

  private static let mostPassedOver = 8192

  var isDone: Bool { state == .done }

  /// Takes bytes in.
  ///
  /// - Returns: what of them is the body's own, and how many were used; fewer than all only behind the end.
  mutating func take(_ bytes: ArraySlice<UInt8>) throws(HTTPDefect) -> (data: [UInt8], used: Int) {
    var data: [UInt8] = []
    var index = bytes.startIndex
    while index < bytes.endIndex && state != .done {
      let byte = bytes[index]
      switch state {
      case .data(let left):
        let count = min(left, bytes.endIndex - index)
        data += bytes[index..<index + count]
        index += count
        state = count == left ? .dataReturn : .data(left: left - count)
        continue
      case .size(let digits, let value):
        if let digit = hexDigit(byte) {
          guard digits < 8 else { throw HTTPDefect(400, "a chunk of more than 4 GiB") }
          state = .size(digits: digits + 1, value: value << 4 | digit)
        } else {
          guard digits > 0 else { throw HTTPDefect(400, "a chunk without size") }
          size = value
          try afterSize(byte)
        }
      case .sizeExtension: try afterSize(byte)
      case .sizeEnd(let value):
        guard byte == 0x0a else { throw HTTPDefect(400, "a chunk's size without a line's end") }
        state = value == 0 ? .trailerStart : .data(left: value)
      case .dataReturn:
        guard byte == 0x0d else { throw HTTPDefect(400, "a chunk longer than its size") }
        state = .dataEnd
      case .dataEnd:
        guard byte == 0x0a else { throw HTTPDefect(400, "a chunk longer than its size") }
        state = .size(digits: 0, value: 0)
      case .trailerStart: state = byte == 0x0d ? .lastEnd : .trailer
      case .trailer:
        try passOver(byte)
        if byte == 0x0d { state = .trailerEnd }
      case .trailerEnd:
        guard byte == 0x0a else { throw HTTPDefect(400, "a bare carriage return in a trailer") }
        state = .trailerStart
      case .lastEnd:
        guard byte == 0x0a else { throw HTTPDefect(400, "a chunked body without a proper end") }
        state = .done
      case .done: break
      }
      index += 1
    }
    return (data, index - bytes.startIndex)
  }

  private mutating func afterSize(_ byte: UInt8) throws(HTTPDefect) {
    if byte == 0x0d {
      state = .sizeEnd(value: size)
    } else {
      guard state == .sizeExtension || byte == UInt8(ascii: ";") else {
        throw HTTPDefect(400, "a chunk without a proper size")
      }
      try passOver(byte)
      state = .sizeExtension
    }
  }

  private mutating func passOver(_ byte: UInt8) throws(HTTPDefect) {
    guard byte != 0x0a, byte != 0 else { throw HTTPDefect(400, "a bare line feed in a chunked body") }
    passedOver += 1
    guard passedOver <= Self.mostPassedOver else { throw HTTPDefect(400, "too much beside the data of a chunked body") }
  }

  private func hexDigit(_ byte: UInt8) -> Int? {
    switch byte {
    case 0x30...0x39: Int(byte) - 0x30
    case 0x41...0x46: Int(byte) - 0x37
    case 0x61...0x66: Int(byte) - 0x57
    default: nil
    }
  }
}
