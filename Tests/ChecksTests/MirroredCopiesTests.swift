import Events
import Testing

@testable import Checks

/// What a mirror has carried twice: stretch by stretch in each partition, and held against what came into that partition.
@Suite struct MirroredCopiesTests {
  private func event(_ number: UInt64) -> EventID { EventID(producer: 1, sequence: number) }

  /// A clean mirror from east to eu, of two partitions: 30 events each, one a second.
  private func log() -> [LogRow] {
    (0..<60 as Range<UInt64>).map { number in
      LogRow(
        store: "eu", partition: "east.orders-\(number % 2)", position: Int64(number / 2), event: event(number),
        origin: "east", originSequence: Int64(number / 2), key: UInt32(number % 2), keySequence: number / 2, token: 1)
    }
  }

  /// The log with events once more at the end of their partitions.
  private func log(again numbers: some Sequence<UInt64>) -> [LogRow] {
    let log = log()
    let copies = numbers.enumerated().map { place, number in
      var row = log[Int(number)]
      row.position = 1000 + Int64(place)
      return row
    }
    return log + copies
  }

  private func evidence(
    _ log: [LogRow], permits: Permissions = .none, redelivery: MirrorRedelivery? = nil
  ) -> Evidence {
    var names = NameTable()
    let (store, east) = (names.node("eu"), names.node("east"))
    let writes = self.log().map { row in
      let time = (99 + Int64(row.event.sequence) / 2) * second
      return Operation(
        .append, process: 0, event: row.event, key: row.key, keySequence: row.keySequence, node: east, region: east,
        position: row.originSequence, token: 1, invoked: time, completed: time, outcome: .ok,
        partition: names.partition("orders-\(row.key)"))
    }
    let source = self.log().map { row in
      var row = row
      (row.store, row.partition) = ("east", "orders-\(row.key)")
      return row
    }
    let seen = log.map { row in
      let time = row.position >= 1000 ? 200 * second + row.position : (100 + Int64(row.event.sequence) / 2) * second
      return Operation(
        .observe, process: 1, event: row.event, key: row.key, keySequence: row.keySequence, node: store, region: store,
        origin: east, position: row.position, invoked: time, completed: time, outcome: .ok,
        partition: names.partition(row.partition ?? ""))
    }
    return Evidence(
      history: HistoryEvidence(operations: writes + seen, names: names),
      truth: GroundTruth(logs: ["east": source, "eu": log]),
      faults: [
        FaultInterval(
          id: "cut", kind: "partition", armed: 90 * second, provenSince: 90 * second, disarmed: 300 * second,
          verifiedGone: 300 * second, packetsDropped: 1)
      ],
      milestones: Milestones(faultInForce: 90 * second, healed: 300 * second, quiescent: 400 * second),
      roles: Roles(
        primary: "east", survivor: "eu", stores: ["eu"], mirrors: [MirrorDirection(from: "east", to: "eu")],
        consumers: []),
      contract: Contract(permits: [], permissions: permits, refusalCodes: [], redeliveryCodes: []),
      objectives: Objectives(leaseTTL: second), expectsFailover: false, redelivery: redelivery)
  }

  private func verdict(_ evidence: Evidence) throws -> Verdict {
    try #require(judge(evidence, checklist: [.noDuplicates]).items.first).verdict
  }

  private func findings(_ evidence: Evidence) throws -> [Finding] {
    guard case .fail(let witness) = try verdict(evidence) else { return [] }
    return witness.findings.filter { ["L3", "M2"].contains($0.anomaly) }
  }

  @Test func `a mirror that carried nothing twice passes`() throws {
    let verdict = try verdict(evidence(log()))
    #expect(verdict.kind == .pass, "\(verdict.headline)")
  }

