import Events
import FoundationEssentials
import Testing

private let rows = (0..<3).map {
  LogRow(
    store: "eu", position: Int64($0), event: EventID(producer: 1, sequence: UInt64($0)), origin: "east",
    originSequence: Int64($0) + 10, key: 4, keySequence: UInt64($0), token: 100, checksum: .max - UInt64($0),
    arrived: "2026-11-20T08:12:03.250Z")
}
private let dump = Dump(store: "eu", source: "select … from es.events", takenAt: "2026-11-20T08:13:00.000Z", rows: rows)

@Suite struct DumpTests {
  @Test func `a dump reads back as it was written`() throws {
    #expect(try Dump<LogRow>(bytes: dump.encoded()) == dump)
    let grants = Dump(
      store: nil, source: "etcd", takenAt: "t", rows: [GrantRow(token: .max, holder: "eu", observed: .min)])
    #expect(try Dump<GrantRow>(bytes: grants.encoded()) == grants)
    let fences = Dump(
      store: "eu", source: "es.fence", takenAt: "t",
      rows: [
        FenceEntry(
          store: "eu", token: 1, mode: .readOnly, holder: "east", barrierPosition: -1, barrierOriginSequence: -1,
          at: "x",
          observed: 5)
      ])
    #expect(try Dump<FenceEntry>(bytes: fences.encoded()) == fences)
    let applied = Dump(
      store: "eu", source: "s", takenAt: "t",
      rows: [AppliedRow(group: "g", store: "eu", event: EventID(producer: 0, sequence: 0), times: 2)])
    #expect(try Dump<AppliedRow>(bytes: applied.encoded()) == applied)
    let progress = Dump(
      store: "eu", source: "s", takenAt: "t", rows: [ProgressRow(group: "g", store: "eu", position: -1)])
    #expect(try Dump<ProgressRow>(bytes: progress.encoded()) == progress)
  }

  @Test func `rows of logs say in which partition they stand, and those of before there were any still open`() throws {
    let row = LogRow(
      store: "eu", partition: "east.orders-3", position: 7, event: EventID(producer: 1, sequence: 2), origin: "east",
      originSequence: 5, key: 4, keySequence: 1)
    try check([row])
    try check([ProgressRow(group: "g", store: "eu", partition: "orders-0", position: 3)])
    let old = """
      {"dump":"log","format":1,"source":"s","store":"eu","takenAt":"t"}
      {"event":"p1-2","key":4,"keySequence":1,"origin":"east","originSequence":5,"position":7,"store":"eu"}
      {"count":1,"end":"log"}

      """
    let opened = try Dump<LogRow>(bytes: Array(old.utf8))
    #expect(opened.rows.map(\.partition) == [nil] && opened.rows[0].position == 7)
    // What has no partition is written as it was.
    let written = String(decoding: try opened.encoded(), as: UTF8.self)
    #expect(written == old)
    let progress = """
      {"dump":"progress","format":1,"source":"s","store":"eu","takenAt":"t"}
      {"group":"g","position":3,"store":"eu"}
      {"count":1,"end":"progress"}

      """
    #expect(try Dump<ProgressRow>(bytes: Array(progress.utf8)).rows.map(\.partition) == [nil])
  }

