internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Workload

/// Opens sessions to a lab's Kafka clusters from inside the region that a client lives in, so that faults reach them.
struct KafkaConnector: StoreConnector {
  private let regions: [String: RegionHandle]
  private let state: KafkaState

  init(regions: [RegionHandle], state: KafkaState) {
    self.regions = Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0) })
    self.state = state
  }

  func connect(from region: String, to store: String) async throws(StoreFailure) -> any StoreSession {
    guard let home = regions[region], let cluster = regions[store]?.kafka else {
      throw .notSent("there is no cluster in \(store)")
    }
    do {
      let session = try await KafkaSession(cluster, home: home, region: region, store: store, state: state)
      do throws(KafkaFailure) { try await session.reach() } catch {
        await session.close()
        throw StoreFailure.notSent("\(error)")
      }
      return session
    } catch let failure as StoreFailure {
      throw failure
    } catch {
      throw .notSent("\(error)")
    }
  }
}

/// A session of the workload on one cluster: a producer, and a consumer from the first read on.
private actor KafkaSession: StoreSession {
  private let cluster: KafkaProperties
  private let namespace: Int32
  private let region: String
  private let store: String
  private let state: KafkaState
  private let producer: KafkaProducer
  private var reader: KafkaConsumer?

  private var log: KafkaEventLog { state.log }

  /// After that a record that was not acknowledged has an unknown outcome.
  private static let patience = Duration.seconds(2)

  init(_ cluster: KafkaProperties, home: RegionHandle, region: String, store: String, state: KafkaState) async throws {
    self.cluster = cluster
    namespace = home.namespace.fileDescriptor
    self.region = region
    self.store = store
    self.state = state
    producer = try await KafkaProducer(
      cluster, name: "\(region)-\(store)", networkNamespace: home.namespace.fileDescriptor, linger: .zero,
      deliveryLimit: Self.patience)
  }

  /// Asks the cluster something, so that one that cannot be reached is known before anything is sent.
  func reach() async throws(KafkaFailure) { try await producer.reach(within: .milliseconds(500)) }

  func append(_ event: Workload.NewEvent, token: Int64) async throws(StoreFailure) -> Receipt {
    switch await producer.send(log.record(event, token: token)) {
    case .acknowledged(let partition, let offset):
      guard let position = log.position(partition, offset, in: store) else {
        throw .unknown("acknowledged-elsewhere")
      }
      return Receipt(position: position, originSequence: position)
    case .refused(let failure): throw .refused(failure.name)
    case .unknown(let failure): throw .unknown(failure.kind == .timedOut ? "timeout" : failure.name)
    }
  }

  func latestSequences(of keys: [UInt32]) async throws(StoreFailure) -> [UInt32: UInt64] {
    // A producer learns of its own cluster only while it reaches it.
    do throws(KafkaFailure) { try await reach() } catch { throw .notSent("\(error)") }
    return state.latest(of: keys, in: store)
  }

  func apply(group: String, limit: Int, reread: Int) async throws(StoreFailure) -> Workload.AppliedBatch {
    let projection = KafkaState.Group(name: group, store: store)
    do throws(KafkaFailure) {
      let consumer: KafkaConsumer
      if let reader, reread == 0 {
        consumer = reader
      } else {
        consumer = try await open(group, reportsEnds: false)
        try await assign(consumer, reread: reread)
      }
      var deliveries: [Workload.Delivery] = []
      var next: [KafkaPartition: Int64] = [:]
      for reading in try await consumer.read(within: .milliseconds(100), atMost: limit) {
        guard case .message(let message) = reading else { continue }
        next[message.partition] = message.offset + 1
        guard let row = log.row(message, in: store) else { continue }
        deliveries.append(
          Workload.Delivery(
            id: row.id, key: row.key, keySequence: row.keySequence, position: row.position,
            isRepeat: !state.apply(row.id, by: projection)))
      }
      // Effect first, then progress: what is read again after a crash between the two is refused by the projection.
      if !next.isEmpty { try await consumer.commit(next) }
      return Workload.AppliedBatch(deliveries: deliveries, progress: deliveries.map(\.position).max())
    } catch {
      throw error.kind == .timedOut ? .unknown("timeout") : .refused(error.name)
    }
  }

  func tail(limit: Int) async throws(StoreFailure) -> [TailRow] {
    do throws(KafkaFailure) {
      let consumer: KafkaConsumer
      if let reader {
        consumer = reader
      } else {
        consumer = try await open("blackstart-tail", reportsEnds: false)
        try await consumer.assign(Dictionary(uniqueKeysWithValues: log.places(in: store).map { ($0, .beginning) }))
      }
      var rows: [TailRow] = []
      for reading in try await consumer.read(within: .milliseconds(50), atMost: limit) {
        guard case .message(let message) = reading, let row = log.row(message, in: store) else { continue }
        state.saw(row, in: store)
        rows.append(
          TailRow(
            id: row.id, key: row.key, keySequence: row.keySequence, origin: row.origin,
            // A mirrored record does not say where it stood at its origin; its identity is the same in both logs.
            originSequence: Int64(row.id.producer) << 40 | Int64(clamping: row.id.sequence), position: row.position,
            token: row.token))
      }
      return rows
    } catch {
      throw .notSent("\(error)")
    }
  }

  func close() async {
    await reader?.close()
    reader = nil
    await producer.close()
  }

  private func open(_ group: String, reportsEnds: Bool) async throws(KafkaFailure) -> KafkaConsumer {
    if let reader { return reader }
    do {
      let consumer = try await KafkaConsumer(
        cluster, name: "\(region)-\(store)-\(group)", group: group, reportsEnds: reportsEnds,
        networkNamespace: namespace)
      reader = consumer
      return consumer
    } catch let failure as KafkaFailure {
      throw failure
    } catch {
      throw KafkaFailure(what: "start of a consumer", kind: .other, code: 0, name: "NOT_STARTED", text: "\(error)")
    }
  }

  /// Begins where the group has committed, and `reread` events before that.
  private func assign(_ consumer: KafkaConsumer, reread: Int) async throws(KafkaFailure) {
    let places = log.places(in: store)
    let committed = try await consumer.committed(places, within: .seconds(2))
    let share = Int64(reread / max(1, places.count))
    var starts: [KafkaPartition: KafkaStart] = [:]
    for place in places { starts[place] = committed[place].map { .offset(max(0, $0 - share)) } ?? .beginning }
    try await consumer.assign(starts)
  }
}
