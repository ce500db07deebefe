import KafkaWire
import Testing

@Suite("The mirror's own records")
struct MirrorRecordTests {
  @Test("Sync points by Apache's own class are read and written, byte for byte")
  func offsetSyncs() throws {
    let records = try KafkaFixtures.records(of: "offset-sync")
    #expect(records.count == 15)
    for (key, value, fields) in records {
      let sync = try #require(try OffsetSyncRecord(key: key, value: value))
      #expect([sync.topic, "\(sync.partition)", "\(sync.upstream)", "\(sync.downstream)"] == fields)
      #expect(sync.encoded().key == Array(key))
      #expect(sync.encoded().value == Array(value ?? []))
    }
  }

  @Test("Checkpoints by Apache's own class are read and written, byte for byte")
  func checkpoints() throws {
    let records = try KafkaFixtures.records(of: "checkpoint")
    #expect(records.count == 15)
    for (key, value, fields) in records {
      let checkpoint = try #require(try CheckpointRecord(key: key, value: value))
      #expect(
        [
          checkpoint.group, checkpoint.topic, "\(checkpoint.partition)", "\(checkpoint.upstream)",
          "\(checkpoint.downstream)", checkpoint.metadata,
        ] == fields)
      #expect(checkpoint.encoded().key == Array(key))
      #expect(checkpoint.encoded().value == Array(value ?? []))
    }
  }

  @Test("Heartbeats by Apache's own class are read and written, byte for byte")
  func heartbeats() throws {
    let records = try KafkaFixtures.records(of: "heartbeat")
    #expect(records.count == 15)
    for (key, value, fields) in records {
      let beat = try #require(try HeartbeatRecord(key: key, value: value))
      #expect([beat.source, beat.target, "\(beat.timestamp)"] == fields)
      #expect(beat.encoded().key == Array(key))
      #expect(beat.encoded().value == Array(value ?? []))
    }
  }

  @Test("Every record that a real mirror wrote is read")
  func realTopics() throws {
    let syncs = try KafkaFixtures.records("east/mm2-offset-syncs.eu.internal-0").compactMap {
      try OffsetSyncRecord(key: $0.key, value: $0.value)
    }
    #expect(Set(syncs.map(\.topic)) == ["orders.us", "heartbeats"])
    #expect(syncs.count > 50)
    let checkpoints = try KafkaFixtures.records("eu/east.checkpoints.internal-0").compactMap {
      try CheckpointRecord(key: $0.key, value: $0.value)
    }
    #expect(Set(checkpoints.map(\.group)) == ["billing", "idle"])
    #expect(Set(checkpoints.map(\.topic)) == ["east.orders.us"])
    #expect(Set(checkpoints.map(\.metadata)) == ["by hand"])
    let beats = try KafkaFixtures.records("eu/east.heartbeats-0").compactMap {
      try HeartbeatRecord(key: $0.key, value: $0.value)
    }
    // Written in east by the connector of the reverse pair.
    #expect(Set(beats.map(\.target)) == ["east"])
    #expect(Set(beats.map(\.source)) == ["eu"])
    #expect(beats.map(\.timestamp) == beats.map(\.timestamp).sorted())
  }

  @Test("Tombstones are nothing, a null key is an error")
  func tombstones() throws {
    let sync = OffsetSyncRecord(topic: "t", partition: 0, upstream: 1, downstream: 1).encoded()
    #expect(try OffsetSyncRecord(key: sync.key[...], value: nil) == nil)
    let checkpoint = CheckpointRecord(group: "g", topic: "t", partition: 0, upstream: 1, downstream: 1).encoded()
    #expect(try CheckpointRecord(key: checkpoint.key[...], value: nil) == nil)
    let beat = HeartbeatRecord(source: "a", target: "b", timestamp: 1).encoded()
    #expect(try HeartbeatRecord(key: beat.key[...], value: nil) == nil)
    #expect(throws: WireError(.unexpectedNull, at: 0)) { try OffsetSyncRecord(key: nil, value: nil) }
  }

  @Test("Other versions, cut-off records and records with more behind them are refused")
  func refusals() throws {
    var checkpoint = CheckpointRecord(group: "g", topic: "t", partition: 0, upstream: 1, downstream: 1).encoded()
    for count in 0..<checkpoint.value.count {
      #expect(throws: WireError.self) {
        try CheckpointRecord(key: checkpoint.key[...], value: checkpoint.value[..<count])
      }
    }
    for count in 0..<checkpoint.key.count {
      #expect(throws: WireError.self) {
        try CheckpointRecord(key: checkpoint.key[..<count], value: checkpoint.value[...])
      }
    }
    #expect(throws: WireError(.invalid("a checkpoint with 1 bytes more than it has"), at: 20)) {
      try CheckpointRecord(key: checkpoint.key[...], value: checkpoint.value + [0])
    }
    checkpoint.value[1] = 1
    #expect(throws: WireError(.unknownVersion(1), at: 0)) {
      try CheckpointRecord(key: checkpoint.key[...], value: checkpoint.value[...])
    }
    var beat = HeartbeatRecord(source: "a", target: "b", timestamp: 1).encoded()
    beat.value[0] = 0xff
    #expect(throws: WireError(.unknownVersion(-256), at: 0)) {
      try HeartbeatRecord(key: beat.key[...], value: beat.value[...])
    }
    let sync = OffsetSyncRecord(topic: "t", partition: 0, upstream: 1, downstream: 1).encoded()
    #expect(throws: WireError.self) { try OffsetSyncRecord(key: sync.key[...], value: sync.value.prefix(15)) }
  }

  @Test("The mirror's topics are known by their names")
  func topics() {
    #expect(MirrorTopic("mm2-offset-syncs.eu.internal") == .offsetSyncs(other: "eu"))
    #expect(MirrorTopic("east.checkpoints.internal") == .checkpoints(source: "east"))
    #expect(MirrorTopic("heartbeats") == .ownHeartbeats)
    #expect(MirrorTopic("east.heartbeats") == .heartbeats(source: "east"))
    #expect(MirrorTopic("__consumer_offsets") == .consumerOffsets)
    #expect(MirrorTopic("east_checkpoints_internal", separator: "_") == .checkpoints(source: "east"))
    #expect(MirrorTopic("orders.us") == nil)
    #expect(MirrorTopic("mm2-offset-syncs.internal") == nil)
    #expect(MirrorTopic(".checkpoints.internal") == nil)
  }
}

