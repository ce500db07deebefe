public import Events
public import KafkaWire

/// Ground truth of mirrored clusters out of the records of their logs, as they came over the wire or lie in segment files.
///
/// Batches of one partition are handed in in the order of its log; of the topics that a mirror keeps for itself, as they are
/// tailed: they are compacted, and what is not read in time is lost. What is not what it should be is refused with its place, and
/// what belongs to another mirror is told apart.
public struct WireEvidence: Sendable {
  /// One partition of one cluster.
  public struct Place: Sendable, Hashable {
    /// The cluster.
    public var cluster: String
    /// The topic.
    public var topic: String
    /// The partition.
    public var partition: Int32

    /// A partition of a cluster.
    public init(cluster: String, topic: String, partition: Int32) {
      self.cluster = cluster
      self.topic = topic
      self.partition = partition
    }
  }

  /// Which clusters are mirrored, and how the mirror names things.
  public struct Layout: Sendable {
    /// The mirrors.
    public var flows: [MirrorDirection]
    /// How mirrored topics are called.
    public var naming: MirrorNaming
    /// Whether sync points are kept at the target (`offset-syncs.topic.location=target`), not at the source.
    public var syncsAreAtTarget: Bool
    /// The topic in which Connect keeps what it says of its connectors. `nil`: it is not read.
    public var statusTopic: String?
    /// The connectors that translate groups' positions, each with its mirror.
    public var checkpointConnectors: [String: MirrorDirection]
    /// The connectors that carry records, each with its mirror.
    public var sourceConnectors: [String: MirrorDirection]

    /// A layout. Sync points are kept at the source unless it is said otherwise.
    public init(
      flows: [MirrorDirection], naming: MirrorNaming = MirrorNaming(), syncsAreAtTarget: Bool = false,
      statusTopic: String? = nil, checkpointConnectors: [String: MirrorDirection] = [:],
      sourceConnectors: [String: MirrorDirection] = [:]
    ) {
      self.flows = flows
      self.naming = naming
      self.syncsAreAtTarget = syncsAreAtTarget
      self.statusTopic = statusTopic
      self.checkpointConnectors = checkpointConnectors
      self.sourceConnectors = sourceConnectors
    }

    var clusters: Set<String> { Set(flows.flatMap { [$0.from, $0.to] }) }
  }

  private let layout: Layout
  private let identity: @Sendable (RecordBatch.Record) -> EventID?
  private var members: [String: Int] = [:]
  private var generations: [String: Int32] = [:]

  /// The rows of partitions' logs.
  public private(set) var records: [PartitionRow] = []
  /// Sync points. `nil`: no such topic was read.
  public private(set) var offsetSyncs: [OffsetSyncRow]?
  /// Checkpoints. `nil`: no such topic was read.
  public private(set) var checkpoints: [CheckpointRow]?
  /// Heartbeats that came through a mirror. `nil`: no such topic was read.
  public private(set) var heartbeats: [HeartbeatRow]?
  /// Committed offsets. `nil`: no such topic was read.
  public private(set) var groupOffsets: [GroupOffsetRow]?
  /// What Connect said of its connectors. `nil`: no such topic was read.
  public private(set) var connectorStates: [ConnectorStateRow]?
  /// Changes of the mirrors' checkpoint tasks, at each of which one may have begun anew. `nil`: as ``connectorStates``.
  public private(set) var mirrorRestarts: [MirrorRestartRow]?
  /// What was found in a place where it does not belong, each with the place.
  public private(set) var strangers: [String] = []

  /// Starts with nothing read.
  ///
  /// - Parameter identity: which event a record is; `nil` for records that bear no identity of ours.
  public init(_ layout: Layout, identity: @escaping @Sendable (RecordBatch.Record) -> EventID?) {
    self.layout = layout
    self.identity = identity
  }

  /// Starts with nothing read; the event that a record is stands in its header `name`, as text.
  public init(_ layout: Layout, identityIn name: String) {
    self.init(layout) { record in
      record.headers.first { $0.key == name }?.value.flatMap { EventID(String(decoding: $0, as: UTF8.self)) }
    }
  }

  /// Takes in the next batch of a partition.
  ///
  /// - Parameter observed: when it was seen, nanoseconds on the recorder's clock.
  /// - Throws: ``WireError`` for a record of a mirror's topic that is none; nothing of that record is kept then.
  public mutating func take(_ batch: RecordBatch, of place: Place, observed: Int64) throws(WireError) {
    guard let topic = MirrorTopic(place.topic, separator: layout.naming.separator ?? ".") else {
      return try takeRecords(batch, of: place, observed: observed)
    }
    begin(topic)
    guard !batch.isControl else { return }
    for record in batch.records { try take(record, of: topic, at: place, observed: observed) }
  }

