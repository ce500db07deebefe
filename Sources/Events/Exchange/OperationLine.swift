/// One operation as a line of JSON; docs/history.md describes every field.
struct OperationLine: LineOfKeys {
  enum CodingKeys: String, CodingKey, CaseIterable {
    case kind, process, event, key, keySequence, node, region, origin, partition, position, token, group, member
    case generation, committed, checksum, keyHash, keyClass, call, transaction, incarnation, leaderEpoch, producerEpoch
    case lease, ttl, leaseEnd, value, expected, invoked, completed, outcome, code, wall, wallUncertainty
  }

  var kind: String
  var process: UInt32
  var event: EventID?
  var key: UInt32?
  var keySequence: UInt64?
  var node: String
  var region: String
  var origin: String?
  var partition: String?
  var position: Int64?
  var token: Int64?
  var group: String?
  var member: String?
  var generation: Int32?
  var committed: Int64?
  var checksum: UInt64?
  var keyHash: UInt64?
  var keyClass: String?
  var call: UInt64?
  var transaction: UInt64?
  var incarnation: UInt32?
  var leaderEpoch: Int32?
  var producerEpoch: Int32?
  var lease: Int64?
  var ttl: Int64?
  var leaseEnd: Int64?
  var value: Int64?
  var expected: Int64?
  var invoked: Int64
  var completed: Int64?
  var outcome: String
  var code: String?
  var wall: Int64?
  var wallUncertainty: Int64?
}

extension OperationLine {
  /// The line of `op`, whose names are in `names`.
  init(_ op: Operation, _ names: NameTable) {
    func name(_ text: String?, _ number: some BinaryInteger) -> String { text ?? "#\(number)" }
    let (outcome, code): (String, OutcomeCode?) =
      switch op.outcome {
      case .ok: ("ok", nil)
      case .fail(let code): ("fail", code)
      // An operation without an end needs no word for it.
      case .unknown(let code): ("unknown", code == .neverCompleted ? nil : code)
      }
    self.init(
      kind: op.kind.name, process: op.process, event: op.event == .none ? nil : op.event,
      key: op.key == 0 ? nil : op.key, keySequence: op.keySequence == 0 ? nil : op.keySequence,
      node: name(names.name(of: op.node), op.node.rawValue),
      region: name(names.name(of: op.region), op.region.rawValue),
      origin: op.origin.map { name(names.name(of: $0), $0.rawValue) },
      partition: op.partition.map { name(names.name(of: $0), $0.rawValue) }, position: op.position, token: op.token,
      group: op.group.map { name(names.name(of: $0), $0.rawValue) },
      member: op.member.map { name(names.name(of: $0), $0.rawValue) }, generation: op.generation,
      committed: op.committed, checksum: op.checksum, keyHash: op.keyHash,
      keyClass: op.keyClass.map { name(names.name(of: $0), $0.rawValue) }, call: op.call, transaction: op.transaction,
      incarnation: op.incarnation, leaderEpoch: op.leaderEpoch, producerEpoch: op.producerEpoch, lease: op.lease,
      ttl: op.ttl, leaseEnd: op.leaseEnd, value: op.value, expected: op.expected, invoked: op.invoked,
      completed: op.completed, outcome: outcome, code: code.map { name(names.name(of: $0), $0.rawValue) },
      wall: op.wall, wallUncertainty: op.wallUncertainty)
  }

