import Checks
import Events
import KafkaWire
import Testing

/// The item `offsets-translated` over the record of a real mirrored pair, and over that record with errors planted in its bytes.
@Suite struct OffsetsTranslatedTests {
  private func verdict(_ evidence: Evidence) throws -> ItemVerdict {
    try #require(judge(evidence, checklist: [.offsetsTranslated]).items.first)
  }

  private func witness(_ evidence: Evidence) throws -> Witness {
    let verdict = try verdict(evidence).verdict
    guard case .fail(let witness) = verdict else {
      Issue.record("no FAIL: \(verdict.headline)")
      return Witness("", [])
    }
    return witness
  }

  @Test func `a real mirror passes, and it says for how many positions a raw copy would have been seen`() throws {
    let evidence = try RecordedMirror().evidence()
    let item = try verdict(evidence)
    guard case .pass(let coverage) = item.verdict else {
      Issue.record("\(item.verdict.headline)")
      return
    }
    #expect(coverage.counts.map(\.value).allSatisfy { $0 > 10 })
    #expect(coverage.sentence.contains("2 partitions"))
    #expect(item.measures.contains { $0.name.contains("billing would read again") })
    let rows = examineMirrors(MirrorEvidence.of(evidence)).rows
    #expect(rows.flatMap(\.findings).map(\.what) == [])
    let judged = Dictionary(rows.map { ($0.anomaly, $0.examined?.value ?? 0) }, uniquingKeysWith: { one, _ in one })
    #expect((judged[.syncPointFalse] ?? 0) > 50)
    #expect((judged[.translationOvershoot] ?? 0) >= 10)
    #expect((judged[.mirrorMissing] ?? 0) > 150)
    #expect((judged[.heartbeatGap] ?? 0) > 30)
  }

  @Test func `offsets copied raw at failover fail, with group, partition and what they should have been`() throws {
    var mirror = try RecordedMirror()
    // Who moves the groups writes what they had committed at the source.
    let raw: [String: Int64] = ["billing 0": 98, "billing 1": 61, "idle 0": 21]
    try mirror.edit("eu/__consumer_offsets-0") { record in
      guard case .commit(let commit) = try ConsumerOffsetsRecord(key: record.key, value: record.value),
        let state = commit.state, let offset = raw["\(commit.group) \(commit.partition)"]
      else { return record }
      var copied = record
      copied.value = commitValue(offset, state.committedAt)[...]
      return copied
    }
    let witness = try witness(try mirror.evidence())
    let text = witness.findings.map(\.what).joined(separator: "\n")
    #expect(text.contains("billing") && text.contains("orders.us-0") && text.contains("98"))
    #expect(witness.findings.contains { $0.anomaly == "M6" || $0.what.contains("copied as it is") }, "\(text)")
  }

  @Test func `a raw copy that skips nothing, as behind duplicates, fails as well`() throws {
    var mirror = try RecordedMirror()
    // billing's position in partition 1 becomes its newest raw offset of long ago: everything behind it is read again.
    try mirror.edit("eu/__consumer_offsets-0") { record in
      guard case .commit(let commit) = try ConsumerOffsetsRecord(key: record.key, value: record.value),
        let state = commit.state, commit.group == "idle"
      else { return record }
      var copied = record
      copied.value = commitValue(21, state.committedAt)[...]
      return copied
    }
    try mirror.edit("eu/east.checkpoints.internal-0") { record in
      let checkpoint = try CheckpointRecord(key: record.key, value: record.value)
      return checkpoint?.group == "idle" ? nil : record
    }
    let text = try witness(try mirror.evidence()).findings.map(\.what).joined(separator: "\n")
    #expect(text.contains("idle"), "\(text)")
  }

  @Test(arguments: [Int64(-500), -20, 1])
  func `a sync point of another record fails`(by shift: Int64) throws {
    var mirror = try RecordedMirror()
    var count = 0
    try mirror.edit("east/mm2-offset-syncs.eu.internal-0") { record in
      guard var sync = try OffsetSyncRecord(key: record.key, value: record.value), sync.topic == "orders.us",
        sync.partition == 0, sync.upstream > 60
      else { return record }
      count += 1
      guard count == 5 else { return record }
      sync.upstream += shift
      var changed = record
      changed.value = sync.encoded().value[...]
      return changed
    }
    #expect(count > 5)
    let witness = try witness(try mirror.evidence())
    #expect(witness.findings.contains { $0.anomaly == "M19" }, "\(witness.findings.map(\.what))")
  }

