public import Events

/// How the parts of a workload write to the history.
extension HistoryRecorder {
  /// Stamps a write before it can leave.
  func begin(
    _ kind: OperationKind, worker: UInt32, event: NewEvent, store: String, partition name: String? = nil,
    region: String, token: Int64
  ) -> Ticket {
    invoke(
      Operation(
        kind, process: worker, event: event.id, key: event.key, keySequence: event.keySequence, node: node(store),
        region: node(region), origin: node(store), token: token, checksum: event.checksum,
        partition: name.map(partition)))
  }

  /// Stamps a write that the store acknowledged.
  func end(_ ticket: Ticket, ok receipt: Receipt, origin: String) {
    complete(ticket, .ok, partition: receipt.partition.map(partition), position: receipt.position)
  }

  /// Stamps a write that did not succeed: refused and unsent ones certainly had no effect, the rest may have.
  func end(_ ticket: Ticket, failure: StoreFailure) {
    switch failure {
    case .refused(let why): complete(ticket, .fail(code(why)))
    case .notSent: complete(ticket, .fail(code("not-sent")))
    case .unknown(let why): complete(ticket, .unknown(code(why)))
    }
  }

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
