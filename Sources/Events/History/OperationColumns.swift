/// The columns of one block of operations.
///
/// Every field is a column of its own. An operation writes only the fields that differ from what the operations before it in
/// the same block let one expect (``OperationContext``), and a mask that says which; so a log that is written and then read
/// in order costs its times, its checksums and little else. zstd removes what is left of regularity.
enum OperationColumns {
  private static let known = OperationField.Every.all + OperationField.allCases.map(\.column)

  /// Writes blocks one after the other; its memory serves them all.
  struct Encoder {
    private var coder = OperationEncoder()
    private var context = OperationContext()
    /// The block that was written last.
    private(set) var block = ByteWriter()

    mutating func encode(_ operations: ArraySlice<Operation>) {
      coder.reset()
      context.reset()
      for place in operations.indices {
        var op = operations[place]
        transfer(&op, &coder, context, operations)
        coder.end()
        context.note(op, at: place)
      }
      coder.finish(&block)
    }
  }

  static func encode(_ operations: ArraySlice<Operation>) -> [UInt8] {
    var encoder = Encoder()
    encoder.encode(operations)
    return encoder.block.bytes
  }

  static func decode(_ raw: [UInt8], count: Int) throws(ByteError) -> [Operation] {
    var decoder = OperationDecoder(try ColumnReaders(raw, known: known))
    var context = OperationContext()
    var operations: [Operation] = []
    operations.reserveCapacity(count)
    for place in 0..<count {
      var op = OperationContext.blank
      try decoder.begin()
      try transfer(&op, &decoder, context, operations)
      context.note(op, at: place)
      operations.append(op)
    }
    try decoder.requireAllUsed()
    return operations
  }
}

/// Writes operations into columns.
private struct OperationEncoder: OperationCoder {
  private var columns: [ByteWriter]
  private var mask: UInt32 = 0
  private var present: UInt32 = 0
  private var lastProcess: Int64 = 0

  init() { columns = [ByteWriter](repeating: ByteWriter(), count: 64) }

  mutating func reset() {
    for column in columns.indices { columns[column].bytes.removeAll(keepingCapacity: true) }
    lastProcess = 0
  }

  mutating func end() {
    columns[Int(OperationField.Every.mask)].varint(UInt64(mask))
    mask = 0
  }

  func finish(_ block: inout ByteWriter) {
    block.bytes.removeAll(keepingCapacity: true)
    for (id, column) in columns.enumerated() where !column.bytes.isEmpty {
      block.bytes.append(UInt8(id))
      block.varint(UInt64(column.bytes.count))
      block.bytes += column.bytes
    }
  }

  mutating func identity(_ op: inout Operation) {
    columns[Int(OperationField.Every.kind)].bytes.append(op.kind.rawValue)
    columns[Int(OperationField.Every.process)].zigzag(Int64(op.process) - lastProcess)
    lastProcess = Int64(op.process)
  }

  mutating func presence(_ present: inout UInt32, _ expected: UInt32) {
    self.present = present
    guard present != expected else { return }
    mask |= OperationField.presence.bit
    columns[Int(OperationField.presence.column)].varint(UInt64(present))
  }

  func has(_ field: OperationField) -> Bool { present & field.bit != 0 }

  @inline(__always)
  mutating func number<T: FixedWidthInteger>(_ value: inout T, _ expected: T, _ field: OperationField) {
    guard value != expected else { return }
    mask |= field.bit
    columns[Int(field.column)].zigzag(Int64(truncatingIfNeeded: value) &- Int64(truncatingIfNeeded: expected))
  }

  @inline(__always)
  mutating func bits(_ value: inout UInt64, _ expected: UInt64, _ field: OperationField) {
    guard value != expected else { return }
    mask |= field.bit
    columns[Int(field.column)].fixed(UInt32(truncatingIfNeeded: value))
    columns[Int(OperationField.Every.upper)].fixed(UInt32(truncatingIfNeeded: value >> 32))
  }

  mutating func outcome(_ value: inout Outcome, _ expected: Outcome) {
    guard value != expected else { return }
    mask |= OperationField.outcome.bit
    let number: UInt64 =
      switch value {
      case .ok: 0
      case .fail(let code): UInt64(code.rawValue) << 2 | 1
      case .unknown(let code): UInt64(code.rawValue) << 2 | 2
      }
    columns[Int(OperationField.outcome.column)].varint(number)
  }