  @Test func `each stretch is one violation, with its length and its partition`() throws {
    // Everything of partition 0 once more, and two events of partition 1.
    let again: [UInt64] = Array(stride(from: 0 as UInt64, to: 60, by: 2)) + [57, 59]
    let found = try findings(evidence(log(again: again)))
    #expect(found.map(\.anomaly) == ["M2", "M2"])
    #expect(found.first?.what.hasPrefix("30 records of east once more in east.orders-0 of eu, from ") == true)
    #expect(found.last?.what.hasPrefix("2 records of east once more in east.orders-1 of eu, from ") == true)
    let text = try verdict(evidence(log(again: again))).headline
    #expect(text.contains("32 records carried twice by a mirror, in 2 stretches"), "\(text)")
  }

  @Test func `a permitted storm is counted, and a copy in another partition is not let pass with it`() throws {
    let permission = Permissions([.init(.mirrorDuplicate, "the target had lost its topics")])
    guard case .pass(let coverage) = try verdict(evidence(log(again: 0..<20), permits: permission)) else {
      Issue.record("\(try verdict(evidence(log(again: 0..<20), permits: permission)))")
      return
    }
    #expect(coverage.sentence.contains("no event twice but 10 records of east once more in east.orders-0 of eu"))
    #expect(coverage.notes.contains { $0.contains("M2") && $0.contains("the target had lost its topics") })
    var strayed = log(again: 0..<20)
    strayed[60].partition = "east.orders-1"
    let found = try findings(evidence(strayed, permits: permission))
    #expect(Set(found.map(\.anomaly)) == ["L3"] && Set(found.flatMap(\.events)) == [event(0)], "\(found.map(\.what))")
  }

  /// The worker ended at 120 s; in the 4 s before and the second around, ten events came: five into each partition.
  private func redelivery(every interval: Int64 = 4 * second) -> MirrorRedelivery {
    MirrorRedelivery(positionsEvery: interval, ends: [.init(into: "eu", at: 120 * second)])
  }

  @Test func `what came into one partition does not excuse copies in another`() throws {
    let bound = redelivery()
    // By the last ten events of both partitions together: five and five, which may be.
    let fair = evidence(log(again: 32..<42), permits: .atLeastOnceMirror, redelivery: bound)
    #expect(try findings(fair).isEmpty)
    let verdict = try verdict(fair)
    #expect(verdict.kind == .pass, "\(verdict.headline)")
    // Ten of one partition: as many in all, and more than had come there.
    let one = evidence(
      log(again: stride(from: 22, to: 42, by: 2)), permits: .atLeastOnceMirror, redelivery: bound)
    let found = try findings(one)
    #expect(found.map(\.anomaly) == ["L3"])
    #expect(found.first?.what.contains("10 records of east once more in east.orders-0 of eu") == true)
    #expect(found.first?.what.contains("more than the mirror may carry again") == true)
  }

  /// The same, told by the partitions' own records, without a dump of the log.
  @Test(arguments: [(false, Verdict.Kind.pass), (true, .fail)])
  func `records of partitions are bound as rows of a log are`(isLong: Bool, kind: Verdict.Kind) throws {
    let rows = isLong ? log(again: stride(from: 22, to: 42, by: 2)) : log(again: 32..<42)
    var evidence = evidence(rows, permits: .atLeastOnceMirror, redelivery: redelivery())
    let source = (evidence.truth.logs["east"] ?? []) + rows
    evidence.truth.logs = [:]
    evidence.truth.records = source.map { row in
      var record = PartitionRow(
        store: row.store, partition: row.partition ?? "", offset: row.position, event: row.event)
      record.key = row.key
      record.keySequence = row.keySequence
      record.observed =
        row.position >= 1000 ? 200 * second + row.position : (100 + Int64(row.event.sequence) / 2) * second
      return record
    }
    let verdict = try verdict(evidence)
    #expect(verdict.kind == kind, "\(verdict)")
    if isLong { #expect("\(verdict)".contains("10 records of east once more in east.orders-0 of eu"), "\(verdict)") }
  }
}