  @Test func `a checkpoint rewound by 500 records' worth of sync points fails`() throws {
    var mirror = try RecordedMirror()
    try mirror.edit("eu/east.checkpoints.internal-0") { record in
      guard var checkpoint = try CheckpointRecord(key: record.key, value: record.value),
        checkpoint.group == "billing", checkpoint.upstream == 98
      else { return record }
      checkpoint.downstream = max(0, checkpoint.downstream - 500)
      var changed = record
      changed.value = checkpoint.encoded().value[...]
      return changed
    }
    let witness = try witness(try mirror.evidence())
    #expect(Set(witness.findings.map(\.anomaly)).isSubset(of: ["M7", "M9", "M18"]))
    #expect(witness.findings.contains { $0.what.contains("billing") })
  }

  @Test func `a checkpoint of another cluster fails, by its topic or by its offsets`() throws {
    var mirror = try RecordedMirror()
    var count = 0
    func plant(_ change: (inout CheckpointRecord) -> Void) throws {
      count = 0
      try mirror.edit("eu/east.checkpoints.internal-0") { record in
        guard var checkpoint = try CheckpointRecord(key: record.key, value: record.value) else { return record }
        count += 1
        guard count == 6 else { return record }
        change(&checkpoint)
        var changed = record
        changed.key = checkpoint.encoded().key[...]
        changed.value = checkpoint.encoded().value[...]
        return changed
      }
    }
    try plant { $0.topic = "ap.orders.us" }
    let byTopic = try mirror.evidence()
    #expect(try witness(byTopic).findings.contains { $0.what.contains("east has no such partition") })
    #expect(try mirror.wire().strangers == ["a checkpoint of ap.orders.us among those of east"])

    mirror = try RecordedMirror()
    try plant { ($0.upstream, $0.downstream) = (90_210, 88_004) }
    let text = try witness(try mirror.evidence()).findings.map(\.what).joined(separator: "\n")
    #expect(text.contains("88004"), "\(text)")
  }

  @Test func `without sync points, or with a gap in them, nothing is told, and it says what is missing`() throws {
    var mirror = try RecordedMirror()
    mirror.batches["east/mm2-offset-syncs.eu.internal-0"] = nil
    guard case .inconclusive(let missing) = try verdict(try mirror.evidence()).verdict else {
      Issue.record("not INCONCLUSIVE")
      return
    }
    #expect(missing.sentence.contains("the sync points of east→eu"))

    // Those that were compacted away before anybody read them.
    mirror = try RecordedMirror()
    mirror.edit("east/mm2-offset-syncs.eu.internal-0") { $0.offset < 60 ? nil : $0 }
    guard case .inconclusive(let gap) = try verdict(try mirror.evidence()).verdict else {
      Issue.record("not INCONCLUSIVE: \(try verdict(try mirror.evidence()).verdict.headline)")
      return
    }
    #expect(gap.sentence.contains("sync points of east→eu orders.us-0 up to target offset"))
  }

  @Test func `without dumps of the groups or of the records nothing is told`() throws {
    for name in ["east/__consumer_offsets-0", "eu/east.checkpoints.internal-0"] {
      var mirror = try RecordedMirror()
      mirror.batches[name] = nil
      let kind = try verdict(try mirror.evidence()).verdict.kind
      #expect(kind == .inconclusive || name.hasPrefix("east/__"), "\(name): \(kind)")
    }
    var evidence = try RecordedMirror().evidence()
    evidence.truth.groupOffsets = nil
    #expect(try verdict(evidence).verdict.kind == .inconclusive)
    evidence = try RecordedMirror().evidence()
    evidence.truth.records = nil
    #expect(try verdict(evidence).verdict.kind == .inconclusive)
  }

