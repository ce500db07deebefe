import Checks
import Events
import Testing

/// Items over stores whose logs have partitions: order, progress and loss are told partition by partition.
@Suite struct PartitionedLogTests {
  private var names = NameTable()
  private var operations: [Operation] = []
  private var truth = GroundTruth(logs: ["east": [], "eu": []], applied: [], progress: [], grants: [])

  init() {
    for name in ["east", "eu"] {
      _ = names.node(name)
      truth.fences[name] = [
        FenceEntry(
          store: name, token: 1, mode: name == "east" ? .readWrite : .readOnly, holder: "east", barrierPosition: -1,
          barrierOriginSequence: -1)
      ]
    }
    // Ten events of two aggregates, each in a partition of its own, acknowledged in east and mirrored to eu.
    for number in 0..<10 as Range<UInt64> {
      let key = UInt32(number % 2)
      write(number, key: key, at: 10 + Int64(number))
      row(number, key: key, in: "east", "orders-\(key)", at: Int64(number / 2))
      // In eu every offset is another one, and the second partition stands before the first.
      row(number, key: key, in: "eu", "east.orders-\(key)", at: Int64(number / 2) * 3 + (key == 0 ? 100 : 0))
    }
    truth.progress = [
      ProgressRow(group: "billing", store: "eu", partition: "east.orders-0", position: 112),
      ProgressRow(group: "billing", store: "eu", partition: "east.orders-1", position: 12),
    ]
  }

  private mutating func write(_ number: UInt64, key: UInt32, at time: Int64) {
    operations.append(
      Operation(
        .append, process: 0, event: EventID(producer: 0, sequence: number), key: key, keySequence: number / 2,
        node: names.node("east"), region: names.node("east"), position: Int64(number / 2), token: 1,
        invoked: time * second - 1, completed: time * second, outcome: .ok, partition: names.partition("orders-\(key)"))
    )
  }

  private mutating func row(_ number: UInt64, key: UInt32, in store: String, _ partition: String, at offset: Int64) {
    let event = EventID(producer: 0, sequence: number)
    truth.logs[store]?.append(
      LogRow(
        store: store, partition: partition, position: offset, event: event, origin: "east",
        originSequence: Int64(number / 2), key: key, keySequence: number / 2, token: 1))
    operations.append(
      Operation(
        .observe, process: 1, event: event, key: key, keySequence: number / 2, node: names.node(store),
        region: names.node(store), origin: names.node("east"), position: offset, invoked: 30 * second,
        completed: 30 * second + Int64(number), outcome: .ok, partition: names.partition(partition)))
    guard store == "eu" else { return }
    truth.applied?.append(AppliedRow(group: "billing", store: store, event: event, times: 1))
    operations.append(
      Operation(
        .apply, process: 2, event: event, key: key, keySequence: number / 2, node: names.node(store),
        region: names.node(store), position: offset, group: names.group("billing"), invoked: 31 * second,
        completed: 31 * second + Int64(number), outcome: .ok, partition: names.partition(partition)))
  }