  /// The operation of the line; its names are entered into `names`.
  func operation(_ names: inout NameTable) throws(LineProblem) -> Operation {
    guard let kind = OperationKind(name: kind) else {
      throw LineProblem(what: "an operation of unknown kind '\(kind)'")
    }
    let places = try Places(self, &names)
    var op = Operation(
      kind, process: process, event: event ?? .none, key: key ?? 0, keySequence: keySequence ?? 0, node: places.node,
      region: places.region, origin: places.origin, position: position, token: token, group: places.group,
      committed: committed, checksum: checksum, invoked: invoked, completed: completed,
      outcome: try outcome(&names), wall: wall, wallUncertainty: wallUncertainty, partition: places.partition,
      call: call, transaction: transaction)
    op.member = places.member
    op.generation = generation
    op.keyHash = keyHash
    op.keyClass = places.keyClass
    op.incarnation = incarnation
    op.leaderEpoch = leaderEpoch
    op.producerEpoch = producerEpoch
    op.lease = lease
    op.ttl = ttl
    op.leaseEnd = leaseEnd
    op.value = value
    op.expected = expected
    return op
  }

  private func outcome(_ names: inout NameTable) throws(LineProblem) -> Outcome {
    func entered(_ word: String) throws(LineProblem) -> OutcomeCode {
      OutcomeCode(rawValue: UInt16(try names.place(code ?? word, .codes)))
    }
    switch outcome {
    case "ok":
      guard code == nil else { throw LineProblem(what: "an operation that ended well has a code") }
      return .ok
    case "fail": return .fail(try entered("fail"))
    case "unknown": return .unknown(try entered("never-completed"))
    default: throw LineProblem(what: "an unknown outcome '\(outcome)'; it is ok, fail or unknown")
    }
  }

  /// The numbers of a line's names.
  private struct Places {
    var node: NodeIndex
    var region: NodeIndex
    var origin: NodeIndex?
    var partition: PartitionIndex?
    var group: GroupIndex?
    var member: MemberIndex?
    var keyClass: KeyClassIndex?

    init(_ line: OperationLine, _ names: inout NameTable) throws(LineProblem) {
      node = NodeIndex(rawValue: UInt16(try names.place(line.node, .nodes)))
      region = NodeIndex(rawValue: UInt16(try names.place(line.region, .nodes)))
      if let origin = line.origin { self.origin = NodeIndex(rawValue: UInt16(try names.place(origin, .nodes))) }
      if let partition = line.partition {
        self.partition = PartitionIndex(rawValue: UInt32(try names.place(partition, .partitions)))
      }
      if let group = line.group { self.group = GroupIndex(rawValue: UInt16(try names.place(group, .groups))) }
      if let member = line.member { self.member = MemberIndex(rawValue: UInt32(try names.place(member, .members))) }
      if let keyClass = line.keyClass {
        self.keyClass = KeyClassIndex(rawValue: UInt16(try names.place(keyClass, .keyClasses)))
      }
    }
  }
}

/// What is wrong with a line.
struct LineProblem: Error {
  var what: String
}

extension NameTable {
  /// The place of `name`, entered if it is new.
  mutating func place(_ name: String, _ table: Table) throws(LineProblem) -> Int {
    guard let place = enter(name, table) else {
      throw LineProblem(what: "the name '\(name)' is one more than the \(NameTable.limit) that a history can hold")
    }
    return place
  }
}

extension OperationKind {
  /// The name that reports and JSON use: the case's words, joined by hyphens, as in `commit-position`.
  public var name: String {
    switch self {
    case .append: "append"
    case .staleAppend: "stale-append"
    case .observe: "observe"
    case .apply: "apply"
    case .poll: "poll"
    case .beginTransaction: "begin-transaction"
    case .commitTransaction: "commit-transaction"
    case .abortTransaction: "abort-transaction"
    case .assign: "assign"
    case .subscribe: "subscribe"
    case .revoke: "revoke"
    case .commitPosition: "commit-position"
    case .process: "process"
    case .acquire: "acquire"
    case .renew: "renew"
    case .release: "release"
    case .lose: "lose"
    case .read: "read"
    case .write: "write"
    case .compareAndSet: "compare-and-set"
    }
  }

  /// The kind called `name`; `nil` when there is none.
  public init?(name: String) {
    guard let kind = Self.allCases.first(where: { $0.name == name }) else { return nil }
    self = kind
  }
}