  @Test func `the dumps of clusters, mirrors, leases and timelines read back as they were written`() throws {
    let id = EventID(producer: 3, sequence: .max)
    var record = PartitionRow(store: "eu", partition: "orders-0", offset: .max, event: id)
    record.checksum = .max
    (record.leaderEpoch, record.producerEpoch, record.transaction) = (-1, .min, .max)
    (record.transactionalID, record.provenance, record.timestamp) = ("t-1", ["east", "eu"], -1)
    try check([record, PartitionRow(store: "eu", partition: "orders-0", offset: -1, content: .hole)])
    var bounds = LogBoundsRow(store: "eu", partition: "orders-0", start: -1, end: .max, observed: .min)
    (bounds.highWatermark, bounds.lastStable, bounds.partitionCount) = (4, 3, 12)
    bounds.topicID = "AAECAwQFBgcICQoLDA0ODw"
    try check([bounds])
    var group = GroupOffsetRow(store: "eu", group: "billing", partition: "orders-0", committed: nil, observed: 1)
    (group.generation, group.members) = (7, 0)
    try check([group])
    try check([
      SchemaRow(
        store: "r", subject: "s", version: 1, schemaID: .max, fingerprint: "0a", compatibility: "FULL", observed: 1)
    ])
    try check([
      ConnectorStateRow(
        store: "eu", connector: "c", source: "east", task: 1, state: "RUNNING", worker: "w:8083", observed: 1),
      ConnectorStateRow(store: "eu", connector: "c", state: "PAUSED", observed: .max),
    ])
    try check([
      OffsetSyncRow(
        source: "east", target: "eu", partition: "orders-0", upstream: 9, downstream: -1, offset: 0, observed: 1)
    ])
    try check([
      CheckpointRow(
        source: "east", target: "eu", group: "g", partition: "orders-0", upstream: 1, downstream: 2, observed: 3)
    ])
    try check([HeartbeatRow(source: "east", target: "eu", sent: -1, observed: 3)])
    try check([MirrorRestartRow(source: "east", target: "eu", observed: .max)])
    try check([
      LeaseRow(store: "etcd", lease: .min, change: .expired, holder: "a", token: 1, ttl: 2, revision: 3, observed: 4)
    ])
    try check([AcceptRow(resource: "r", sequence: 0, token: nil, event: id, holder: "a", observed: 4)])
    try check([
      TimelineRow(store: "eu", timeline: 2, parent: 1, fork: .max),
      TimelineRow(store: "eu", timeline: 1, parent: nil, fork: nil),
    ])
    try check([CommitRow(store: "eu", event: id, timeline: .max, location: .max, observed: 0)])
    try check([ReconciledRow(store: "eu", event: id, disposition: .conflict)])
  }

  private func check<Row: GroundTruthRow>(_ rows: [Row]) throws {
    let dump = Dump(store: nil, source: "s", takenAt: "t", rows: rows)
    #expect(try Dump<Row>(bytes: dump.encoded()) == dump)
  }

  @Test func `a dump is JSON Lines with a header and a footer`() throws {
    let lines = String(decoding: try dump.encoded(), as: UTF8.self).split(separator: "\n")
    #expect(
      lines[0]
        == #"{"dump":"log","format":1,"source":"select … from es.events","store":"eu","takenAt":"2026-11-20T08:13:00.000Z"}"#
    )
    #expect(
      lines[1]
        == #"{"arrived":"2026-11-20T08:12:03.250Z","checksum":18446744073709551615,"event":"p1-0","key":4,"keySequence":0,"#
        + #""origin":"east","originSequence":10,"position":0,"store":"eu","token":100}"#)
    #expect(lines[4] == #"{"count":3,"end":"log"}"#)
    #expect(lines.count == 5)
  }

  /// A log that merely looks shorter would be read as loss; so no cut of a dump opens.
  @Test func `a dump cut at any byte does not open`() throws {
    let bytes = try dump.encoded()
    for length in 0..<bytes.count {
      #expect(throws: DumpError.self, "cut at \(length)") { try Dump<LogRow>(bytes: Array(bytes[..<length])) }
    }
  }

  @Test func `a line taken out is found by the count`() throws {
    var lines = try dump.encoded().split(separator: UInt8(ascii: "\n"))
    lines.remove(at: 2)
    let bytes = Array(lines.joined(separator: [UInt8(ascii: "\n")])) + [UInt8(ascii: "\n")]
    #expect(
      throws: DumpError.damaged(kind: .log, line: 4, what: "the footer counts 3 rows, but there are 2")
    ) { try Dump<LogRow>(bytes: bytes) }
  }

  @Test func `another kind, a later format and a broken row are named with their line`() throws {
    let text = String(decoding: try dump.encoded(), as: UTF8.self)
    #expect(throws: DumpError.otherKind(wanted: .grants, found: "log")) { try Dump<GrantRow>(bytes: Array(text.utf8)) }
    let later = text.replacing("\"format\":1", with: "\"format\":2")
    #expect(throws: DumpError.futureFormat(kind: .log, found: 2)) { try Dump<LogRow>(bytes: Array(later.utf8)) }
    let broken = text.replacing("p1-1", with: "q1-1")
    #expect(throws: DumpError.damaged(kind: .log, line: 3, what: "no row of a log dump")) {
      try Dump<LogRow>(bytes: Array(broken.utf8))
    }
  }

  @Test func `a dump goes to disk and back, and replaces nothing`() async throws {
    try await withDirectory { directory in
      let path = directory + "/log-eu.jsonl"
      try dump.write(to: path)
      #expect(try Dump<LogRow>(path: path) == dump)
      #expect(throws: HistoryError.self) { try dump.write(to: path) }
    }
  }
}
