import Checks
import Events

/// The small edits that mutations are made of. Each keeps the rest of the evidence as a real stack would have it.
extension Evidence {
  func row(in store: String, of origin: String, at place: Int) -> LogRow {
    (truth.logs[store] ?? []).filter { $0.origin == origin }[place]
  }

  func code(_ name: String) -> OutcomeCode {
    OutcomeCode(rawValue: UInt16(history.names.codes.firstIndex(of: name) ?? 0))
  }

  func node(_ name: String) -> NodeIndex {
    NodeIndex(rawValue: UInt16(history.names.nodes.firstIndex(of: name) ?? 0))
  }

  mutating func changeOperations(_ change: (inout Operation) -> Void) {
    for place in history.operations.indices { change(&history.operations[place]) }
  }

  mutating func change(_ event: EventID, in store: String, _ change: (inout LogRow) -> Void) {
    guard let place = truth.logs[store]?.firstIndex(where: { $0.event == event }) else { return }
    guard var row = truth.logs[store]?[place] else { return }
    change(&row)
    truth.logs[store]?[place] = row
  }

  /// As if `event` had never come to `store`: no row, not seen there, not applied from there.
  mutating func forget(_ event: EventID, in store: String) {
    let index = node(store)
    truth.logs[store]?.removeAll { $0.event == event }
    history.operations.removeAll { ($0.kind == .observe || $0.kind == .apply) && $0.event == event && $0.node == index }
    truth.applied?.removeAll { $0.event == event && $0.store == store }
    finishProgress(store)
  }

  /// Appends `row` once more to the log of `store`, and lets its tail see it.
  mutating func append(_ row: LogRow, to store: String) {
    var copy = row
    copy.store = store
    copy.position = (truth.logs[store]?.map(\.position).max() ?? 0) + 1
    truth.logs[store]?.append(copy)
    let time = milestones.quiescent ?? 0
    history.operations.append(
      Operation(
        .observe, process: 100, event: copy.event, key: copy.key, keySequence: copy.keySequence, node: node(store),
        region: node(store), origin: node(copy.origin), position: copy.position, token: copy.token,
        checksum: copy.checksum, invoked: time, completed: time, outcome: .ok))
  }

  /// As if the write `op` had taken effect at `origin` with `token`, and had come to `stores`.
  mutating func insert(_ op: Operation, origin: String, token: Int64, into stores: [String]) {
    let sequence = (truth.logs.values.joined().filter { $0.origin == origin }.map(\.originSequence).max() ?? 0) + 1
    for store in stores {
      append(
        LogRow(
          store: store, position: 0, event: op.event, origin: origin, originSequence: sequence, key: op.key,
          keySequence: op.keySequence, token: token, checksum: op.checksum),
        to: store)
      finishProgress(store)
      for consumer in roles.consumers where consumer.store == store {
        guard truth.applied?.contains(where: { $0.group == consumer.group && $0.event == op.event }) == false else {
          continue
        }
        truth.applied?.append(AppliedRow(group: consumer.group, store: store, event: op.event, times: 1))
      }
    }
  }

  /// As if the refused write `op` had been taken by `store`, and mirrored to the other one.
  mutating func acceptStale(_ op: Operation, at store: String) {
    changeOperations { if $0.event == op.event && $0.kind == op.kind { $0.outcome = .ok } }
    insert(op, origin: store, token: op.token ?? 0, into: store == "eu" ? ["eu", "east"] : ["east", "eu"])
  }

  /// As if nobody had taken over.
  mutating func removeNewReign() {
    let written = Set((truth.logs["eu"] ?? []).filter { $0.token == CleanDrill.newToken }.map(\.event))
    history.operations.removeAll { written.contains($0.event) }
    for store in ["east", "eu"] {
      truth.logs[store]?.removeAll { written.contains($0.event) }
      truth.fences[store]?.removeAll { $0.token == CleanDrill.newToken }
      finishProgress(store)
    }
    // A store that was never sealed refuses because it is read-only.
    let readOnly = code("BS423")
    changeOperations { if $0.kind == .staleAppend { $0.outcome = .fail(readOnly) } }
    truth.applied?.removeAll { written.contains($0.event) }
    truth.grants?.removeLast()
    milestones.tokenGranted = nil
    milestones.newStoreSealed = nil
  }

  mutating func finishProgress(_ store: String) {
    for consumer in roles.consumers where consumer.store == store { finishProgress(consumer.group, store) }
  }

  mutating func finishProgress(_ group: String, _ store: String) {
    rewindProgress(group, store, to: truth.logs[store]?.map(\.position).max() ?? -1)
  }

  mutating func rewindProgress(_ group: String, _ store: String, by steps: Int64 = 0) {
    rewindProgress(group, store, to: (truth.logs[store]?.map(\.position).max() ?? -1) - steps)
  }

  private mutating func rewindProgress(_ group: String, _ store: String, to position: Int64) {
    truth.progress?.removeAll { $0.group == group && $0.store == store }
    truth.progress?.append(ProgressRow(group: group, store: store, position: position))
  }
}
