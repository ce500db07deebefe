/// The columns of one block of operations.
///
/// Every field is a column of its own, written as the difference from what the operations before it in the same block
/// let one expect; so most columns are runs of zeros, which zstd then removes. An operation on an event that the block
/// has met before (its observations follow its append) repeats neither key nor checksum.
///
/// A column is `id:u8 length:varint bytes`. A reader leaves out columns that it does not know, so that a later version
/// may add some; each known column must be used up exactly.
enum OperationColumns {
  enum Column: UInt8, CaseIterable {
    case kind = 1
    case flags, process, producer, sequence, key, keySequence, checksum
    case node, region, origin, position, token, group, committed
    case invoked, completed, outcome, wall, uncertainty
  }

  /// Which of the optional fields an operation has; one byte an operation.
  struct Flags: OptionSet {
    var rawValue: UInt8
    static let sameIdentity = Flags(rawValue: 1 << 0)
    static let position = Flags(rawValue: 1 << 1)
    static let token = Flags(rawValue: 1 << 2)
    static let group = Flags(rawValue: 1 << 3)
    static let committed = Flags(rawValue: 1 << 4)
    static let checksum = Flags(rawValue: 1 << 5)
    static let completed = Flags(rawValue: 1 << 6)
    static let wall = Flags(rawValue: 1 << 7)
  }

  static func encode(_ operations: [Operation]) -> [UInt8] {
    var columns = [ByteWriter](repeating: ByteWriter(), count: Column.allCases.count + 1)
    var expect = Expectation()
    for operation in operations { encode(operation, into: &columns, &expect) }
    var whole = ByteWriter()
    for column in Column.allCases {
      let bytes = columns[Int(column.rawValue)].bytes
      whole.bytes.append(column.rawValue)
      whole.varint(UInt64(bytes.count))
      whole.bytes += bytes
    }
    return whole.bytes
  }

  private static func encode(_ op: Operation, into columns: inout [ByteWriter], _ expect: inout Expectation) {
    func put(_ column: Column, _ value: Int64) { columns[Int(column.rawValue)].zigzag(value) }
    func putPlain(_ column: Column, _ value: UInt64) { columns[Int(column.rawValue)].varint(value) }
    let identity = Identity(key: op.key, keySequence: op.keySequence, checksum: op.checksum)
    let same = expect.identities[op.event] == identity
    let flags = flags(of: op, sameIdentity: same)

    columns[Int(Column.kind.rawValue)].bytes.append(op.kind.rawValue)
    columns[Int(Column.flags.rawValue)].bytes.append(flags.rawValue)
    put(.process, expect.process.step(to: Int64(op.process)))
    put(.producer, expect.producer.step(to: Int64(op.event.producer)))
    put(.sequence, expect.sequences[op.event.producer, default: Last()].step(to: Int64(bitPattern: op.event.sequence)))
    if !same {
      put(.key, expect.key.step(to: Int64(op.key)))
      put(.keySequence, expect.keySequences[op.key, default: Last()].step(to: Int64(bitPattern: op.keySequence)))
      if let checksum = op.checksum { columns[Int(Column.checksum.rawValue)].fixed(checksum) }
      expect.identities[op.event] = identity
    }
    putPlain(.node, UInt64(op.node.rawValue))
    putPlain(.region, UInt64(op.region.rawValue))
    putPlain(.origin, op.origin.map { UInt64($0.rawValue) + 1 } ?? 0)
    if let position = op.position { put(.position, expect.positions[op.node, default: Last()].step(to: position)) }
    if let token = op.token { put(.token, expect.token.step(to: token)) }
    if let group = op.group { putPlain(.group, UInt64(group.rawValue)) }
    if let committed = op.committed {
      let commits = Expectation.Commits(group: op.group, node: op.node)
      put(.committed, expect.committed[commits, default: Last()].step(to: committed))
    }
    put(.invoked, expect.invoked.step(to: op.invoked))
    if let completed = op.completed { put(.completed, completed &- op.invoked) }
    switch op.outcome {
    case .ok: putPlain(.outcome, 0)
    case .fail(let code): putPlain(.outcome, UInt64(code.rawValue) << 2 | 1)
    case .unknown(let code): putPlain(.outcome, UInt64(code.rawValue) << 2 | 2)
    }
    if let wall = op.wall {
      put(.wall, expect.wallOffset.step(to: wall &- op.invoked))
      // 0 stands for "not known", so that the column needs no flag of its own.
      put(.uncertainty, op.wallUncertainty.map { $0 == 0 ? 1 : $0 > 0 ? $0 &+ 1 : $0 } ?? 0)
    }
  }

