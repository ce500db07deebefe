import Checks
import Events
import KafkaWire
import Testing

/// `mirror-lag-zero` and `no-duplicates` over the record of a real mirrored pair, partition by partition.
@Suite struct PartitionItemsTests {
  private static let second: Int64 = 1_000_000_000

  private func item(_ item: ChecklistItem, _ evidence: Evidence) throws -> ItemVerdict {
    try #require(judge(evidence, checklist: [item]).items.first)
  }

  /// The pair with the ends of its logs, as they were when all was over.
  private func evidence(_ mirror: RecordedMirror) throws -> Evidence {
    var evidence = try mirror.evidence()
    let records = try #require(evidence.truth.records)
    let end = try #require(evidence.milestones.quiescent)
    evidence.truth.logBounds = Dictionary(grouping: records) { "\($0.store) \($0.partition)" }.values.compactMap {
      rows in
      guard let first = rows.first, let last = rows.map(\.offset).max() else { return nil }
      return LogBoundsRow(store: first.store, partition: first.partition, start: 0, end: last + 1, observed: end)
    }
    return evidence
  }

  /// What a target partition got while the worker was dead and shortly after, read five seconds late.
  private func late(_ evidence: inout Evidence, by delay: Int64 = 5 * second) {
    guard let healed = evidence.milestones.healed, let end = evidence.milestones.quiescent,
      let count = evidence.truth.records?.count
    else { return }
    for place in 0..<count {
      guard let row = evidence.truth.records?[place], row.store == "eu", let event = row.event, event.producer == 2,
        let time = row.observed
      else { continue }
      evidence.truth.records?[place].observed = min(max(time, healed) + delay, end)
    }
    evidence.milestones.quiescent = end + 60 * Self.second
    // The mirror lives on for that time, with nothing to carry.
    let sent = evidence.truth.heartbeats?.map(\.sent).max() ?? 0
    for second in Int64(1)...60 {
      evidence.truth.heartbeats?.append(
        HeartbeatRow(source: "east", target: "eu", sent: sent + 1000 * second, observed: end + second * Self.second))
    }
  }