  @inline(__always)
  mutating func time(_ value: inout Int64, from base: Int64, _ column: UInt8) {
    columns[Int(column)].zigzag(value &- base)
  }
}

/// Reads operations from columns.
private struct OperationDecoder: OperationCoder {
  private var columns: ColumnReaders
  private var mask: UInt32 = 0
  private var present: UInt32 = 0
  private var lastProcess: Int64 = 0

  init(_ columns: ColumnReaders) { self.columns = columns }

  mutating func begin() throws(ByteError) {
    let column = OperationField.Every.mask
    mask = try columns[column].number(UInt32.self, "a mask")
    guard mask >> UInt32(OperationField.allCases.count) == 0 else {
      throw ByteError(offset: columns[column].offset, what: "an operation has a field of unknown number")
    }
  }

  func requireAllUsed() throws(ByteError) { try columns.requireAllUsed() }

  mutating func identity(_ op: inout Operation) throws(ByteError) {
    let number = try columns[OperationField.Every.kind].byte()
    guard let kind = OperationKind(rawValue: number) else {
      throw ByteError(offset: columns[OperationField.Every.kind].offset, what: "an operation of unknown kind \(number)")
    }
    op.kind = kind
    lastProcess &+= try columns[OperationField.Every.process].zigzag()
    guard let process = UInt32(exactly: lastProcess) else {
      throw ByteError(
        offset: columns[OperationField.Every.process].offset, what: "a process \(lastProcess) is out of range")
    }
    op.process = process
  }

  mutating func presence(_ present: inout UInt32, _ expected: UInt32) throws(ByteError) {
    defer { self.present = present }
    guard mask & OperationField.presence.bit != 0 else {
      present = expected
      return
    }
    present = try columns[OperationField.presence.column].number(UInt32.self, "the fields there are")
    guard present >> UInt32(OperationField.allCases.count) == 0 else {
      throw ByteError(
        offset: columns[OperationField.presence.column].offset, what: "an operation has a field of unknown number")
    }
  }

  func has(_ field: OperationField) -> Bool { present & field.bit != 0 }

  @inline(__always)
  mutating func number<T: FixedWidthInteger>(
    _ value: inout T, _ expected: T, _ field: OperationField
  ) throws(ByteError) {
    guard mask & field.bit != 0 else {
      value = expected
      return
    }
    let sum = Int64(truncatingIfNeeded: expected) &+ (try columns[field.column].zigzag())
    value = T(truncatingIfNeeded: sum)
    guard Int64(truncatingIfNeeded: value) == sum else {
      throw ByteError(offset: columns[field.column].offset, what: "a \(field) \(sum) is out of range")
    }
  }

  @inline(__always)
  mutating func bits(_ value: inout UInt64, _ expected: UInt64, _ field: OperationField) throws(ByteError) {
    guard mask & field.bit != 0 else {
      value = expected
      return
    }
    let lower: UInt32 = try columns[field.column].fixed()
    let upper: UInt32 = try columns[OperationField.Every.upper].fixed()
    value = UInt64(upper) << 32 | UInt64(lower)
  }

  mutating func outcome(_ value: inout Outcome, _ expected: Outcome) throws(ByteError) {
    guard mask & OperationField.outcome.bit != 0 else {
      value = expected
      return
    }
    let number = try columns[OperationField.outcome.column].varint()
    value = try Outcome(number: number, at: columns[OperationField.outcome.column].offset)
  }

  @inline(__always)
  mutating func time(_ value: inout Int64, from base: Int64, _ column: UInt8) throws(ByteError) {
    value = base &+ (try columns[column].zigzag())
  }
}

extension Outcome {
  /// The outcome that stands in a file as `number`.
  init(number: UInt64, at offset: Int) throws(ByteError) {
    guard let code = UInt16(exactly: number >> 2) else {
      throw ByteError(offset: offset, what: "an outcome \(number)")
    }
    switch number & 3 {
    case 0 where code == 0: self = .ok
    case 1: self = .fail(OutcomeCode(rawValue: code))
    case 2: self = .unknown(OutcomeCode(rawValue: code))
    default: throw ByteError(offset: offset, what: "an outcome \(number)")
    }
  }
}
