import Checks
import Events
import KafkaWire
import Testing

/// What a drill reads of mirrored clusters record by record, as a consumer is given it.
@Suite struct TailedEvidenceTests {
  private static let flow = MirrorDirection(from: "east", to: "eu")

  private func wire(_ layout: WireEvidence.Layout = WireEvidence.Layout(flows: [flow])) -> WireEvidence {
    WireEvidence(layout) { record in
      record.headers.first { $0.key == "id" }?.value.flatMap { EventID(String(decoding: $0, as: UTF8.self)) }
    }
  }

  private func record(_ key: [UInt8]?, _ value: [UInt8]?, at offset: Int64 = 0, id: String? = nil) -> RecordBatch.Record
  {
    RecordBatch.Record(
      offset: offset, timestamp: 1000, key: key.map { $0[...] }, value: value.map { $0[...] },
      headers: id.map { [RecordBatch.Header("id", Array($0.utf8)[...])] } ?? [])
  }

  private func place(_ cluster: String, _ topic: String) -> WireEvidence.Place {
    WireEvidence.Place(cluster: cluster, topic: topic, partition: 0)
  }

  @Test func `records, sync points, checkpoints and heartbeats are told by their topics`() throws {
    var wire = wire()
    try wire.take(record([1], [2], at: 7, id: "p1-2"), of: place("eu", "east.orders"), observed: 5)
    let sync = OffsetSyncRecord(topic: "orders", partition: 0, upstream: 9, downstream: 12).encoded()
    try wire.take(record(sync.key, sync.value, at: 3), of: place("east", "mm2-offset-syncs.eu.internal"), observed: 6)
    let beat = HeartbeatRecord(source: "eu", target: "east", timestamp: 77).encoded()
    try wire.take(record(beat.key, beat.value), of: place("eu", "east.heartbeats"), observed: 8)
    let row = try #require(wire.records.first)
    #expect(row.store == "eu" && row.partition == "east.orders-0" && row.offset == 7 && row.observed == 5)
    #expect(row.event == EventID(producer: 1, sequence: 2) && row.provenance == ["east"] && row.content == .record)
    #expect(wire.offsetSyncs?.map(\.upstream) == [9] && wire.offsetSyncs?.first?.offset == 3)
    #expect(wire.heartbeats?.map(\.sent) == [77])
    #expect(wire.strangers.isEmpty && wire.checkpoints == nil && wire.connectorStates == nil)
  }

  @Test func `a heartbeat that was not written at the source is set aside`() throws {
    var wire = wire()
    // What eu's own connector writes into eu, taken for what came from east.
    let own = HeartbeatRecord(source: "east", target: "eu", timestamp: 77).encoded()
    try wire.take(record(own.key, own.value), of: place("eu", "east.heartbeats"), observed: 8)
    #expect(wire.heartbeats == [])
    #expect(wire.strangers.count == 1 && wire.strangers[0].contains("not written in east"))
    // In its own topic it says nothing about the link, and is no stranger there.
    try wire.take(record(own.key, own.value), of: place("eu", "heartbeats"), observed: 9)
    #expect(wire.heartbeats == [] && wire.strangers.count == 1)
  }

  @Test func `what Connect says of its connectors is kept, and each change of a checkpoint task may be its start`()
    throws
  {
    let layout = WireEvidence.Layout(
      flows: [Self.flow], statusTopic: "status", checkpointConnectors: ["c": Self.flow],
      sourceConnectors: ["s": Self.flow])
    var wire = wire(layout)
    wire.begin(topic: "status")
    #expect(wire.connectorStates == [] && wire.mirrorRestarts == [])
    func say(_ key: String, _ state: String?, at time: Int64, cluster: String = "eu") throws {
      let value = state.map { Array(#"{"state":"\#($0)","worker_id":"w:8083"}"#.utf8) }
      try wire.take(record(Array(key.utf8), value), of: place(cluster, "status"), observed: time)
    }
    try say("status-connector-s", "RUNNING", at: 1)
    try say("status-task-s-0", "FAILED", at: 2)
    try say("status-task-c-0", "RUNNING", at: 3)
    try say("status-task-c-0", nil, at: 4)
    try say("status-connector-c", "RUNNING", at: 5)
    // A worker of another cluster does not run this mirror.
    try say("status-task-c-0", "RUNNING", at: 6, cluster: "east")
    let states = try #require(wire.connectorStates)
    #expect(states.map(\.state) == ["RUNNING", "FAILED", "RUNNING", "DESTROYED", "RUNNING", "RUNNING"])
    #expect(states.map(\.task) == [nil, 0, 0, 0, nil, 0])
    #expect(states.map(\.source) == ["east", "east", nil, nil, nil, nil])
    #expect(wire.mirrorRestarts?.map(\.observed) == [3, 4])
    var truth = GroundTruth()
    wire.add(to: &truth)
    #expect(truth.connectorStates?.count == 6 && truth.mirrorRestarts?.count == 2)
    #expect(throws: WireError.self) { try say("status-task-c", "RUNNING", at: 7) }
  }

  @Test func `a record that is given part by part is the same, and names its event in a header`() throws {
    var parts = WireEvidence(WireEvidence.Layout(flows: [Self.flow]), identityIn: "id")
    try parts.take(
      place("eu", "east.orders"), offset: 7, timestamp: 1000, key: [1], value: [2],
      headers: [("id", Array("p1-2".utf8))], observed: 5)
    var whole = wire()
    try whole.take(record([1], [2], at: 7, id: "p1-2"), of: place("eu", "east.orders"), observed: 5)
    #expect(parts.records == whole.records && parts.records.first?.event == EventID(producer: 1, sequence: 2))
  }

  @Test func `a dump without rows is a dump that was taken, of its own kind`() {
    var truth = GroundTruth()
    truth.add([HeartbeatRow](), of: nil)
    truth.add([AppliedRow](), of: "eu")
    #expect(truth.heartbeats == [] && truth.applied == [] && truth.logs.isEmpty && truth.checkpoints == nil)
  }

  @Test func `a topic that was read and has nothing in it is another thing than one that was not read`() {
    var wire = wire()
    wire.begin(topic: "east.checkpoints.internal")
    wire.begin(topic: "__consumer_offsets")
    wire.begin(topic: "orders")
    #expect(wire.checkpoints == [] && wire.groupOffsets == [])
    #expect(wire.offsetSyncs == nil && wire.heartbeats == nil)
  }
}
