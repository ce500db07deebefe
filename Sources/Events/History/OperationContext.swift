/// What the operations of a block so far let one expect of the next. Writer and reader keep the same one, so only what
/// differs needs to be written.
///
/// Tables are mapped directly: a slot holds the place of the last operation that fell into it, and whoever looks there
/// compares. A collision costs a few bytes and nothing else.
struct OperationContext {
  /// The last operation of the same process and kind.
  private var byProcess = Table(bits: 10)
  /// The last operation of the same kind on the same log; for those who read it, by the same process.
  private var byLog = Table(bits: 12)
  /// The last operation on a place of a log.
  private var byPlace = Table(bits: 14)
  /// The last operation on an event.
  private var byEvent = Table(bits: 14)
  /// The last operation of the same kind on any event of a producer's.
  private var byProducer = Table(bits: 10)
  /// The last operation on a key.
  private var byKey = Table(bits: 14)
  /// What the operation before was.
  private(set) var previous = Previous()
  /// The largest call number so far.
  private var lastCall: UInt64 = .max

  /// An operation's process, call and times.
  struct Previous {
    fileprivate(set) var process: UInt32 = 0
    fileprivate(set) var call: UInt64?
    fileprivate(set) var invoked: Int64 = 0
    /// When it ended; for one that never did, when it began.
    fileprivate(set) var time: Int64 = 0
  }

  /// Forgets everything, as at the start of a block.
  mutating func reset() {
    byProcess.reset()
    byLog.reset()
    byPlace.reset()
    byEvent.reset()
    byProducer.reset()
    byKey.reset()
    previous = Previous()
    lastCall = .max
  }

  /// An operation that has nothing.
  static let blank = Operation(
    .append, process: 0, event: EventID(producer: 0, sequence: .max), keySequence: .max, node: NodeIndex(rawValue: 0),
    region: NodeIndex(rawValue: 0), outcome: .ok)

  /// One table; 0 in a slot stands for nothing.
  private struct Table {
    private var slots: [Int32]
    private let shift: UInt64

    init(bits: UInt64) {
      slots = [Int32](repeating: 0, count: 1 << Int(bits))
      shift = 64 - bits
    }

    mutating func reset() { for slot in slots.indices { slots[slot] = 0 } }

    subscript(key: UInt64) -> Int {
      @inline(__always) get { Int(slots[Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)]) - 1 }
      @inline(__always) set { slots[Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)] = Int32(newValue + 1) }
    }
  }

  @inline(__always)
  func last<Block: RandomAccessCollection<Operation>>(of op: Operation, in operations: Block) -> Int?
  where Block.Index == Int {
    let place = byProcess[Self.process(op)]
    guard place >= 0, operations[place].process == op.process, operations[place].kind == op.kind else { return nil }
    return place
  }

  @inline(__always)
  func lastInLog<Block: RandomAccessCollection<Operation>>(_ op: Operation, in operations: Block) -> Int?
  where Block.Index == Int {
    let place = byLog[Self.log(op)]
    guard place >= 0, operations[place].rawPartition == op.rawPartition, operations[place].node == op.node else {
      return nil
    }
    return place
  }

  @inline(__always)
  func lastAtPlace<Block: RandomAccessCollection<Operation>>(_ op: Operation, in operations: Block) -> Int?
  where Block.Index == Int {
    guard op.has(.position) else { return nil }
    let place = byPlace[Self.place(op)]
    guard place >= 0, operations[place].rawPosition == op.rawPosition,
      operations[place].rawPartition == op.rawPartition, operations[place].node == op.node
    else { return nil }
    return place
  }

  @inline(__always)
  func last<Block: RandomAccessCollection<Operation>>(on event: EventID, in operations: Block) -> Int?
  where Block.Index == Int {
    let place = byEvent[Self.event(event)]
    guard place >= 0, operations[place].event == event else { return nil }
    return place
  }

  @inline(__always)
  func lastOfProducer<Block: RandomAccessCollection<Operation>>(
    _ op: Operation, _ producer: UInt32, in operations: Block
  ) -> Int? where Block.Index == Int {
    let place = byProducer[Self.producer(producer, op.kind)]
    guard place >= 0, operations[place].producer == producer else { return nil }
    return place
  }

  @inline(__always)
  func last<Block: RandomAccessCollection<Operation>>(on key: UInt32, in operations: Block) -> Int?
  where Block.Index == Int {
    let place = byKey[UInt64(key)]
    guard place >= 0, operations[place].key == key else { return nil }
    return place
  }

  /// The records of one call follow each other; a new call has the next number.
  @inline(__always)
  func nextCall(of process: UInt32) -> UInt64 {
    if previous.process == process, let call = previous.call { return call }
    return lastCall &+ 1
  }

  /// Takes `op` in, which stands at `place`.
  @inline(__always)
  mutating func note(_ op: Operation, at place: Int) {
    byProcess[Self.process(op)] = place
    byLog[Self.log(op)] = place
    if op.has(.position) { byPlace[Self.place(op)] = place }
    byEvent[Self.event(op.event)] = place
    byProducer[Self.producer(op.producer, op.kind)] = place
    byKey[UInt64(op.key)] = place
    if let call = op.call, lastCall == .max || call > lastCall { lastCall = call }
    previous = Previous(process: op.process, call: op.call, invoked: op.invoked, time: op.completed ?? op.invoked)
  }

  @inline(__always)
  private static func process(_ op: Operation) -> UInt64 { UInt64(op.process) << 8 | UInt64(op.kind.rawValue) }

  @inline(__always)
  private static func log(_ op: Operation) -> UInt64 {
    let reader = op.kind == .append ? 0 : UInt64(op.process) &+ 1
    return (UInt64(op.rawPartition) << 16 | UInt64(op.node.rawValue)) &* 0x1_0000_01B3 ^ reader << 8
      ^ UInt64(op.kind.rawValue)
  }

  @inline(__always)
  private static func place(_ op: Operation) -> UInt64 {
    UInt64(bitPattern: op.rawPosition) &* 0x1_0000_01B3 ^ UInt64(op.rawPartition) << 16
      ^ UInt64(op.node.rawValue)
  }

  @inline(__always)
  private static func event(_ event: EventID) -> UInt64 {
    event.sequence &* 0x1_0000_01B3 ^ UInt64(event.producer) << 32
  }

  @inline(__always)
  private static func producer(_ producer: UInt32, _ kind: OperationKind) -> UInt64 {
    UInt64(producer) << 8 | UInt64(kind.rawValue)
  }
}