  /// Two logs with the same offsets: a raw copy and a translation look alike.
  @Test func `where translated and raw offsets are the same, the item is vacuous`() throws {
    var evidence = try RecordedMirror().evidence()
    var records: [PartitionRow] = []
    var syncs: [OffsetSyncRow] = []
    for number in Int64(0)..<40 {
      for (store, partition) in [("east", "orders-0"), ("eu", "east.orders-0")] {
        var row = PartitionRow(
          store: store, partition: partition, offset: number, event: EventID(producer: 1, sequence: UInt64(number)))
        row.observed = number
        records.append(row)
      }
      syncs.append(
        OffsetSyncRow(
          source: "east", target: "eu", partition: "orders-0", upstream: number, downstream: number, offset: number,
          observed: number + 1))
    }
    evidence.truth.records = records
    evidence.truth.offsetSyncs = syncs
    evidence.truth.mirrorRestarts = nil
    evidence.truth.checkpoints = [
      CheckpointRow(
        source: "east", target: "eu", group: "g", partition: "orders-0", upstream: 30, downstream: 30, observed: 50)
    ]
    evidence.truth.groupOffsets = [
      GroupOffsetRow(store: "east", group: "g", partition: "orders-0", committed: 30, observed: 45),
      GroupOffsetRow(store: "eu", group: "g", partition: "east.orders-0", committed: 30, observed: 60),
    ]
    guard case .vacuous(let vacuity) = try verdict(evidence).verdict else {
      Issue.record("not VACUOUS: \(try verdict(evidence).verdict.headline)")
      return
    }
    #expect(vacuity.sentence.contains("a raw copy would pass, too"))
  }

  @Test func `a stack whose mirrors carry rows has nothing to translate`() throws {
    #expect(try verdict(CleanDrill.evidence()).verdict.kind == .vacuous)
  }

  @Test func `heartbeats that were written elsewhere prove nothing about the link`() throws {
    var mirror = try RecordedMirror()
    try mirror.edit("eu/east.heartbeats-0") { record in
      guard var beat = try HeartbeatRecord(key: record.key, value: record.value) else { return record }
      (beat.source, beat.target) = ("east", "eu")
      var changed = record
      changed.key = beat.encoded().key[...]
      return changed
    }
    let wire = try mirror.wire()
    #expect(wire.heartbeats == [])
    #expect(wire.strangers == ["a heartbeat of east→eu in east.heartbeats of eu: it was not written in east"])
  }

  /// The value of a committed offset, version 3.
  private func commitValue(_ offset: Int64, _ time: Int64) -> [UInt8] {
    var value = WireWriter()
    value.integer(Int16(3))
    value.integer(offset)
    value.integer(Int32(-1))
    value.string("")
    value.integer(time)
    return value.bytes
  }
}

/// Topics that are made anew, by their ids.
@Suite struct TopicIdentityTests {
  @Test func `a topic of another id is another topic, at either end`() {
    for (side, cluster) in [(MirrorSide.source, "east"), (.target, "eu")] {
      var checks = MirrorChecks(MirrorExpectations(flow: MirrorDirection(from: "east", to: "eu")))
      for (time, id) in ["a", "a", "b", "b"].enumerated() {
        checks.take(MirrorEvent(Int64(time), .topic(side, id: id), partition: "orders"))
      }
      checks.take(MirrorEvent(9, .end))
      let findings = checks.drain()
      #expect(findings.map(\.anomaly) == ["M16"])
      #expect(findings.first?.what.contains("orders of \(cluster) was made anew: its id was a and is b") ?? false)
    }
  }

  @Test func `ids are read from the samples of the log's bounds`() throws {
    var evidence = try RecordedMirror().evidence()
    evidence.truth.logBounds = ["one", "two"].enumerated().map { time, id in
      var row = LogBoundsRow(store: "east", partition: "orders.us-0", start: 0, end: 141, observed: Int64(time))
      row.topicID = id
      return row
    }
    let rows = examineMirrors(MirrorEvidence.of(evidence)).rows
    #expect(rows.first { $0.anomaly == .topicRecreated }?.findings.count == 1)
    let item = judge(evidence, checklist: [.mirrorLagZero]).items[0]
    #expect(item.verdict.kind == .fail)
  }
}
