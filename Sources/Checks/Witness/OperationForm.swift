internal import Events

/// An operation as JSON, field by field; what an operation has not is not there.
struct OperationForm: Codable {
  private var kind: OperationKind
  private var process: UInt32
  private var event: EventID?
  private var key: UInt32
  private var keySequence: UInt64
  private var node: NodeIndex
  private var region: NodeIndex
  private var invoked: Int64
  private var outcome: Outcome
  private var origin: NodeIndex?
  private var position: Int64?
  private var token: Int64?
  private var group: GroupIndex?
  private var committed: Int64?
  private var checksum: UInt64?
  private var completed: Int64?
  private var wall: Int64?
  private var wallUncertainty: Int64?
  private var partition: PartitionIndex?
  private var call: UInt64?
  private var transaction: UInt64?
  private var incarnation: UInt32?
  private var member: MemberIndex?
  private var generation: Int32?
  private var leaderEpoch: Int32?
  private var producerEpoch: Int32?
  private var lease: Int64?
  private var ttl: Int64?
  private var leaseEnd: Int64?
  private var value: Int64?
  private var expected: Int64?
  private var keyHash: UInt64?
  private var keyClass: KeyClassIndex?

  init(_ operation: Operation) {
    kind = operation.kind
    process = operation.process
    event = operation.event == .none ? nil : operation.event
    key = operation.key
    keySequence = operation.keySequence
    node = operation.node
    region = operation.region
    invoked = operation.invoked
    outcome = operation.outcome
    origin = operation.origin
    position = operation.position
    token = operation.token
    group = operation.group
    committed = operation.committed
    checksum = operation.checksum
    completed = operation.completed
    wall = operation.wall
    wallUncertainty = operation.wallUncertainty
    partition = operation.partition
    call = operation.call
    transaction = operation.transaction
    incarnation = operation.incarnation
    member = operation.member
    generation = operation.generation
    leaderEpoch = operation.leaderEpoch
    producerEpoch = operation.producerEpoch
    lease = operation.lease
    ttl = operation.ttl
    leaseEnd = operation.leaseEnd
    value = operation.value
    expected = operation.expected
    keyHash = operation.keyHash
    keyClass = operation.keyClass
  }

  /// The operation.
  var operation: Operation {
    var operation = Operation(
      kind, process: process, event: event ?? .none, key: key, keySequence: keySequence, node: node, region: region,
      invoked: invoked, outcome: outcome)
    operation.origin = origin
    operation.position = position
    operation.token = token
    operation.group = group
    operation.committed = committed
    operation.checksum = checksum
    operation.completed = completed
    operation.wall = wall
    operation.wallUncertainty = wallUncertainty
    operation.partition = partition
    operation.call = call
    operation.transaction = transaction
    operation.incarnation = incarnation
    operation.member = member
    operation.generation = generation
    operation.leaderEpoch = leaderEpoch
    operation.producerEpoch = producerEpoch
    operation.lease = lease
    operation.ttl = ttl
    operation.leaseEnd = leaseEnd
    operation.value = value
    operation.expected = expected
    operation.keyHash = keyHash
    operation.keyClass = keyClass
    return operation
  }
}

/// A name table as JSON: each list in the order of its numbers.
private struct NamesForm: Codable {
  var nodes: [String]
  var groups: [String]
  var codes: [String]
  var partitions: [String]
  var members: [String]
  var keyClasses: [String]

  init(_ table: NameTable) {
    nodes = table.nodes
    groups = table.groups
    codes = table.codes
    partitions = table.partitions
    members = table.members
    keyClasses = table.keyClasses
  }

  /// The table. A foreign hand may have written lists that no table can hold.
  func table(at path: [any CodingKey]) throws -> NameTable {
    for (list, names) in [
      ("nodes", nodes), ("groups", groups), ("codes", codes), ("partitions", partitions), ("members", members),
      ("keyClasses", keyClasses),
    ] where names.count >= Int(UInt16.max) || Set(names).count != names.count {
      throw DecodingError.dataCorrupted(
        .init(codingPath: path, debugDescription: "\(list): a name stands twice, or there are too many names"))
    }
    var table = NameTable()
    guard codes.first == table.codes.first else {
      throw DecodingError.dataCorrupted(
        .init(codingPath: path, debugDescription: "codes: the first must be '\(table.codes.joined())'"))
    }
    for name in nodes { _ = table.node(name) }
    for name in groups { _ = table.group(name) }
    for name in codes { _ = table.code(name) }
    for name in partitions { _ = table.partition(name) }
    for name in members { _ = table.member(name) }
    for name in keyClasses { _ = table.keyClass(name) }
    return table
  }
}

extension HistoryEvidence: Codable {
  private enum Key: String, CodingKey { case operations, names, dropped, cutReason }

  /// Decodes what ``encode(to:)`` wrote.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    self.init(
      operations: try container.decode([OperationForm].self, forKey: .operations).map(\.operation),
      names: try container.decode(NamesForm.self, forKey: .names).table(at: container.codingPath + [Key.names]),
      dropped: try container.decode(UInt64.self, forKey: .dropped),
      cutReason: try container.decodeIfPresent(String.self, forKey: .cutReason))
  }

  /// Encodes the operations field by field, with the names behind their numbers.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(operations.map(OperationForm.init), forKey: .operations)
    try container.encode(NamesForm(names), forKey: .names)
    try container.encode(dropped, forKey: .dropped)
    try container.encodeIfPresent(cutReason, forKey: .cutReason)
  }
}
