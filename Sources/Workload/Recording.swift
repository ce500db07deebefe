public import Events

/// A writer's part of the history: how its writes began and ended.
///
/// The number of each name is asked for once: the recorder's table belongs to all workers, and one that waits for it at every
/// write slows down all the others.
struct WriteRecord {
  private let recorder: HistoryRecorder
  private let worker: UInt32
  private let region: String
  private var nodes: [String: NodeIndex] = [:]
  private var partitions: [String: PartitionIndex] = [:]

  /// What `worker` writes, who is in `region`.
  init(_ recorder: HistoryRecorder, worker: UInt32, region: String) {
    self.recorder = recorder
    self.worker = worker
    self.region = region
  }

  /// Stamps a write before it can leave.
  mutating func begin(
    _ kind: OperationKind, event: NewEvent, store: String, partition name: String? = nil, token: Int64
  ) -> HistoryRecorder.Ticket {
    let node = node(store)
    return recorder.invoke(
      Operation(
        kind, process: worker, event: event.id, key: event.key, keySequence: event.keySequence, node: node,
        region: self.node(region), origin: node, token: token, checksum: event.checksum,
        partition: name.map { partition($0) }))
  }

  /// Stamps a write that the store acknowledged.
  mutating func end(_ ticket: HistoryRecorder.Ticket, ok receipt: Receipt) {
    recorder.complete(ticket, .ok, partition: receipt.partition.map { partition($0) }, position: receipt.position)
  }

  /// Stamps a write that did not succeed: refused and unsent ones certainly had no effect, the rest may have.
  func end(_ ticket: HistoryRecorder.Ticket, failure: StoreFailure) {
    switch failure {
    case .refused(let why): recorder.complete(ticket, .fail(recorder.code(why)))
    case .notSent: recorder.complete(ticket, .fail(recorder.code("not-sent")))
    case .unknown(let why): recorder.complete(ticket, .unknown(recorder.code(why)))
    }
  }

  private mutating func node(_ name: String) -> NodeIndex {
    if let known = nodes[name] { return known }
    let node = recorder.node(name)
    nodes[name] = node
    return node
  }

  private mutating func partition(_ name: String) -> PartitionIndex {
    if let known = partitions[name] { return known }
    let partition = recorder.partition(name)
    partitions[name] = partition
    return partition
  }
}

/// How the parts of a workload that read write to the history.
extension HistoryRecorder {
  /// Records what a tail saw.
  func observed(_ row: TailRow, worker: UInt32, store: String, invoked: Int64, completed: Int64) {
    record(
      Operation(
        .observe, process: worker, event: row.id, key: row.key, keySequence: row.keySequence, node: node(store),
        region: node(store), origin: node(row.origin), position: row.position, token: row.token, invoked: invoked,
        completed: completed, outcome: .ok, partition: row.partition.map(partition)))
  }

  /// Records what one step of a consumer group did.
  func applied(
    _ batch: AppliedBatch, worker: UInt32, group: String, store: String, region: String, invoked: Int64,
    completed: Int64
  ) {
    for event in batch.deliveries {
      // A partition is committed when the last of it has been dealt with.
      let ended = event.partition.flatMap { batch.partitions[$0] }.flatMap { $0 == event.position ? $0 : nil }
      record(
        Operation(
          .apply, process: worker, event: event.id, key: event.key, keySequence: event.keySequence, node: node(store),
          region: node(region), position: event.position, group: self.group(group),
          committed: event.partition == nil ? batch.progress : ended, invoked: invoked,
          completed: completed, outcome: event.isRepeat ? .fail(code(Self.redelivered)) : .ok,
          partition: event.partition.map(partition)))
    }
  }

  /// Records that a consumer group has given up the partitions of a store.
  func left(
    _ partitions: [String?], worker: UInt32, group: String, store: String, region: String, at time: Int64
  ) {
    for name in partitions {
      record(
        Operation(
          .revoke, process: worker, node: node(store), region: node(region), group: self.group(group), invoked: time,
          completed: time, outcome: .ok, partition: name.map(partition)))
    }
  }

  /// Outcome code of an event that was delivered again and refused by the idempotency check.
  public static var redelivered: String { "already-applied" }
}