  @Test func `a mirror that fell behind and came back passes, and offsets would have claimed a lag for ever`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    let item = try item(.mirrorLagZero, evidence)
    guard case .pass(let coverage) = item.verdict else {
      Issue.record("\(item.verdict.headline)")
      return
    }
    #expect(coverage.sentence.contains("caught up"))
    let claimed = try #require(item.measures.first { $0.name.contains("would have claimed") })
    #expect(claimed.value != 0)
    #expect(item.measures.contains { $0.name == "east→eu longest lag during the fault" && $0.value > 2 })
  }

  @Test func `a record that the mirror left out fails, by identity`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    let gone = EventID(producer: 1, sequence: 40)
    evidence.truth.records?.removeAll { $0.store == "eu" && $0.event == gone }
    guard case .fail(let witness) = try item(.mirrorLagZero, evidence).verdict else {
      Issue.record("no FAIL")
      return
    }
    #expect(witness.findings.contains { $0.anomaly == "M1" && $0.events == [gone] })
  }

  @Test func `records that never came make the item fail when their time is over, and inconclusive before`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    evidence.truth.records?.removeAll { $0.store == "eu" && $0.event?.producer == 2 }
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .inconclusive)
    evidence.objectives.mirrorCatchUp = 10 * Self.second
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .fail)
  }

  @Test func `an origin that acknowledged writes and of which nothing was read is no mirror without lag`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    evidence.roles.mirrors.append(MirrorDirection(from: "eu", to: "east"))
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .pass, "nothing was written in eu")
    var names = evidence.history.names
    let eu = names.node("eu")
    var operations = evidence.history.operations
    let time = try #require(evidence.milestones.healed)
    operations.append(
      Operation(
        .append, process: 4, event: EventID(producer: 9, sequence: 0), key: 0, keySequence: 0, node: eu, region: eu,
        invoked: time + 10, completed: time + 20, outcome: .ok))
    evidence.history = HistoryEvidence(operations: operations, names: names)
    let verdict = try item(.mirrorLagZero, evidence).verdict
    #expect(verdict.kind == .inconclusive, "\(verdict.headline)")
    #expect("\(verdict)".contains("what eu had for east: writes were acknowledged there"), "\(verdict)")
  }

  @Test func `retention that overtakes the mirror is found by comparison`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    let end = try #require(evidence.milestones.quiescent)
    // Three records were cut off the source before they were carried; the mirror went on behind them without an error.
    let gone = Set((40..<43).map { EventID(producer: 1, sequence: UInt64($0)) })
    let cut = try #require(
      evidence.truth.records?.filter { $0.store == "east" && $0.event.map(gone.contains) ?? false })
    let (partition, last) = (try #require(cut.first?.partition), try #require(cut.map(\.offset).max()))
    let time = try #require(cut.compactMap(\.observed).max())
    for place in (evidence.truth.records ?? []).indices {
      guard let row = evidence.truth.records?[place], row.store == "eu", row.partition.hasSuffix(partition),
        let seen = row.observed, seen >= time
      else { continue }
      evidence.truth.records?[place].observed = seen + Self.second
    }
    evidence.truth.records?.removeAll { $0.store == "eu" && $0.event.map(gone.contains) ?? false }
    evidence.truth.logBounds?.append(
      LogBoundsRow(store: "east", partition: partition, start: last + 1, end: last + 1, observed: time + 1))
    evidence.truth.logBounds?.append(
      LogBoundsRow(store: "east", partition: partition, start: last + 1, end: 200, observed: end))
    guard case .fail(let witness) = try item(.noAcknowledgedLoss, evidence).verdict else {
      Issue.record("no FAIL: \(try item(.noAcknowledgedLoss, evidence).verdict.headline)")
      return
    }
    #expect(witness.findings.contains { $0.anomaly == "M15" }, "\(witness.findings.map(\.what))")
    // The lag came back to zero all the same: that is what makes the loss silent.
    let lag = try item(.mirrorLagZero, evidence).verdict
    #expect(lag.kind == .pass, "\(lag.headline)")
  }

  @Test func `what Connect said and what the log ends would have claimed stand beside the verdict`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    let fault = try #require(evidence.faults.first)
    let gone = try #require(fault.verifiedGone)
    func state(_ state: String, _ task: Int?, at time: Int64, source: String? = "east") -> ConnectorStateRow {
      ConnectorStateRow(
        store: "eu", connector: "east-to-eu-source", source: source, task: task, state: state, observed: time)
    }
    evidence.truth.connectorStates = [
      state("RUNNING", nil, at: 0), state("RUNNING", 0, at: 0), state("FAILED", 0, at: (fault.armed + gone) / 2),
      // Another connector's word is not the mirror's.
      state("FAILED", nil, at: 0, source: nil),
    ]
    let item = try item(.mirrorLagZero, evidence)
    #expect(item.verdict.kind == .pass)
    let share = try #require(item.measures.first { $0.name.hasSuffix("Connect called the mirror RUNNING") })
    #expect(share.value == 50 && share.unit == "%")
    #expect(item.measures.contains { $0.name == "east→eu lag that the log ends would have claimed at the end" })
    #expect(item.measures.contains { $0.name == "east→eu orders.us-0 longest lag" })
  }

  @Test func `heartbeats that were read all along and never came are an outage that nobody noticed`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    evidence.milestones.baselineStart = 0
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .pass)
    // As where those of the wrong cluster were read, and set aside.
    evidence.truth.heartbeats = []
    guard case .fail(let witness) = try item(.mirrorLagZero, evidence).verdict else {
      Issue.record("no FAIL: \(try item(.mirrorLagZero, evidence).verdict.headline)")
      return
    }
    #expect(Set(witness.findings.map(\.anomaly)) == ["M12"])
  }

  @Test func `a mirror that a runbook stopped is excused for that time, and the verdict says so`() throws {
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    let beats = (evidence.truth.heartbeats ?? []).map(\.observed).sorted()
    let last = try #require(beats.last)
    // 30 s without a word, within the minute that is added after the recorded end.
    let silence = last - 45 * Self.second...last - 15 * Self.second
    evidence.truth.heartbeats?.removeAll { silence.contains($0.observed) }
    guard case .fail(let witness) = try item(.mirrorLagZero, evidence).verdict else {
      Issue.record("no FAIL: \(try item(.mirrorLagZero, evidence).verdict.headline)")
      return
    }
    #expect(Set(witness.findings.map(\.anomaly)) == ["M12"])
    let flow = MirrorDirection(from: "east", to: "eu")
    evidence.pauses = [
      MirrorPause(MirrorDirection(from: "eu", to: "east"), began: silence.lowerBound, ended: silence.upperBound)
    ]
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .fail, "the other direction was stopped")
    evidence.pauses = [MirrorPause(flow, began: silence.lowerBound, ended: silence.upperBound)]
    guard case .pass(let coverage) = try item(.mirrorLagZero, evidence).verdict else {
      Issue.record("no PASS: \(try item(.mirrorLagZero, evidence).verdict.headline)")
      return
    }
    #expect(
      coverage.notes == ["the runbook had stopped east→eu for 30.0 s, in which nothing was expected of it"])
  }

  @Test func `a cluster into which nothing was ever written has nothing to carry`() throws {
    let flows = [MirrorDirection(from: "east", to: "eu"), MirrorDirection(from: "eu", to: "east")]
    var evidence = try evidence(try RecordedMirror())
    late(&evidence)
    evidence.roles.mirrors = flows
    let end = try #require(evidence.milestones.quiescent)
    for (store, partition) in [("eu", "orders.us-0"), ("east", "eu.orders.us-0")] {
      evidence.truth.logBounds?.append(
        LogBoundsRow(store: store, partition: partition, start: 0, end: store == "eu" ? 0 : 7, observed: end))
    }
    guard case .pass(let coverage) = try item(.mirrorLagZero, evidence).verdict else {
      Issue.record("\(try item(.mirrorLagZero, evidence).verdict.headline)")
      return
    }
    #expect(coverage.sentence.contains("eu→east carried nothing"))
    // Where there was something, and nobody read it, nothing is told.
    evidence.truth.logBounds?.append(
      LogBoundsRow(store: "eu", partition: "orders.us-0", start: 0, end: 3, observed: end))
    #expect(try item(.mirrorLagZero, evidence).verdict.kind == .inconclusive)
  }

  @Test func `an exactly-once mirror has none twice, and one that repeats is found with its stretch`() throws {
    var evidence = try evidence(try RecordedMirror())
    guard case .pass(let coverage) = try item(.noDuplicates, evidence).verdict else {
      Issue.record("\(try item(.noDuplicates, evidence).verdict.headline)")
      return
    }
    #expect((coverage.counts.first?.value ?? 0) > 300)

    // What a mirror without exactly-once does after a reconnect: the last twelve records once more.
    let records = try #require(evidence.truth.records)
    let target = records.filter { $0.store == "eu" && $0.partition == "east.orders.us-0" }
    let end = (target.map(\.offset).max() ?? 0) + 1
    let again = target.filter { $0.event != nil }.suffix(12)
    for (place, row) in again.enumerated() {
      var copy = row
      copy.offset = end + Int64(place)
      copy.transactionalID = nil
      evidence.truth.records?.append(copy)
    }
    guard case .fail(let witness) = try item(.noDuplicates, evidence).verdict else {
      Issue.record("no FAIL")
      return
    }
    let stretch = try #require(witness.findings.first { $0.anomaly == "M2" })
    #expect(stretch.what.hasPrefix("12 records of east once more in east.orders.us-0 of eu, from "))
    // The independent count.
    let identities = (evidence.truth.records ?? []).filter { $0.store == "eu" && $0.partition == "east.orders.us-0" }
      .compactMap(\.event)
    #expect(Dictionary(grouping: identities) { $0 }.filter { $0.value.count > 1 }.count == again.count)
    #expect(Set(again.compactMap(\.event)) == Set(stretch.events))

    // Where the contract promises no more than at least once, they are counted and permitted.
    evidence.contract.permissions = .atLeastOnceMirror
    guard case .pass(let permitted) = try item(.noDuplicates, evidence).verdict else {
      Issue.record("\(try item(.noDuplicates, evidence).verdict.headline)")
      return
    }
    #expect(permitted.notes.contains { $0.contains("M2") && $0.contains("permitted") }, "\(permitted.notes)")
  }

  @Test func `an event that a producer wrote twice is a duplicate whatever the mirror promises`() throws {
    var evidence = try evidence(try RecordedMirror())
    evidence.contract.permissions = .atLeastOnceMirror
    var copy = try #require(evidence.truth.records?.last { $0.store == "east" && $0.event?.producer == 2 })
    copy.offset = 500
    evidence.truth.records?.append(copy)
    guard case .fail(let witness) = try item(.noDuplicates, evidence).verdict else {
      Issue.record("no FAIL")
      return
    }
    #expect(witness.findings.contains { $0.anomaly == "L3" && $0.events == copy.event.map { [$0] } })
  }

  @Test func `without the records of an end nothing is told`() throws {
    for store in ["east", "eu"] {
      var evidence = try evidence(try RecordedMirror())
      evidence.truth.records?.removeAll { $0.store == store }
      #expect(try item(.mirrorLagZero, evidence).verdict.kind != .pass, "\(store)")
      #expect(try item(.noDuplicates, evidence).verdict.kind == .inconclusive, "\(store)")
    }
  }
}
