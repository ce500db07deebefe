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
  /// The largest call number so far.
  private(set) var lastCall: UInt64 = .max
  /// The times of the operation before.
  private(set) var lastTime: Int64 = 0

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

    subscript(key: UInt64) -> Int {
      @inline(__always) get { Int(slots[Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)]) - 1 }
      @inline(__always) set { slots[Int((key &* 0x9E37_79B9_7F4A_7C15) >> shift)] = Int32(newValue + 1) }
    }
  }

  @inline(__always)
  func last(of op: Operation, in operations: [Operation]) -> Int? {
    let place = byProcess[Self.process(op)]
    guard place >= 0, operations[place].process == op.process, operations[place].kind == op.kind else { return nil }
    return place
  }

  @inline(__always)
  func lastInLog(_ op: Operation, in operations: [Operation]) -> Int? {
    let place = byLog[Self.log(op)]
    guard place >= 0, operations[place].partition == op.partition, operations[place].node == op.node else { return nil }
    return place
  }

  @inline(__always)
  func lastAtPlace(_ op: Operation, in operations: [Operation]) -> Int? {
    guard op.position != nil else { return nil }
    let place = byPlace[Self.place(op)]
    guard place >= 0, operations[place].position == op.position, operations[place].partition == op.partition,
      operations[place].node == op.node
    else { return nil }
    return place
  }

  @inline(__always)
  func last(on event: EventID, in operations: [Operation]) -> Int? {
    let place = byEvent[Self.event(event)]
    guard place >= 0, operations[place].event == event else { return nil }
    return place
  }

  @inline(__always)
  func lastOfProducer(_ op: Operation, _ producer: UInt32, in operations: [Operation]) -> Int? {
    let place = byProducer[Self.producer(producer, op.kind)]
    guard place >= 0, operations[place].event.producer == producer else { return nil }
    return place
  }

  @inline(__always)
  func last(on key: UInt32, in operations: [Operation]) -> Int? {
    let place = byKey[UInt64(key)]
    guard place >= 0, operations[place].key == key else { return nil }
    return place
  }

  /// Takes `op` in, which stands at `place`.
  @inline(__always)
  mutating func note(_ op: Operation, at place: Int) {
    byProcess[Self.process(op)] = place
    byLog[Self.log(op)] = place
    if op.position != nil { byPlace[Self.place(op)] = place }
    byEvent[Self.event(op.event)] = place
    byProducer[Self.producer(op.event.producer, op.kind)] = place
    byKey[UInt64(op.key)] = place
    if let call = op.call, lastCall == .max || call > lastCall { lastCall = call }
    lastTime = op.completed ?? op.invoked
  }

  @inline(__always)
  private static func process(_ op: Operation) -> UInt64 { UInt64(op.process) << 8 | UInt64(op.kind.rawValue) }

  @inline(__always)
  private static func log(_ op: Operation) -> UInt64 {
    let reader = op.kind == .append ? 0 : UInt64(op.process) &+ 1
    return (UInt64(op.partition?.rawValue ?? .max) << 16 | UInt64(op.node.rawValue)) &* 0x1_0000_01B3 ^ reader << 8
      ^ UInt64(op.kind.rawValue)
  }

  @inline(__always)
  private static func place(_ op: Operation) -> UInt64 {
    UInt64(bitPattern: op.position ?? 0) &* 0x1_0000_01B3 ^ UInt64(op.partition?.rawValue ?? .max) << 16
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