  private static func flags(of op: Operation, sameIdentity: Bool) -> Flags {
    var flags: Flags = sameIdentity ? .sameIdentity : []
    if op.position != nil { flags.insert(.position) }
    if op.token != nil { flags.insert(.token) }
    if op.group != nil { flags.insert(.group) }
    if op.committed != nil { flags.insert(.committed) }
    if op.checksum != nil { flags.insert(.checksum) }
    if op.completed != nil { flags.insert(.completed) }
    if op.wall != nil { flags.insert(.wall) }
    return flags
  }

  static func decode(_ raw: [UInt8], count: Int) throws(ByteError) -> [Operation] {
    var columns = try Columns(raw)
    var expect = Expectation()
    var operations: [Operation] = []
    operations.reserveCapacity(count)
    for _ in 0..<count { operations.append(try decodeOne(&columns, &expect)) }
    try columns.requireAllUsed()
    return operations
  }

  private static func decodeOne(_ columns: inout Columns, _ expect: inout Expectation) throws(ByteError) -> Operation {
    let kindNumber = try columns[.kind].byte()
    guard let kind = OperationKind(rawValue: kindNumber) else {
      throw ByteError(offset: 0, what: "an operation of unknown kind \(kindNumber)")
    }
    let flags = Flags(rawValue: try columns[.flags].byte())
    let process: UInt32 = try expect.process.next(&columns[.process], "a process")
    let producer: UInt32 = try expect.producer.next(&columns[.producer], "a producer")
    let sequence = UInt64(
      bitPattern: try expect.sequences[producer, default: Last()].step(by: columns[.sequence].zigzag()))
    let event = EventID(producer: producer, sequence: sequence)

    var identity: Identity
    if flags.contains(.sameIdentity) {
      guard let known = expect.identities[event] else {
        throw ByteError(offset: 0, what: "operation on \(event) refers to an earlier one that is not there")
      }
      identity = known
    } else {
      let key: UInt32 = try expect.key.next(&columns[.key], "a key")
      let step = try columns[.keySequence].zigzag()
      identity = Identity(
        key: key, keySequence: UInt64(bitPattern: expect.keySequences[key, default: Last()].step(by: step)),
        checksum: nil)
      if flags.contains(.checksum) { identity.checksum = try columns[.checksum].fixed() }
      expect.identities[event] = identity
    }
    let node = NodeIndex(rawValue: try columns[.node].number(UInt16.self, "a node"))
    let region = NodeIndex(rawValue: try columns[.region].number(UInt16.self, "a region"))
    let originPlusOne: UInt32 = try columns[.origin].number(UInt32.self, "an origin")
    guard originPlusOne <= UInt32(UInt16.max) + 1 else {
      throw ByteError(offset: 0, what: "an origin \(originPlusOne) is out of range")
    }
    var op = Operation(
      kind, process: process, event: event, key: identity.key, keySequence: identity.keySequence, node: node,
      region: region, origin: originPlusOne == 0 ? nil : NodeIndex(rawValue: UInt16(originPlusOne - 1)),
      checksum: identity.checksum)
    if flags.contains(.position) {
      op.position = expect.positions[node, default: Last()].step(by: try columns[.position].zigzag())
    }
    if flags.contains(.token) { op.token = expect.token.step(by: try columns[.token].zigzag()) }
    if flags.contains(.group) { op.group = GroupIndex(rawValue: try columns[.group].number(UInt16.self, "a group")) }
    if flags.contains(.committed) {
      let commits = Expectation.Commits(group: op.group, node: node)
      op.committed = expect.committed[commits, default: Last()].step(by: try columns[.committed].zigzag())
    }
    op.invoked = expect.invoked.step(by: try columns[.invoked].zigzag())
    if flags.contains(.completed) { op.completed = op.invoked &+ (try columns[.completed].zigzag()) }
    op.outcome = try outcome(columns[.outcome].varint())
    if flags.contains(.wall) {
      op.wall = op.invoked &+ expect.wallOffset.step(by: try columns[.wall].zigzag())
      let stored = try columns[.uncertainty].zigzag()
      op.wallUncertainty = stored == 0 ? nil : stored > 0 ? stored - 1 : stored
    }
    return op
  }