@Suite("Connect's offsets")
struct ConnectOffsetTests {
  @Test("Offsets of a real mirror's worker are read")
  func real() throws {
    let offsets = try KafkaFixtures.records("eu/bs-mm2-offsets-0").map {
      try ConnectOffset(key: $0.key, value: $0.value)
    }
    let last = Dictionary(
      offsets.filter { $0.connector == "east-to-eu-source" }.map { ($0.subject, $0.offset) },
      uniquingKeysWith: { $1 })
    // What the worker's REST interface said when the record was taken.
    #expect(last[.partition(cluster: "east", topic: "orders.us", partition: 0)] == 140)
    #expect(last[.partition(cluster: "east", topic: "orders.us", partition: 1)] == 98)
    #expect(offsets.contains { $0.connector == "east-to-eu-checkpoint" && $0.subject == .other })
  }

  @Test("A removed offset is none; what is no JSON of that form is refused")
  func forms() throws {
    func read(_ key: String, _ value: String?) throws -> ConnectOffset {
      try ConnectOffset(key: Array(key.utf8)[...], value: value.map { Array($0.utf8)[...] })
    }
    let key = #"["m",{"cluster":"east","partition":0,"topic":"orders.us"}]"#
    #expect(try read(key, #"{"offset":7}"#).offset == 7)
    #expect(try read(key, nil).offset == nil)
    #expect(try read(key, "null").offset == nil)
    #expect(try read(#"["files",{"filename":"a"}]"#, #"{"position":7}"#).subject == .other)
    #expect(try read(#"["files"]"#, nil).subject == .other)
    #expect(throws: WireError.self) { try read(key, #"{"offset":"seven"}"#) }
    #expect(throws: WireError.self) { try read(#"{"connector":"m"}"#, nil) }
    #expect(throws: WireError.self) { try read("[", nil) }
    #expect(throws: WireError.self) { try read("", nil) }
  }
}
