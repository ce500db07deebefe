public import Events

/// How far behind consumers are, in time and not in offsets: when a consumer asks, how long the log has already held something
/// that it has not read.
///
/// A poll's lag in a log is its invocation minus the moment at which the place behind the highest offset that the consumer has
/// read first was known to exist; 0 if nothing is known there. Takes the operations of a history in order.
///
/// - SeeAlso: the realtime lag of Jepsen's Kafka workload.
public struct RealtimeLag: Sendable {
  /// The lag of one poll in one log.
  public struct Sample: Sendable, Hashable {
    /// When the consumer asked.
    public var time: Int64
    /// The consumer.
    public var process: UInt32
    /// The log; `nil` is the store's only one.
    public var partition: PartitionIndex?
    /// How long it had been behind by then, in the unit of ``time``.
    public var lag: Int64
  }

  /// When a log was first known to reach an offset, rising in both.
  private struct Reach {
    var times: [Int64] = []
    var offsets: [Int64] = []

    mutating func add(_ offset: Int64, at time: Int64) {
      if offset <= offsets.last ?? -1 { return }
      times.append(time)
      offsets.append(offset)
    }

    /// When a place first was known to exist.
    func time(of place: Int64) -> Int64? {
      var low = 0
      var high = offsets.count
      while low < high {
        let middle = (low + high) / 2
        if offsets[middle] < place { low = middle + 1 } else { high = middle }
      }
      return low < times.count ? times[low] : nil
    }

    /// Nobody will ask for places below this one any more.
    mutating func forget(below place: Int64) {
      guard offsets.count > 1 << 10, offsets[offsets.count / 2] < place else { return }
      times.removeFirst(offsets.count / 2)
      offsets.removeFirst(offsets.count / 2)
    }
  }

  private var reaches: [PartitionIndex?: Reach] = [:]
  private var positions: [UInt32: [PartitionIndex?: Int64]] = [:]
  private var pending: [Operation] = []
  private var samples: [Sample] = []
  /// The largest lag so far, the first of equals.
  public private(set) var worst: Sample?

  /// A record that nobody has read from yet.
  public init() {}

  /// Takes the next operation.
  public mutating func take(_ operation: Operation) {
    if let last = pending.last, operation.call == nil || operation.call != last.call { flush() }
    pending.append(operation)
    if operation.call == nil { flush() }
  }

  /// The samples since the last call of this. Call it once more after the last operation.
  public mutating func drain() -> [Sample] {
    flush()
    defer { samples = [] }
    return samples
  }

  private mutating func flush() {
    let call = pending
    pending = []
    guard let first = call.first else { return }
    switch first.kind {
    case .assign, .subscribe:
      if case .fail = first.outcome { return }
      let before = positions[first.process] ?? [:]
      var after: [PartitionIndex?: Int64] = [:]
      for operation in call where operation.partition != nil {
        after[operation.partition] = before[operation.partition] ?? -1
      }
      positions[first.process] = after
    default: transfer(call)
    }
  }

  private mutating func transfer(_ call: [Operation]) {
    let first = call[0]
    guard first.outcome == .ok, let completed = first.completed else { return }
    for operation in call where operation.event != .none {
      guard let offset = operation.position, offset >= 0 else { continue }
      reaches[operation.partition, default: Reach()].add(offset, at: completed)
      if !operation.isWrite {
        let before = positions[first.process]?[operation.partition] ?? -1
        positions[first.process, default: [:]][operation.partition] = max(before, offset)
      }
    }
    guard call.contains(where: { $0.kind == .poll || $0.kind == .observe }) else { return }
    for (partition, position) in (positions[first.process] ?? [:]).sorted(by: { place($0.key) < place($1.key) }) {
      let since = reaches[partition]?.time(of: position + 1)
      let sample = Sample(
        time: first.invoked, process: first.process, partition: partition,
        lag: max(0, since.map { first.invoked - $0 } ?? 0))
      samples.append(sample)
      if sample.lag > worst?.lag ?? -1 { worst = sample }
      let slowest = positions.values.compactMap { $0[partition] }.min() ?? -1
      reaches[partition]?.forget(below: slowest)
    }
  }

  private func place(_ partition: PartitionIndex?) -> Int { partition.map { Int($0.rawValue) } ?? -1 }
}
