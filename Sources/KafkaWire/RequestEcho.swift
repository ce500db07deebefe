/// Reads a request and writes the response that refuses it, side by side.
struct RequestEcho: Sendable {
  var input: WireReader
  let version: Int16
  private let isFlexible: Bool
  private let code: Int16
  private let message: String?
  private var output: [UInt8] = []

  /// Beyond this the response carries no more texts.
  private static let mostBytesWithText = 1 << 20

  init(_ input: WireReader, version: Int16, isFlexible: Bool, code: Int16, message: String?) {
    self.input = input
    self.version = version
    self.isFlexible = isFlexible
    self.code = code
    self.message = message
  }

  /// The response, with its size at the front.
  consuming func finish() -> [UInt8] {
    let size = UInt32(output.count - 4)
    for (index, shift) in [24, 16, 8, 0].enumerated() { output[index] = UInt8(truncatingIfNeeded: size >> shift) }
    return output
  }

  // MARK: writing

  mutating func put(_ value: some FixedWidthInteger) {
    for shift in stride(from: value.bitWidth - 8, through: 0, by: -8) {
      output.append(UInt8(truncatingIfNeeded: value >> shift))
    }
  }

  /// An empty set of tagged fields where the version has them.
  mutating func endWriting() { if isFlexible { output.append(0) } }

  mutating func putError() { put(code) }

  mutating func putMessage() {
    guard let message, output.count < Self.mostBytesWithText else { return putNullString() }
    putString(Array(message.utf8.prefix(Int(Int16.max)))[...])
  }

  mutating func putString(_ text: String) { putString(Array(text.utf8)[...]) }

  mutating func putCount(_ count: Int) { isFlexible ? putVarint(UInt32(count) + 1) : put(Int32(count)) }

  mutating func putZeroUUID() { output += [UInt8](repeating: 0, count: 16) }

  mutating func putEmptyBytes() { isFlexible ? output.append(1) : put(Int32(0)) }

  mutating func putNullString() { isFlexible ? output.append(0) : put(Int16(-1)) }

  private mutating func putString(_ bytes: ArraySlice<UInt8>) {
    isFlexible ? putVarint(UInt32(bytes.count) + 1) : put(Int16(bytes.count))
    output += bytes
  }

  private mutating func putVarint(_ value: UInt32) {
    var rest = value
    while rest >= 0x80 {
      output.append(UInt8(truncatingIfNeeded: rest) | 0x80)
      rest >>= 7
    }
    output.append(UInt8(rest))
  }

  // MARK: reading

  mutating func endReading() throws(WireError) { if isFlexible { try input.skipTags() } }

  mutating func skip(_ count: Int) throws(WireError) { _ = try input.take(count) }

  mutating func skipString() throws(WireError) { _ = try nullableString() }

  mutating func skipBytes() throws(WireError) {
    let begun = input.offset
    let length = isFlexible ? Int(try input.unsignedVarint()) - 1 : Int(try input.integer(Int32.self))
    guard length >= 0 else { throw WireError(.unexpectedNull, at: begun) }
    try skip(length)
  }

  mutating func string() throws(WireError) -> ArraySlice<UInt8> {
    let begun = input.offset
    guard let text = try nullableString() else { throw WireError(.unexpectedNull, at: begun) }
    return text
  }

  private mutating func nullableString() throws(WireError) -> ArraySlice<UInt8>? {
    let begun = input.offset
    let length = isFlexible ? Int(try input.unsignedVarint()) - 1 : Int(try input.integer(Int16.self))
    if length == -1 { return nil }
    guard length <= Int(Int16.max) else { throw WireError(.invalid("a text of \(length) bytes"), at: begun) }
    return try input.take(length)
  }

  /// How many elements follow; `nil` for null.
  private mutating func count() throws(WireError) -> Int? {
    let begun = input.offset
    let count = isFlexible ? Int(try input.unsignedVarint()) - 1 : Int(try input.integer(Int32.self))
    if count == -1 { return nil }
    guard count >= 0 else { throw WireError(.negativeLength(count), at: begun) }
    // No element is shorter than a byte, so more of them than bytes is nonsense that would only cost time.
    guard count <= input.remaining else { throw WireError(.truncated(wanted: count, left: input.remaining), at: begun) }
    return count
  }

  // MARK: both

  mutating func copy(_ count: Int) throws(WireError) { output += try input.take(count) }

  mutating func copyString() throws(WireError) { putString(try string()) }

  mutating func copyNullableString() throws(WireError) {
    if let text = try nullableString() { putString(text) } else { putNullString() }
  }

  /// A list of results, each of which begins with a name.
  mutating func putNames(
    _ names: [ArraySlice<UInt8>], _ each: (inout RequestEcho, ArraySlice<UInt8>) -> Void
  ) {
    putCount(names.count)
    for name in names {
      putString(name)
      each(&self, name)
      endWriting()
    }
  }

  /// An array of INT32, each answered by itself and the error.
  mutating func partitions() throws(WireError) {
    try eachValueAnswered { (echo) throws(WireError) in
      try echo.copy(4)
      echo.putError()
    }
  }

  /// An array of structures, answered by one result for each. `null` counts as empty.
  mutating func eachAnswered(_ element: (inout RequestEcho) throws(WireError) -> Void) throws(WireError) {
    let count = try count() ?? 0
    putCount(count)
    for _ in 0..<count {
      try element(&self)
      try endReading()
      endWriting()
    }
  }

  /// An array of values that are no structures, each answered by a structure.
  mutating func eachValueAnswered(_ element: (inout RequestEcho) throws(WireError) -> Void) throws(WireError) {
    let count = try count() ?? 0
    putCount(count)
    for _ in 0..<count {
      try element(&self)
      endWriting()
    }
  }

  /// An array of structures that the response does not mirror one to one.
  mutating func eachRead(_ element: (inout RequestEcho) throws(WireError) -> Void) throws(WireError) {
    for _ in 0..<(try count() ?? 0) {
      try element(&self)
      try endReading()
    }
  }

  /// An array of values of one width.
  mutating func skipValues(bytesEach: Int) throws(WireError) { try skip((try count() ?? 0) * bytesEach) }

  /// An array of INT32.
  mutating func integers() throws(WireError) -> [Int32] {
    var values: [Int32] = []
    for _ in 0..<(try count() ?? 0) { values.append(try input.integer()) }
    return values
  }
}
