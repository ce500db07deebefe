internal import Events

/// Makes the events about one store's logs out of operations, in the order in which these ended.
///
/// What belongs to one call (``Operation/call``) follows each other and is judged as a whole: several sends of one call take
/// effect together or not at all, and the records of one poll are one poll.
struct LogFeed: Sendable {
  /// A log's acknowledgements, to know what had been acknowledged when a send began.
  private struct Acknowledgements {
    var times: [Int64] = []
    var offsets: [Int64] = []

    static let limit = 1 << 13

    /// The highest offset acknowledged before `time`; −1 without one.
    func highest(before time: Int64) -> Int64 {
      var low = 0
      var high = times.count
      while low < high {
        let middle = (low + high) / 2
        if times[middle] < time { low = middle + 1 } else { high = middle }
      }
      return low == 0 ? -1 : offsets[low - 1]
    }

    mutating func add(_ offset: Int64, at time: Int64) {
      // Stamps of different workers may cross on their way into the record by a little.
      times.append(max(time, times.last ?? time))
      offsets.append(max(offset, offsets.last ?? offset))
      if times.count > Self.limit {
        times.removeFirst(Self.limit / 2)
        offsets.removeFirst(Self.limit / 2)
      }
    }
  }

  private struct ReadPlace: Hashable {
    var process: UInt32
    var log: UInt16
  }

  /// The logs by partition; `nil` is the store's only log.
  private(set) var logs: [PartitionIndex?: UInt16] = [:]
  /// The same for partitions of small numbers, to be found without hashing; -1 where there is none yet.
  private var direct: [Int32] = []
  /// Operations about more logs than can be told apart.
  private(set) var refused = 0
  /// By log.
  private var acknowledgements: [Acknowledgements] = []
  /// The steps so far of a call that may not be complete.
  private var pending: [Operation] = []
  private var operation: UInt32 = 0
  /// How far applying groups have read.
  private var furthest: [ReadPlace: Int64] = [:]
  private var transactions: UInt32 = 0
  /// Transactions that a call of their own ends.
  private var open: [UInt64: UInt32] = [:]

  /// Takes the next operation; adds what it shows to `events`.
  mutating func take(_ next: Operation, into events: inout [LogEvent]) {
    let call = next.call
    if !pending.isEmpty, call == nil || pending[0].call != call { flush(into: &events) }
    pending.append(next)
    if call == nil { flush(into: &events) }
  }

  /// The last call is complete.
  mutating func flush(into events: inout [LogEvent]) {
    if !pending.isEmpty { call(pending, into: &events) }
    pending.removeAll(keepingCapacity: true)
  }

  private static let directLimit = 1 << 16

  /// The number of a log, given out as logs are met. `nil`: there are too many.
  mutating func log(_ partition: PartitionIndex?) -> UInt16? {
    // The store's only log comes first, where there is one.
    let place = partition.map { Int($0.rawValue) + 1 } ?? 0
    if place < direct.count, direct[place] >= 0 { return UInt16(direct[place]) }
    if let known = logs[partition] { return known }
    guard logs.count < Int(UInt16.max) else { return nil }
    let log = UInt16(logs.count)
    logs[partition] = log
    acknowledgements.append(Acknowledgements())
    if place < Self.directLimit {
      if place >= direct.count { direct += repeatElement(-1, count: place + 1 - direct.count) }
      direct[place] = Int32(log)
    }
    return log
  }

  private mutating func call(_ operations: [Operation], into events: inout [LogEvent]) {
    operation &+= 1
    switch operations[0].kind {
    case .assign, .subscribe: assign(operations, into: &events)
    case .beginTransaction:
      if let number = operations[0].transaction { open[number] = newTransaction() }
    case .commitTransaction, .abortTransaction: end(operations[0], into: &events)
    default: transfer(operations, into: &events)
    }
  }

  private mutating func newTransaction() -> UInt32 {
    transactions += 1
    return transactions
  }

  // MARK: Records

  private mutating func transfer(_ operations: [Operation], into events: inout [LogEvent]) {
    let first = operations[0]
    let isWhole = operations.dropFirst().allSatisfy { $0.outcome == first.outcome }
    let opened = first.transaction.flatMap { open[$0] }
    // A call that begins no transaction but sends several records, or sends and polls, is one by itself.
    let isOne = isWhole && (first.transaction != nil || operations.count { $0.isWrite } > 1)
    let transaction = opened ?? (isOne ? newTransaction() : 0)
    for operation in operations { transfer(operation, transaction, into: &events) }
    guard opened == nil, transaction != 0 else { return }
    let kind: LogEvent.Kind =
      switch first.outcome {
      case .ok: .transactionCommitted
      case .fail: .transactionAborted
      case .unknown: .transactionUnknown
      }
    events.append(LogEvent(kind, process: first.process, operation: operation, transaction: transaction))
  }

