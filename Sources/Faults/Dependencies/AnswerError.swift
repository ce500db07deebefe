/// Why a packet was not understood. It passes as it came.
enum AnswerError: Error, Hashable, CustomStringConvertible {
  /// The bytes end inside this field.
  case truncated(StaticString)
  /// A field says something that cannot be.
  case malformed(StaticString)
  /// It is well-formed and not of the kind that is changed.
  case notMeant(StaticString)

  var description: String {
    switch self {
    case .truncated(let field): "it ends inside \(field)"
    case .malformed(let field): "\(field) is malformed"
    case .notMeant(let what): "it is \(what)"
    }
  }

  /// True for what comes from a server's port and is no answer.
  var isNobodysLoss: Bool { self == .notMeant("a question") }

  static func == (left: AnswerError, right: AnswerError) -> Bool { left.description == right.description }

  func hash(into hasher: inout Hasher) { hasher.combine(description) }
}

/// Numbers in network byte order.
extension RandomAccessCollection where Element == UInt8, Index == Int {
  /// The number at `offset` from the beginning.
  func big<T: FixedWidthInteger>(_ type: T.Type, at offset: Int, _ field: StaticString) throws(AnswerError) -> T {
    guard offset >= 0, offset + T.bitWidth / 8 <= count else { throw .truncated(field) }
    var value: T = 0
    for index in (startIndex + offset)..<(startIndex + offset + T.bitWidth / 8) {
      value = value << 8 | T(truncatingIfNeeded: self[index])
    }
    return value
  }
}

extension [UInt8] {
  mutating func appendBig(_ value: some FixedWidthInteger) {
    for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
      append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  mutating func putBig(_ value: some FixedWidthInteger, at offset: Int) {
    for index in 0..<(value.bitWidth / 8) {
      self[offset + index] = UInt8(truncatingIfNeeded: value >> (value.bitWidth - 8 - 8 * index))
    }
  }
}
