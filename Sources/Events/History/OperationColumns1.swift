/// The columns of one block of operations in format 1, which is read and no longer written.
///
/// Every field is a column of its own, a number for every operation: the difference from what the operations before it in
/// the same block let one expect. An operation on an event that the block has met before (its observations follow its
/// append) repeats neither key nor checksum. Framing is that of ``OperationColumns``.
enum OperationColumns1 {
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

  static func decode(_ raw: [UInt8], count: Int) throws(ByteError) -> [Operation] {
    var columns = try ColumnReaders(raw, known: Column.allCases.map(\.rawValue))
    var expect = Expectation()
    var operations: [Operation] = []
    operations.reserveCapacity(count)
    for _ in 0..<count { operations.append(try decodeOne(&columns, &expect)) }
    try columns.requireAllUsed()
    return operations
  }

  private static func decodeOne(_ columns: inout ColumnReaders, _ expect: inout Expectation) throws(ByteError)
    -> Operation
  {
    let kindNumber = try columns[Column.kind.rawValue].byte()
    guard let kind = OperationKind(rawValue: kindNumber) else {
      throw ByteError(offset: 0, what: "an operation of unknown kind \(kindNumber)")
    }
    let flags = Flags(rawValue: try columns[Column.flags.rawValue].byte())
    let process: UInt32 = try expect.process.next(&columns[Column.process.rawValue], "a process")
    let producer: UInt32 = try expect.producer.next(&columns[Column.producer.rawValue], "a producer")
    let sequence = UInt64(
      bitPattern: try expect.sequences[producer, default: Last()].step(by: columns[Column.sequence.rawValue].zigzag()))
    let event = EventID(producer: producer, sequence: sequence)

    var identity: Identity
    if flags.contains(.sameIdentity) {
      guard let known = expect.identities[event] else {
        throw ByteError(offset: 0, what: "operation on \(event) refers to an earlier one that is not there")
      }
      identity = known
    } else {
      let key: UInt32 = try expect.key.next(&columns[Column.key.rawValue], "a key")
      let step = try columns[Column.keySequence.rawValue].zigzag()
      identity = Identity(
        key: key, keySequence: UInt64(bitPattern: expect.keySequences[key, default: Last()].step(by: step)),
        checksum: nil)
      if flags.contains(.checksum) { identity.checksum = try columns[Column.checksum.rawValue].fixed() }
      expect.identities[event] = identity
    }
    let node = NodeIndex(rawValue: try columns[Column.node.rawValue].number(UInt16.self, "a node"))
    let region = NodeIndex(rawValue: try columns[Column.region.rawValue].number(UInt16.self, "a region"))
    let originPlusOne: UInt32 = try columns[Column.origin.rawValue].number(UInt32.self, "an origin")
    guard originPlusOne <= UInt32(UInt16.max) + 1 else {
      throw ByteError(offset: 0, what: "an origin \(originPlusOne) is out of range")
    }
    var op = Operation(
      kind, process: process, event: event, key: identity.key, keySequence: identity.keySequence, node: node,
      region: region, origin: originPlusOne == 0 ? nil : NodeIndex(rawValue: UInt16(originPlusOne - 1)),
      checksum: identity.checksum)
    if flags.contains(.position) {
      op.position = expect.positions[node, default: Last()].step(by: try columns[Column.position.rawValue].zigzag())
    }
    if flags.contains(.token) { op.token = expect.token.step(by: try columns[Column.token.rawValue].zigzag()) }
    if flags.contains(.group) {
      op.group = GroupIndex(rawValue: try columns[Column.group.rawValue].number(UInt16.self, "a group"))
    }
    if flags.contains(.committed) {
      let commits = Expectation.Commits(group: op.group, node: node)
      op.committed = expect.committed[commits, default: Last()].step(
        by: try columns[Column.committed.rawValue].zigzag())
    }
    op.invoked = expect.invoked.step(by: try columns[Column.invoked.rawValue].zigzag())
    if flags.contains(.completed) { op.completed = op.invoked &+ (try columns[Column.completed.rawValue].zigzag()) }
    op.outcome = try Outcome(
      number: try columns[Column.outcome.rawValue].varint(), at: columns[Column.outcome.rawValue].offset)
    if flags.contains(.wall) {
      op.wall = op.invoked &+ expect.wallOffset.step(by: try columns[Column.wall.rawValue].zigzag())
      let stored = try columns[Column.uncertainty.rawValue].zigzag()
      op.wallUncertainty = stored == 0 ? nil : stored > 0 ? stored - 1 : stored
    }
    return op
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

/// What the operations of a block so far let one expect of the next; as the writer did.
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
