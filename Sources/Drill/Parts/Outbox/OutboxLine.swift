internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// The line that carries the outbox of the stores to Kafka: one connector, in the worker beside the first writer's store, which
/// stays there whichever store it reads.
final class OutboxLine: Sendable {
  /// How many partitions the topic has.
  let topicPartitions: Int
  /// Whether the connector writes in transactions, together with its own position.
  let exactlyOnce: Bool
  /// The region with the cluster and the worker.
  let home: String
  private let region: Mutex<String>
  /// The consumer of the topic; `nil` until the workload begins.
  let reader = Mutex<OutboxReader?>(nil)

  init(topicPartitions: Int, exactlyOnce: Bool, home: String) {
    self.topicPartitions = topicPartitions
    self.exactlyOnce = exactlyOnce
    self.home = home
    region = Mutex(home)
  }

  /// The region whose store is read now.
  var source: String {
    get { region.withLock { $0 } }
    set { region.withLock { $0 = newValue } }
  }

  /// An order to the worker may wait until the task of a connector that cannot reach its store any more has ended, five seconds by
  /// Connect's own settings, and until the new one has tried its store.
  private static let patience = Duration.seconds(20)

  /// The partitions of the topic.
  var places: [KafkaPartition] {
    (0..<topicPartitions).map { KafkaPartition(OutboxLabSettings.topic, Int32($0)) }
  }

  /// The worker's REST interface.
  func connect(in site: Site, _ clock: any Clock<Duration>) throws -> ConnectClient {
    let worker = try host(in: site)
    guard let endpoint = worker.connectEndpoint else { throw missing }
    return ConnectClient(
      address: endpoint, networkNamespace: worker.networkNamespace, limit: Self.patience,
      clock: clock)
  }

  /// The region with the cluster and the worker.
  func host(in site: Site) throws -> SiteRegion {
    guard let worker = site.region(home), worker.connectEndpoint != nil else { throw missing }
    return worker
  }

  /// The connector that reads the store of `region`.
  func capture(of region: String, in site: Site, snapshot: OutboxMove.Snapshot) throws -> OutboxCapture {
    guard let store = site.region(region)?.store, let secrets = try host(in: site).outboxSecrets else { throw missing }
    return OutboxCapture(
      region: region, store: store, secretsFile: secrets, snapshotMode: snapshot.rawValue,
      exactlyOnce: exactlyOnce)
  }

  private var missing: Problem { Problem(.usage, at: home, "there is no worker that carries an outbox") }
}

extension DrillRun {
  /// Starts the consumer of the outbox's topic, where there is one.
  func startOutboxReader(
    _ site: Site, stop: StopSignal, in group: inout ThrowingTaskGroup<Void, any Error>
  ) {
    guard let outbox else { return }
    let reader = OutboxReader(outbox)
    outbox.reader.withLock { $0 = reader }
    group.addTask(name: "consumer of the outbox") { [clock] in try await reader.run(in: site, clock: clock, stop: stop)
    }
  }

  /// Puts a connector of the outbox in place; returns when somebody reads from the slot in its store.
  func start(_ capture: OutboxCapture, _ line: OutboxLine, _ site: Site) async throws {
    let connect = try line.connect(in: site, clock)
    try await until {
      do {
        try await connect.put(capture.name, capture.configuration)
        return true
      } catch let problem as Problem where problem.what.contains("status 409") {
        return false  // it hands connectors out anew
      }
    }
    try await connect.waitUntil(capture.name, is: .running)
    // Its word may be an old one; the server's is not.
    try await withStore(capture.region, in: site) { store in
      try await self.until { try await store.outboxSlotIsActive() == true }
    }
  }

  /// Sends a barrier through the outbox of the store that is read, and waits until it comes out: what was written before it has
  /// been carried then.
  ///
  /// - Returns: whether it came out within `limit`.
  func passBarrier(_ line: OutboxLine, _ site: Site, within limit: Duration) async throws -> Bool {
    let barrier = try await withStore(line.source, in: site) { try await $0.writeOutboxBarrier() }
    let host = try line.host(in: site)
    guard let cluster = host.kafka else { return false }
    let consumer = try await KafkaConsumer(
      cluster, name: "barrier", group: "blackstart-barrier", networkNamespace: host.networkNamespace)
    let outcome: Result<Bool, any Error>
    do {
      try await consumer.assign([KafkaPartition(OutboxLabSettings.barriers, 0): .beginning])
      let begun = timebase.monotonic()
      var isOut = false
      while !isOut, timebase.monotonic() - begun < limit.nanoseconds {
        try Task.checkCancellation()
        for reading in try await consumer.read(within: .milliseconds(100)) {
          guard case .message(let message) = reading, let id = message.header(OutboxRecord.Header.row) else { continue }
          if String(decoding: id, as: UTF8.self) == barrier { isOut = true }
        }
      }
      outcome = .success(isOut)
    } catch {
      outcome = .failure(error)
    }
    await consumer.close()
    return try outcome.get()
  }
}