  private mutating func transfer(_ operation: Operation, _ transaction: UInt32, into events: inout [LogEvent]) {
    guard let log = log(operation.partition) else {
      refused += 1
      return
    }
    switch operation.kind {
    case .append, .staleAppend:
      var event = record(.sendInvoked, operation, log, transaction)
      event.offset = acknowledgements[Int(log)].highest(before: operation.invoked)
      events.append(event)
      event.offset = operation.position ?? -1
      switch operation.outcome {
      case .ok:
        event.kind = .sendAcknowledged
        if event.offset >= 0 {
          acknowledgements[Int(log)].add(event.offset, at: ended(operation))
        }
      case .fail: event.kind = .sendFailed
      case .unknown: event.kind = .sendUnknown
      }
      events.append(event)
    case .observe, .poll:
      guard operation.event != .none else { return }
      var event = record(.polled, operation, log, transaction)
      event.offset = operation.position ?? -1
      switch operation.outcome {
      case .ok: event.outcome = .ok
      case .fail: event.outcome = .failed
      case .unknown: event.outcome = .unknown
      }
      events.append(event)
    case .apply: apply(operation, log, into: &events)
    case .process where operation.outcome == .ok:
      events.append(
        LogEvent(.processed, log: log, process: operation.process, offset: operation.position ?? -1))
    case .commitPosition where operation.outcome == .ok:
      guard let committed = operation.committed else { return }
      var event = commit(operation, log, next: committed)
      event.transaction = transaction
      events.append(event)
    case .revoke: events.append(LogEvent(.revoked, log: log, process: operation.process))
    default: break
    }
  }

  /// A group that applies an event reads it, is done with it and has committed it, in one. One that refuses an event because it
  /// has it already is done with it, too: behind what it has read so far that is another copy, else a repetition on purpose.
  private mutating func apply(_ operation: Operation, _ log: UInt16, into events: inout [LogEvent]) {
    guard let position = operation.position else { return }
    let place = ReadPlace(process: operation.process, log: log)
    switch operation.outcome {
    case .ok: break
    case .fail: guard position > furthest[place] ?? .max else { return }
    case .unknown: return
    }
    furthest[place] = max(position, furthest[place] ?? .min)
    var event = record(.polled, operation, log, 0)
    event.offset = position
    events.append(event)
    events.append(LogEvent(.processed, log: log, process: operation.process, offset: position))
    // An applying group notes the last position it has dealt with, not the next one.
    if let committed = operation.committed { events.append(commit(operation, log, next: committed + 1)) }
  }

  private func commit(_ operation: Operation, _ log: UInt16, next: Int64) -> LogEvent {
    LogEvent(
      .committed, log: log, process: operation.process,
      producer: operation.group.map { UInt32($0.rawValue) } ?? .max - 1, offset: next)
  }

  private func record(
    _ kind: LogEvent.Kind, _ operation: Operation, _ log: UInt16, _ transaction: UInt32
  ) -> LogEvent {
    var event = LogEvent(
      kind, log: log, process: operation.process, operation: self.operation, producer: operation.event.producer,
      sequence: operation.event.sequence, key: operation.key,
      keySequence: UInt32(clamping: operation.keySequence), transaction: transaction)
    event.checksum = LogEvent.folded(operation.checksum)
    return event
  }

  // MARK: Transactions and assignments

  private mutating func end(_ operation: Operation, into events: inout [LogEvent]) {
    guard let number = operation.transaction, let transaction = open[number] else { return }
    let kind: LogEvent.Kind
    switch (operation.kind, operation.outcome) {
    case (_, .unknown): kind = .transactionUnknown
    case (.commitTransaction, .ok): kind = .transactionCommitted
    case (.commitTransaction, .fail), (.abortTransaction, .ok): kind = .transactionAborted
    default: return  // an abort that failed left it open
    }
    open[number] = nil
    events.append(LogEvent(kind, process: operation.process, transaction: transaction))
  }

  private mutating func assign(_ operations: [Operation], into events: inout [LogEvent]) {
    let first = operations[0]
    if case .fail = first.outcome { return }
    var began = LogEvent(.assignmentBegan, process: first.process, producer: .max)
    if let group = first.group, let generation = first.generation {
      began.producer = UInt32(group.rawValue)
      began.key = UInt32(clamping: generation) + 1
    }
    events.append(began)
    for operation in operations {
      guard let partition = operation.partition, let log = log(partition) else { continue }
      events.append(LogEvent(.assigned, log: log, process: first.process))
    }
    events.append(LogEvent(.assignmentEnded, process: first.process))
  }
}

extension LogEvent {
  /// A checksum of 64 bits in 32; 0 stays for none.
  static func folded(_ checksum: UInt64?) -> UInt32 {
    guard let checksum else { return 0 }
    return max(1, UInt32(truncatingIfNeeded: checksum ^ checksum >> 32))
  }
}