  private func verdict(_ item: ChecklistItem, _ change: (inout GroundTruth) -> Void = { _ in }) throws -> ItemVerdict {
    var truth = truth
    change(&truth)
    let evidence = Evidence(
      history: HistoryEvidence(operations: operations, names: names), truth: truth,
      faults: [
        FaultInterval(
          id: "cut", kind: "partition", armed: 9 * second, provenSince: 9 * second, disarmed: 40 * second,
          verifiedGone: 40 * second, packetsDropped: 1)
      ],
      milestones: Milestones(faultInForce: 9 * second, healed: 40 * second, quiescent: 60 * second),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["east", "eu"],
        mirrors: [MirrorDirection(from: "east", to: "eu")], consumers: [ConsumerRole(group: "billing", store: "eu")]),
      contract: Contract(permits: [], refusalCodes: [], redeliveryCodes: []),
      objectives: Objectives(leaseTTL: 10 * second), expectsFailover: false)
    return try #require(judge(evidence, checklist: [item]).items.first)
  }

  private func findings(_ item: ChecklistItem, _ change: (inout GroundTruth) -> Void) throws -> [Finding] {
    guard case .fail(let witness) = try verdict(item, change).verdict else { return [] }
    return witness.findings
  }

  @Test(arguments: [
    ChecklistItem.orderPerAggregate, .consumerProgress, .noAcknowledgedLoss, .noDuplicates,
  ]) func `partitions whose offsets overlap are told apart`(_ item: ChecklistItem) throws {
    let verdict = try verdict(item).verdict
    #expect(verdict.kind == .pass, "\(verdict.headline)")
  }

  @Test func `order within a partition is kept, and its violation named`() throws {
    let found = try findings(.orderPerAggregate) { truth in
      // The first two events of aggregate 0 in eu change places.
      let rows = (truth.logs["eu"] ?? []).indices.filter { truth.logs["eu"]?[$0].key == 0 }
      truth.logs["eu"]?[rows[0]].position = 103
      truth.logs["eu"]?[rows[1]].position = 100
    }
    #expect(found.contains { $0.anomaly == "L18" && $0.store == "eu" })
  }

  @Test func `a group that skipped in one partition is not excused by the other`() throws {
    let found = try findings(.consumerProgress) { truth in
      truth.applied?.removeAll { $0.event == EventID(producer: 0, sequence: 3) }
    }
    #expect(found.contains { $0.anomaly == "L15" && $0.events == [EventID(producer: 0, sequence: 3)] })
    #expect(found.contains { $0.what.contains("east.orders-1") })
  }

  @Test func `a copy that a group refuses is read, and what it commits behind it is not too far`() throws {
    // The mirror has written the last event of aggregate 1 once more; the projection refuses it, and goes on behind it.
    var drill = self
    let again = EventID(producer: 0, sequence: 9)
    let names = (
      node: drill.names.node("eu"), log: drill.names.partition("east.orders-1"), group: drill.names.group("billing")
    )
    func seen(_ kind: OperationKind, _ event: EventID, _ offset: Int64, _ outcome: Outcome, by process: UInt32) {
      drill.operations.append(
        Operation(
          kind, process: process, event: event, key: 1, keySequence: 4, node: names.node, region: names.node,
          origin: kind == .observe ? drill.names.node("east") : nil, position: offset,
          group: kind == .apply ? names.group : nil, committed: kind == .apply ? offset : nil, invoked: 35 * second,
          completed: 35 * second + offset, outcome: outcome, partition: names.log))
    }
    drill.write(11, key: 1, at: 25)
    let next = EventID(producer: 0, sequence: 11)
    seen(.observe, again, 13, .ok, by: 1)
    seen(.observe, next, 14, .ok, by: 1)
    seen(.apply, again, 13, .fail(drill.names.code("already-applied")), by: 2)
    seen(.apply, next, 14, .ok, by: 2)
    let found = examineLogs(
      Evidence(
        history: HistoryEvidence(operations: drill.operations, names: drill.names), truth: GroundTruth(), faults: [],
        milestones: Milestones(),
        roles: Roles(primary: "east", survivor: "eu", stores: ["east", "eu"], mirrors: [], consumers: []),
        objectives: Objectives(leaseTTL: second))
    ).filter { [.committedTooFar, .pollSkip, .nonmonotonicPoll].contains($0.anomaly) }.flatMap(\.findings)
    #expect(found.isEmpty, "\(found.map(\.what))")
  }

  @Test func `a group that stopped in one partition is found there`() throws {
    let found = try findings(.consumerProgress) { truth in
      truth.progress?[1].position = 6
      truth.applied?.removeAll { [7, 9].contains($0.event.sequence) }
    }
    #expect(found.map(\.anomaly) == ["L22"])
    #expect(found.first?.what.contains("east.orders-1") == true)
    // No progress at all in a partition is none, and not that of another one.
    #expect(try findings(.consumerProgress) { $0.progress?.removeLast() }.contains { $0.anomaly == "L22" })
  }

  @Test func `what only its origin has is on its way, and lost once the origin has let go of it`() throws {
    let last = EventID(producer: 0, sequence: 9)
    func lose(_ truth: inout GroundTruth) {
      truth.logs["eu"]?.removeAll { $0.event == last }
      truth.applied?.removeAll { $0.event == last }
    }
    guard case .pass(let coverage) = try verdict(.noAcknowledgedLoss, lose).verdict else {
      Issue.record("\(try verdict(.noAcknowledgedLoss, lose).verdict.headline)")
      return
    }
    #expect(coverage.notes.contains { $0.contains("mirror-lag-zero") })
    let found = try findings(.noAcknowledgedLoss) { truth in
      lose(&truth)
      truth.logBounds = [LogBoundsRow(store: "east", partition: "orders-1", start: 5, end: 5, observed: 50 * second)]
    }
    #expect(found.contains { $0.anomaly == "L2" && $0.events == [last] })
    // Another partition's start says nothing about it.
    let other = try findings(.noAcknowledgedLoss) { truth in
      lose(&truth)
      truth.logBounds = [LogBoundsRow(store: "east", partition: "orders-0", start: 5, end: 5, observed: 50 * second)]
    }
    #expect(other.filter { $0.anomaly == "L2" }.isEmpty)
    // Where nobody has it, it is lost.
    #expect(
      try findings(.noAcknowledgedLoss) { truth in
        lose(&truth)
        truth.logs["east"]?.removeAll { $0.event == last }
      }.contains { $0.anomaly == "L2" })
  }
}
