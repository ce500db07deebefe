import Checks
import Events
import Testing

/// A drill in which east's store writes six events to its outbox, eu's mirror has them too, and all are carried.
private struct OutboxDrill {
  var outbox: [OutboxRow]? = []
  var carried: [CarriedRow]? = []
  /// How often the topic's consumer has applied each event; `nil`: once each that was carried.
  var applied: [UInt64: Int]?
  var operations: [Operation] = []
  var names = NameTable()

  static func id(_ number: UInt64) -> String { "00000000-0000-0000-0000-00000000000\(number)" }

  init() {
    for sequence in 0..<6 as Range<UInt64> {
      for store in ["east", "eu"] {
        outbox?.append(
          OutboxRow(
            store: store, row: Self.id(sequence), event: EventID(producer: 0, sequence: sequence), origin: "east",
            originSequence: Int64(sequence) + 1, key: UInt32(sequence % 2), keySequence: sequence / 2,
            checksum: sequence,
            isKept: true))
      }
      carry(sequence, at: Int64(sequence / 2))
      operations.append(
        Operation(
          .append, process: 0, event: EventID(producer: 0, sequence: sequence), key: UInt32(sequence % 2),
          keySequence: sequence / 2, node: names.node("east"), region: names.node("east"), token: 1,
          invoked: 12 * second, completed: 12 * second + 1, outcome: .ok))
    }
  }

  mutating func carry(_ sequence: UInt64, at offset: Int64, partition: UInt64? = nil) {
    carried?.append(
      CarriedRow(
        store: "east", partition: "outbox.orders-\(partition ?? sequence % 2)", offset: offset, row: Self.id(sequence),
        event: EventID(producer: 0, sequence: sequence), key: UInt32(sequence % 2), keySequence: sequence / 2,
        checksum: sequence))
  }

  var verdict: DrillVerdict {
    var truth = GroundTruth()
    truth.outbox = outbox
    truth.carried = carried
    let times = applied ?? Dictionary((carried ?? []).map { ($0.event.sequence, 1) }, uniquingKeysWith: max)
    truth.applied = times.sorted { $0.key < $1.key }.map {
      AppliedRow(
        group: "projection", store: "outbox.orders", event: EventID(producer: 0, sequence: $0.key), times: $0.value)
    }
    return judge(
      Evidence(
        history: HistoryEvidence(operations: operations, names: names), truth: truth,
        faults: [
          FaultInterval(
            id: "crash", kind: "process", armed: 10 * second, provenSince: 10 * second, disarmed: 20 * second,
            verifiedGone: 20 * second, packetsDropped: 9)
        ],
        milestones: Milestones(faultInForce: 10 * second, healed: 20 * second, quiescent: 30 * second),
        roles: Roles(primary: "east", survivor: "eu", stores: ["east", "eu"], mirrors: [], consumers: []),
        objectives: Objectives(leaseTTL: 4 * second), expectsFailover: false), checklist: [.outboxComplete])
  }

  func item() throws -> Verdict { try #require(verdict.items.first).verdict }

  /// The anomalies of a failing verdict, with the first one's sentence.
  func found() throws -> (anomalies: Set<String>, sentence: String) {
    guard case .fail(let witness) = try item() else { return ([], try item().headline) }
    return (Set(witness.findings.map(\.anomaly)), witness.sentence)
  }
}

@Suite struct OutboxCheckTests {
  @Test func `rows that are all carried once, each aggregate in its order, pass`() throws {
    guard case .pass(let coverage) = try OutboxDrill().item() else {
      Issue.record("\(try OutboxDrill().item().headline)")
      return
    }
    #expect(coverage.counts.first { $0.name == "rows" }?.value == 6)
    #expect(coverage.confidence?.trials.value == 6)
  }

  @Test func `a row that was never carried is a gap, found by its id`() throws {
    var drill = OutboxDrill()
    drill.carried?.removeAll { $0.row == OutboxDrill.id(3) }
    let (anomalies, sentence) = try drill.found()
    #expect(anomalies == ["outbox-gap"])
    #expect(sentence.contains("1 never carried"), "\(sentence)")
    guard case .fail(let witness) = try drill.item() else { return }
    #expect(witness.findings[0].what.contains(OutboxDrill.id(3)))
    #expect(witness.findings[0].events == [EventID(producer: 0, sequence: 3)])
  }

