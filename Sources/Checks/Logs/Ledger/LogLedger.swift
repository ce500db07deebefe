/// What all log checks share: each event is looked up once, and what is out of the ordinary is noted for the rows to judge.
///
/// Kept is: four bits a record until it is settled; the offsets from the slowest reader to the end of each log; one position a
/// consumer and log, and one a producer and log; one sequence a key; what transactions are open. Nothing of it grows with the
/// length of the run as long as the readers follow.
struct LogLedger<Records: RecordIndex>: Sendable {
  var options: LogOptions
  var records = Records()
  var windows: [LogWindow] = []
  var slots = Extents<LogSlot>(blank: LogSlot())
  var sends = Extents<OpenSend>(blank: OpenSend())
  var lanes: [LogLane] = []
  /// The lanes of workers with small numbers, −1 where there is none yet, and of all others.
  var directLanes: [Int32] = []
  var laneNumbers: [UInt32: Int] = [:]
  /// A row a lane, `1 << logOrder` long.
  var readers: [ReaderState] = []
  /// The lanes that have read each log: few, where the rows of all lanes are many.
  var readerLanes: [[Int]] = []
  var senders: [SenderState] = []
  var logOrder = 4
  /// How far keys have come, a piece for each topic; and those with numbers too high for that.
  var keys = Extents<KeyState>(blank: KeyState())
  var keyTables: [KeyTable] = []
  var otherKeys: [UInt64: KeyState] = [:]
  var jumps: [UInt16: [LogJump]] = [:]
  var chains: [Int: [ChainedSend]] = [:]
  var groups = LogGroups()
  var transactions = TransactionBook()
  var outcomes = UnknownOutcomes()

  /// What was noticed and not judged yet.
  var noted: [LogFact] = []
  /// Where a record stands that left its window without having been polled.
  var overdue: [RecordID: LogPlace] = [:]
  /// Acknowledged records without an offset, and their log.
  var unplaced: [RecordID: UInt16] = [:]
  /// All offsets of records that stand at more than one.
  var manyPlaces: [RecordID: [LogPlace]] = [:]
  /// The further records of offsets that hold more than one.
  var contested: [LogPlace: [RecordID]] = [:]
  /// Records that dumps have as aborted.
  var dumpedAborted: Set<RecordID> = []
  var counts = LogCounts()
  /// What is owed at the end; empty before it.
  var owed: [OwedRecord] = []

  init(_ options: LogOptions) { self.options = options }

  /// Takes the next event.
  @inline(__always)
  mutating func take(_ event: LogEvent) {
    switch event.kind {
    case .sendInvoked: begin(event)
    case .sendAcknowledged:
      if event.transaction == 0 { acknowledge(event) } else { transactions.add(event) }
    case .polled:
      if event.transaction == 0 { poll(event) } else { transactions.add(event) }
    default: takeRare(event)
    }
  }

  @inline(never)
  private mutating func takeRare(_ event: LogEvent) {
    switch event.kind {
    case .sendInvoked, .sendAcknowledged, .polled: break
    case .sentElsewhere: records.invoke(records.id(of: event))
    case .sendFailed: event.transaction == 0 ? fail(event) : transactions.add(event)
    case .sendUnknown: event.transaction == 0 ? doubt([event]) : transactions.add(event)
    case .assignmentBegan: beginAssignment(event)
    case .assigned: assign(event)
    case .assignmentEnded: endAssignment(event)
    case .revoked: revoke(event)
    case .committed: event.transaction == 0 ? commit(event) : transactions.add(event)
    case .processed: process(event)
    case .transactionCommitted, .transactionAborted, .transactionUnknown: endTransaction(event)
    case .dumped: dump(event)
    case .dumpedAborted: dumpAborted(event)
    case .dumpEnded: windows[log(event)].isDumped = true
    case .logStart: moveStart(event)
    }
  }

  mutating func note(_ kind: LogFact.Kind, _ event: LogEvent, _ id: RecordID) {
    noted.append(LogFact(kind: kind, event: event, id: id))
  }

  // MARK: Logs and workers

  /// The index of an event's log.
  @inline(__always)
  mutating func log(_ event: LogEvent) -> Int {
    let log = Int(event.log)
    if _slowPath(log >= windows.count) { addLogs(through: log) }
    return log
  }

  @inline(never)
  private mutating func addLogs(through log: Int) {
    while windows.count <= log {
      windows.append(LogWindow(topic: options.topic(of: UInt16(windows.count))))
      readerLanes.append([])
    }
    guard log >= 1 << logOrder else { return }
    let before = 1 << logOrder
    while log >= 1 << logOrder { logOrder += 1 }
    readers = widened(readers, from: before, blank: ReaderState())
    senders = widened(senders, from: before, blank: SenderState())
    var moved: [Int: [ChainedSend]] = [:]
    for (row, chain) in chains { moved[row / before << logOrder + row % before] = chain }
    chains = moved
  }

  private func widened<State>(_ rows: [State], from width: Int, blank: State) -> [State] {
    var wide: [State] = []
    wide.reserveCapacity(lanes.count << logOrder)
    for lane in 0..<lanes.count {
      wide += rows[lane * width..<(lane + 1) * width]
      wide += repeatElement(blank, count: 1 << logOrder - width)
    }
    return wide
  }

  /// The lane of an event's worker.
  @inline(__always)
  mutating func lane(_ event: LogEvent) -> Int {
    let process = Int(event.process)
    if _fastPath(process < directLanes.count) {
      let lane = Int(directLanes[process])
      if _fastPath(lane >= 0) { return lane }
    }
    return addLane(event.process)
  }

  @inline(never)
  private mutating func addLane(_ process: UInt32) -> Int {
    if let known = laneNumbers[process] { return known }
    if process < LogLane.directLimit {
      while directLanes.count <= Int(process) { directLanes.append(-1) }
      directLanes[Int(process)] = Int32(lanes.count)
    }
    laneNumbers[process] = lanes.count
    appendLane()
    return lanes.count - 1
  }

  private mutating func appendLane() {
    lanes.append(LogLane())
    readers += repeatElement(ReaderState(), count: 1 << logOrder)
    senders += repeatElement(SenderState(), count: 1 << logOrder)
  }

  @inline(__always)
  func row(_ lane: Int, _ log: Int) -> Int { lane &<< logOrder &+ log }
}

extension LogLane {
  /// The lanes of workers with smaller numbers are looked up in an array.
  static let directLimit = 1024
}

/// An offset of a log.
struct LogPlace: Sendable, Hashable {
  var log: UInt16
  var offset: Int64
}

/// What was looked at.
public struct LogCounts: Sendable, Hashable, Codable {
  /// Records that their log acknowledged.
  public var acknowledged = 0
  /// Records given to consumers, repeats included.
  public var polled = 0
  /// Rows of dumps.
  public var dumped = 0
  /// Sends that were too many at a time for their worker, so that L5 was not judged for them.
  public var unbounded = 0

  /// Nothing was looked at.
  public init() {}
}