  private static func outcome(_ raw: UInt64) throws(ByteError) -> Outcome {
    guard let code = UInt16(exactly: raw >> 2) else { throw ByteError(offset: 0, what: "an outcome \(raw)") }
    switch raw & 3 {
    case 0 where code == 0: return .ok
    case 1: return .fail(OutcomeCode(rawValue: code))
    case 2: return .unknown(OutcomeCode(rawValue: code))
    default: throw ByteError(offset: 0, what: "an outcome \(raw)")
    }
  }
}

/// What belongs to an event wherever it is met.
private struct Identity: Equatable {
  var key: UInt32
  var keySequence: UInt64
  var checksum: UInt64?
}

/// The last value of a column, from which the next is a small step. Steps wrap around, so that every value has one.
private struct Last {
  var value: Int64 = 0

  mutating func step(to next: Int64) -> Int64 {
    defer { value = next }
    return next &- value
  }

  mutating func step(by step: Int64) -> Int64 {
    value = value &+ step
    return value
  }

  mutating func next(_ column: inout ByteReader, _ field: String) throws(ByteError) -> UInt32 {
    let next = step(by: try column.zigzag())
    guard let number = UInt32(exactly: next) else {
      throw ByteError(offset: column.offset, what: "\(field) \(next) is out of range")
    }
    return number
  }
}

/// What the operations of a block so far let one expect of the next; writer and reader keep the same.
private struct Expectation {
  struct Commits: Hashable {
    var group: GroupIndex?
    var node: NodeIndex
  }
  var process = Last()
  var producer = Last()
  var sequences: [UInt32: Last] = [:]
  var key = Last()
  var keySequences: [UInt32: Last] = [:]
  var identities: [EventID: Identity] = [:]
  var positions: [NodeIndex: Last] = [:]
  var token = Last()
  var committed: [Commits: Last] = [:]
  var invoked = Last()
  var wallOffset = Last()
}

/// The readers of one block's columns; a column that is not there reads as empty.
private struct Columns {
  private var readers: [ByteReader]

  init(_ raw: [UInt8]) throws(ByteError) {
    readers = [ByteReader](repeating: ByteReader([]), count: OperationColumns.Column.allCases.count + 1)
    var whole = ByteReader(raw[...])
    var seen = Set<UInt8>()
    while !whole.isAtEnd {
      let id = try whole.byte()
      let bytes = try whole.slice(try whole.number(Int.self, "a column's length"))
      guard seen.insert(id).inserted else { throw ByteError(offset: whole.offset, what: "column \(id) comes twice") }
      if OperationColumns.Column(rawValue: id) != nil { readers[Int(id)] = ByteReader(bytes) }
    }
  }

  subscript(column: OperationColumns.Column) -> ByteReader {
    get { readers[Int(column.rawValue)] }
    _modify { yield &readers[Int(column.rawValue)] }
  }

  func requireAllUsed() throws(ByteError) {
    for column in OperationColumns.Column.allCases where !self[column].isAtEnd {
      throw ByteError(offset: self[column].offset, what: "column \(column) holds more than the block's operations")
    }
  }
}