  @Test func `a row that only one of the stores has must be carried as well`() throws {
    var drill = OutboxDrill()
    drill.outbox?.removeAll { $0.store == "eu" && $0.row == OutboxDrill.id(5) }
    drill.carried?.removeAll { $0.row == OutboxDrill.id(5) }
    #expect(try drill.found().anomalies == ["outbox-gap"])
  }

  @Test func `a row that was carried again is a flood, and its order is not charged for it`() throws {
    var drill = OutboxDrill()
    for sequence in 0..<6 as Range<UInt64> { drill.carry(sequence, at: 10 + Int64(sequence)) }
    let (anomalies, sentence) = try drill.found()
    #expect(anomalies == ["outbox-flood"])
    #expect(sentence.contains("6 carried more than once"), "\(sentence)")
  }

  @Test func `a record whose row no store has is a stranger`() throws {
    var drill = OutboxDrill()
    drill.outbox?.removeAll { $0.row == OutboxDrill.id(5) }
    #expect(try drill.found().anomalies == ["outbox-stranger"])
  }

  @Test func `a record that says something else than its row is altered`() throws {
    for change: (inout CarriedRow) -> Void in [
      { $0.checksum += 1 }, { $0.event = EventID(producer: 9, sequence: 9) }, { $0.key = 1 }, { $0.keySequence = 7 },
    ] {
      var drill = OutboxDrill()
      guard var record = drill.carried?.last else { return }
      record.key = record.key == 1 ? 1 : record.key
      change(&record)
      if record == drill.carried?.last { record.key = 3 }
      drill.carried?[5] = record
      #expect(try drill.found().anomalies.contains("outbox-altered"))
    }
  }

  @Test func `an aggregate whose rows stand in another order, or in two partitions, has lost its own`() throws {
    var swapped = OutboxDrill()
    swapped.carried?.removeAll { [2, 4].map(OutboxDrill.id).contains($0.row) }
    swapped.carry(4, at: 1)
    swapped.carry(2, at: 2)
    #expect(try swapped.found().anomalies == ["outbox-order"])
    var moved = OutboxDrill()
    moved.carried?.removeAll { $0.row == OutboxDrill.id(4) }
    moved.carry(4, at: 9, partition: 1)
    #expect(try moved.found().anomalies == ["outbox-order"])
  }

  @Test func `a consumer that applies a row again, or not at all, fails`() throws {
    for (times, what): ([UInt64: Int], String) in [
      ([0: 2], "row \(OutboxDrill.id(0)) (p0-0) 2 times"), ([0: 0], "0 times"),
    ] {
      var drill = OutboxDrill()
      drill.applied = Dictionary(uniqueKeysWithValues: (0..<6 as Range<UInt64>).map { ($0, times[$0] ?? 1) })
      #expect(try drill.found().anomalies == ["outbox-misapplied"])
      guard case .fail(let witness) = try drill.item() else { return }
      #expect(witness.findings[0].what.contains(what), "\(witness.findings[0].what)")
    }
    var unread = OutboxDrill()
    unread.applied = [:]
    guard case .fail = try unread.item() else {
      #expect(try unread.item().headline.contains("what a consumer of the topic has applied"))
      return
    }
  }

  @Test func `without one of the dumps, or with empty ones, nothing is said`() throws {
    for (change, word): ((inout OutboxDrill) -> Void, String) in [
      ({ $0.outbox = nil }, "the dump of the stores' outbox"), ({ $0.carried = nil }, "the dump of the topic"),
      (
        {
          $0.outbox = []; $0.carried = []
        }, "rows of east's outbox"
      ),
      ({ $0.outbox?.removeAll { $0.store == "eu" } }, "rows of eu's outbox"),
    ] {
      var drill = OutboxDrill()
      change(&drill)
      guard case .inconclusive(let missing) = try drill.item() else {
        Issue.record("\(try drill.item().headline)")
        continue
      }
      #expect(missing.items.contains { $0.contains(word) }, "\(missing.items)")
    }
  }

  @Test func `where nothing was written under a fault the item is vacuous`() throws {
    var drill = OutboxDrill()
    drill.operations = []
    guard case .vacuous = try drill.item() else {
      Issue.record("\(try drill.item().headline)")
      return
    }
  }
}
