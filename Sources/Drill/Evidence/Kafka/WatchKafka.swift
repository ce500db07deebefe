internal import Checks
internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// The watch over mirrored clusters, from before the baseline until everything has been read.
extension DrillRun {
  /// Runs `body` while the clusters are read; returns when their tails have come to the ends.
  ///
  /// - Returns: what was read; `nil` for a stack without Kafka.
  func withKafkaWatch(_ site: Site, _ body: () async throws -> Void) async throws -> KafkaWatch? {
    guard let kafka else {
      try await body()
      return nil
    }
    let watch = KafkaWatch(
      links: site.mirrorLinks, log: kafka.log,
      misreadsHeartbeats: request.plants.contains(.heartbeatsMisread),
      statusTopics: Dictionary(
        (scenario.stack.attach?.clusters ?? []).compactMap { cluster in
          cluster.connect?.statusTopic.map { (cluster.name, $0) }
        }, uniquingKeysWith: { $1 }))
    let stop = StopSignal()
    try await withThrowingTaskGroup(of: Void.self) { group in
      for region in site.regions {
        guard let cluster = region.kafka else { continue }
        let tail = KafkaTail(
          watch: watch, region: region, cluster: cluster, state: kafka, timebase: timebase, clock: clock, stop: stop)
        group.addTask(name: "evidence of \(region.name)") { try await tail.run() }
      }
      do { try await body() } catch {
        group.cancelAll()
        throw error
      }
      stop.request()
      try await group.waitForAll()
    }
    return watch
  }

  /// Dumps what was read.
  func dump(_ watch: KafkaWatch) async throws {
    let (wire, bounds) = watch.read
    let own = OwnEvidence(kafka)
    let groups = wire.groupOffsets?.compactMap(own.row).map { row in
      var row = row
      if let since = kafka?.reading(KafkaState.Group(name: row.group, store: row.store)), since <= row.observed {
        row.members = max(1, row.members ?? 0)
      }
      return row
    }
    let tailed = "read while the drill ran, as a reader of committed transactions"
    try await write(wire.records, store: nil, source: tailed, as: "records")
    try await write(bounds, store: nil, source: "the brokers' offsets, asked once a second", as: "log-bounds")
    try await write(wire.offsetSyncs?.filter(own.isOwn), tailed, as: "offset-syncs")
    try await write(wire.checkpoints?.compactMap(own.row), tailed, as: "checkpoints")
    try await write(wire.heartbeats, tailed, as: "heartbeats")
    try await write(groups, tailed, as: "group-offsets")
    try await write(wire.connectorStates, tailed, as: "connector-states")
    try await write(wire.mirrorRestarts, "changes of the checkpoint tasks' states", as: "mirror-restarts")
    if !wire.strangers.isEmpty { try await journal.record(EvidenceSetAside(what: wire.strangers)) }
  }

  /// A dump that was taken, if it was.
  private func write<Row: GroundTruthRow>(_ rows: [Row]?, _ source: String, as kind: String) async throws {
    if let rows { try await write(rows, store: nil, source: source, as: kind) }
  }
}