  /// Takes in the next record of a partition as a consumer was given it, who is shown neither markers nor what was aborted.
  ///
  /// - Parameter observed: when it was seen, nanoseconds on the recorder's clock.
  /// - Throws: as ``take(_:of:observed:)-(RecordBatch,_,_)``.
  public mutating func take(_ record: RecordBatch.Record, of place: Place, observed: Int64) throws(WireError) {
    if place.topic == layout.statusTopic { return try takeStatus(record, place, observed) }
    guard let topic = MirrorTopic(place.topic, separator: layout.naming.separator ?? ".") else {
      return records.append(row(record, of: place, observed: observed))
    }
    begin(topic)
    try take(record, of: topic, at: place, observed: observed)
  }

  /// Takes in the next record of a partition, part by part; `headers` in their order.
  ///
  /// - Throws: as ``take(_:of:observed:)-(RecordBatch,_,_)``.
  public mutating func take(
    _ place: Place, offset: Int64, timestamp: Int64?, key: [UInt8]?, value: [UInt8]?,
    headers: [(name: String, value: [UInt8]?)], observed: Int64
  ) throws(WireError) {
    let record = RecordBatch.Record(
      offset: offset, timestamp: timestamp ?? -1, key: key.map { $0[...] }, value: value.map { $0[...] },
      headers: headers.map { RecordBatch.Header($0.name, $0.value.map { $0[...] }) })
    try take(record, of: place, observed: observed)
  }

  /// A topic is read from here on, whether or not there is anything in it.
  public mutating func begin(topic: String) {
    if topic == layout.statusTopic {
      connectorStates = connectorStates ?? []
      mirrorRestarts = mirrorRestarts ?? []
    } else if let topic = MirrorTopic(topic, separator: layout.naming.separator ?? ".") {
      begin(topic)
    }
  }

  private mutating func takeStatus(
    _ record: RecordBatch.Record, _ place: Place, _ observed: Int64
  ) throws(WireError) {
    begin(topic: place.topic)
    guard let status = try ConnectStatusRecord(key: record.key, value: record.value) else { return }
    connectorStates?.append(
      ConnectorStateRow(
        store: place.cluster, connector: status.connector, source: layout.sourceConnectors[status.connector]?.from,
        task: status.task, state: status.state ?? "DESTROYED", worker: status.worker, observed: observed))
    // What is said of a task comes a little before or behind what it does: each change may be the one.
    if status.task != nil, let flow = layout.checkpointConnectors[status.connector], flow.to == place.cluster {
      mirrorRestarts?.append(MirrorRestartRow(source: flow.from, target: flow.to, observed: observed))
    }
  }

  private func row(_ record: RecordBatch.Record, of place: Place, observed: Int64) -> PartitionRow {
    var row = PartitionRow(
      store: place.cluster, partition: "\(place.topic)-\(place.partition)", offset: record.offset)
    row.timestamp = record.timestamp < 0 ? nil : record.timestamp
    row.observed = observed
    row.event = identity(record)
    row.keyHash = Self.digest([record.key])
    row.checksum = Self.digest(
      [record.key, record.value] + record.headers.flatMap { [Array($0.key.utf8)[...], $0.value] })
    row.provenance = layout.naming.provenance(of: place.topic, clusters: layout.clusters)
    return row
  }

  /// An empty topic was read as well: that is another thing than one that was not.
  private mutating func begin(_ topic: MirrorTopic) {
    switch topic {
    case .offsetSyncs: offsetSyncs = offsetSyncs ?? []
    case .checkpoints: checkpoints = checkpoints ?? []
    case .heartbeats: heartbeats = heartbeats ?? []
    case .consumerOffsets: groupOffsets = groupOffsets ?? []
    case .ownHeartbeats: break
    }
  }

  private mutating func takeRecords(
    _ batch: RecordBatch, of place: Place, observed: Int64
  ) throws(WireError) {
    for record in batch.records {
      var row = row(record, of: place, observed: observed)
      row.leaderEpoch = batch.leaderEpoch < 0 ? nil : batch.leaderEpoch
      row.producerEpoch = batch.producerEpoch < 0 ? nil : Int32(batch.producerEpoch)
      row.transactionalID = batch.isTransactional ? "producer \(batch.producerID)" : nil
      if batch.isControl {
        (row.event, row.keyHash, row.checksum, row.provenance) = (nil, nil, nil, nil)
        switch try ControlRecord(record).kind {
        case .commit: row.content = .commitMarker
        case .abort: row.content = .abortMarker
        default: row.content = .hole
        }
      }
      records.append(row)
    }
  }

