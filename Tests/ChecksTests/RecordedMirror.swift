import Checks
import Events
import KafkaWire
import Support

/// The segments of two real clusters mirrored by MirrorMaker 2 with exactly-once (Tests/Fixtures/kafka/pair), as evidence: records
/// with aborted transactions before and while they were mirrored, two groups, and a worker that was killed.
struct RecordedMirror {
  static let flow = MirrorDirection(from: "east", to: "eu")
  private static let folder = LeadershipCorpusTests.folder + "/../kafka/pair"
  private static let files: [(cluster: String, topic: String, partition: Int32)] = [
    ("east", "orders.us", 0), ("east", "orders.us", 1), ("eu", "east.orders.us", 0), ("eu", "east.orders.us", 1),
    ("east", "mm2-offset-syncs.eu.internal", 0), ("eu", "east.checkpoints.internal", 0), ("eu", "east.heartbeats", 0),
    ("east", "__consumer_offsets", 0), ("eu", "__consumer_offsets", 0),
  ]

  /// The batches of each segment, by `cluster/topic-partition`. Edit them to plant an error.
  var batches: [String: [RecordBatch]] = [:]

  init() throws {
    for file in Self.files {
      let name = "\(file.cluster)/\(file.topic)-\(file.partition)"
      batches[name] = try readSegment(try readFile("\(Self.folder)/\(name).log")).batches
    }
  }

  /// Changes the records of a segment; `nil` takes one out.
  mutating func edit(_ name: String, _ change: (RecordBatch.Record) throws -> RecordBatch.Record?) rethrows {
    for place in batches[name]?.indices ?? 0..<0 where batches[name]?[place].isControl == false {
      if let records = batches[name]?[place].records {
        batches[name]?[place].records = try records.compactMap(change)
      }
    }
  }

  /// Milliseconds since 1970 at which the first record was written: the beginning of our clock.
  private var begin: Int64 { batches.values.joined().map(\.maxTimestamp).min() ?? 0 }

  /// When the last record of `producer` was written, nanoseconds on our clock.
  private func last(of producer: UInt32) -> Int64 {
    let times = ["east/orders.us-0", "east/orders.us-1"].flatMap { batches[$0] ?? [] }.flatMap(\.records)
      .filter { Self.identity($0)?.producer == producer }.map(\.timestamp)
    return ((times.max() ?? 0) - begin) * 1_000_000
  }

  /// The event that a record's header names. What was written before the mirror began counts from 0 as well, by another hand: it
  /// is told by its time, which the mirror keeps.
  @Sendable static func identity(_ record: RecordBatch.Record) -> EventID? {
    guard let header = record.headers.first(where: { $0.key == "event-id" })?.value else { return nil }
    let parts = String(decoding: header, as: UTF8.self).split(separator: ":")
    guard parts.count == 2, let producer = UInt32(parts[0]), let sequence = UInt64(parts[1]) else { return nil }
    return EventID(producer: record.timestamp < 1_795_846_668_000 ? 0 : producer, sequence: sequence)
  }

  /// Everything, through bytes again, as a checklist takes it.
  func wire(_ flows: [MirrorDirection] = [flow]) throws -> WireEvidence {
    var wire = WireEvidence(WireEvidence.Layout(flows: flows), identity: Self.identity)
    for file in Self.files {
      let place = WireEvidence.Place(cluster: file.cluster, topic: file.topic, partition: file.partition)
      for batch in batches["\(file.cluster)/\(file.topic)-\(file.partition)"] ?? [] {
        // Each record is seen when it was written.
        for record in batch.records {
          var one = batch
          one.records = [record]
          let again = try RecordBatch(one.encoded()[...])
          try wire.take(again, of: place, observed: (record.timestamp - begin) * 1_000_000)
        }
      }
    }
    return wire
  }

  func evidence(_ flows: [MirrorDirection] = [flow]) throws -> Evidence {
    var truth = GroundTruth()
    try wire(flows).add(to: &truth)
    // The worker was killed behind the last record of the first producer.
    let killed = last(of: 1) + 300_000_000
    truth.mirrorRestarts = [MirrorRestartRow(source: "east", target: "eu", observed: killed)]
    let end = (batches.values.joined().map(\.maxTimestamp).max() ?? 0) - begin
    var names = NameTable()
    let operation = Operation(
      .append, process: 2, event: EventID(producer: 2, sequence: 0), key: 0, keySequence: 0, node: names.node("east"),
      region: names.node("east"), invoked: killed + 10, completed: killed + 20, outcome: .ok)
    // The tails were looked at meanwhile.
    let look = Operation(
      .observe, process: 3, event: operation.event, key: 0, keySequence: 0, node: names.node("east"),
      region: names.node("east"), invoked: killed + 30, completed: killed + 40, outcome: .ok)
    return Evidence(
      history: HistoryEvidence(operations: [operation, look], names: names), truth: truth,
      faults: [
        FaultInterval(
          id: "worker", kind: "process", armed: killed, provenSince: killed, disarmed: killed + 5_000_000_000,
          verifiedGone: killed + 5_000_000_000, packetsDropped: 1)
      ],
      milestones: Milestones(faultInForce: killed, healed: killed + 5_000_000_000, quiescent: end * 1_000_000 + 1),
      roles: Roles(primary: "east", survivor: "eu", stores: ["east", "eu"], mirrors: flows, consumers: []),
      objectives: Objectives(leaseTTL: 3_000_000_000), expectsFailover: false)
  }
}