  private mutating func take(
    _ record: RecordBatch.Record, of topic: MirrorTopic, at place: Place, observed: Int64
  ) throws(WireError) {
    let (key, value) = (record.key, record.value)
    switch topic {
    case .offsetSyncs(let other):
      guard let sync = try OffsetSyncRecord(key: key, value: value) else { return }
      let flow =
        layout.syncsAreAtTarget
        ? MirrorDirection(from: other, to: place.cluster) : MirrorDirection(from: place.cluster, to: other)
      offsetSyncs?.append(
        OffsetSyncRow(
          source: flow.from, target: flow.to, partition: "\(sync.topic)-\(sync.partition)", upstream: sync.upstream,
          downstream: sync.downstream, offset: record.offset, observed: observed))
    case .checkpoints(let source):
      guard let checkpoint = try CheckpointRecord(key: key, value: value) else { return }
      let home = home(of: checkpoint.topic, from: source)
      checkpoints?.append(
        CheckpointRow(
          source: source, target: place.cluster, group: checkpoint.group,
          partition: "\(home)-\(checkpoint.partition)",
          upstream: checkpoint.upstream, downstream: checkpoint.downstream, offset: record.offset, observed: observed))
    case .heartbeats(let source):
      guard let beat = try HeartbeatRecord(key: key, value: value) else { return }
      // One that was written elsewhere and merely passed through proves nothing about this link.
      guard beat.target == source else {
        note(
          "a heartbeat of \(beat.source)→\(beat.target) in \(place.topic) of \(place.cluster): it was not written in \(source)"
        )
        return
      }
      heartbeats?.append(
        HeartbeatRow(source: source, target: place.cluster, sent: beat.timestamp, observed: observed))
    case .consumerOffsets: try takeGroup(key, value, place, observed)
    // What a connector writes into its own target says nothing about the link.
    case .ownHeartbeats: break
    }
  }

  private mutating func takeGroup(
    _ key: ArraySlice<UInt8>?, _ value: ArraySlice<UInt8>?, _ place: Place, _ observed: Int64
  ) throws(WireError) {
    switch try ConsumerOffsetsRecord(key: key, value: value) {
    case .group(let group):
      members["\(place.cluster) \(group.group)"] = group.state?.members ?? 0
      generations["\(place.cluster) \(group.group)"] = group.state?.generation
    case .commit(let commit):
      var row = GroupOffsetRow(
        store: place.cluster, group: commit.group, partition: "\(commit.topic)-\(commit.partition)",
        committed: commit.state?.offset, observed: observed)
      row.members = members["\(place.cluster) \(commit.group)"] ?? 0
      row.generation = generations["\(place.cluster) \(commit.group)"]
      groupOffsets?.append(row)
    case .other: break
    }
  }

  /// What a topic of a checkpoint is called at the source; as it is where it bears another cluster's name.
  private mutating func home(of topic: String, from source: String) -> String {
    guard layout.naming.separator != nil else { return topic }
    guard let prefix = layout.naming.source(of: topic), prefix == source else {
      note("a checkpoint of \(topic) among those of \(source)")
      return topic
    }
    return String(topic.dropFirst(source.count + (layout.naming.separator?.count ?? 0)))
  }

  private mutating func note(_ stranger: String) {
    if strangers.count < 1000, !strangers.contains(stranger) { strangers.append(stranger) }
  }

  /// Adds what was read to `truth`.
  public func add(to truth: inout GroundTruth) {
    truth.add(records, of: nil)
    if let offsetSyncs { truth.add(offsetSyncs, of: nil) }
    if let checkpoints { truth.add(checkpoints, of: nil) }
    if let heartbeats { truth.add(heartbeats, of: nil) }
    if let groupOffsets { truth.add(groupOffsets, of: nil) }
    if let mirrorRestarts { truth.add(mirrorRestarts, of: nil) }
    if let connectorStates { truth.add(connectorStates, of: nil) }
  }

  /// FNV-1a, 64 bits, over the parts with their lengths; null is another part than an empty one.
  private static func digest(_ parts: [ArraySlice<UInt8>?]) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ byte: UInt8) { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    for part in parts {
      let count = part?.count ?? -1
      for shift in stride(from: 24, through: 0, by: -8) { mix(UInt8(truncatingIfNeeded: count >> shift)) }
      for byte in part ?? [] { mix(byte) }
    }
    return hash
  }
}

extension WireEvidence {
  /// What to send to a broker that is to tell the ids of topics (``TopicIDs``), its length in front.
  public static func requestForTopicIDs(_ topics: [String], client: String) -> [UInt8] {
    TopicIDs.request(topics, correlationID: 1, clientID: client)
  }

  /// The ids by topic in the broker's answer, without its length.
  ///
  /// - Throws: ``WireError`` for what is no such answer.
  public static func topicIDs(in answer: [UInt8]) throws(WireError) -> [String: String] {
    try TopicIDs.response(answer, correlationID: 1)
  }
}
