internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Workload

/// Opens sessions to a lab's Kafka clusters from inside the region that a client lives in, so that faults reach them.
struct KafkaConnector: StoreConnector {
  private let regions: [String: SiteRegion]
  private let state: KafkaState
  private let timebase: Timebase

  init(regions: [SiteRegion], state: KafkaState, timebase: Timebase) {
    self.timebase = timebase
    self.regions = Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0) })
    self.state = state
  }

  func connect(from region: String, to store: String) async throws(StoreFailure) -> any StoreSession {
    guard let home = regions[region], let cluster = regions[store]?.kafka else {
      throw .notSent("there is no cluster in \(store)")
    }
    do {
      let session = try await KafkaSession(
        cluster, named: regions[store]?.kafkaNamed, home: home, region: region, store: store, state: state,
        timebase: timebase)
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

extension KafkaConnector {
  func partition(of key: UInt32, in store: String) -> String? { "\(state.log.partition(of: key))" }

  func partitions(of store: String) -> [String?] { state.log.places(in: store).map { "\($0)" } }
}

/// A session of the workload on one cluster: a producer, and a consumer from the first read on.
actor KafkaSession: StoreSession {
  private let cluster: KafkaProperties
  /// Where writers come under a name.
  let named: KafkaProperties?
  let namespace: Int32?
  let region: String
  let store: String
  let state: KafkaState
  private let timebase: Timebase
  private let producer: KafkaProducer
  var owner: Owner?
  private var reader: KafkaConsumer?
  /// What the group that reads here has committed.
  private var committed: [KafkaPartition: Int64] = [:]

  var log: KafkaEventLog { state.log }

  /// After that a record that was not acknowledged has an unknown outcome.
  static let patience = Duration.seconds(2)

  init(
    _ cluster: KafkaProperties, named: KafkaProperties?, home: SiteRegion, region: String, store: String,
    state: KafkaState, timebase: Timebase
  ) async throws {
    self.timebase = timebase
    self.cluster = cluster
    self.named = named
    namespace = home.networkNamespace
    self.region = region
    self.store = store
    self.state = state
    producer = try await KafkaProducer(
      cluster, name: "\(region)-\(store)", networkNamespace: home.networkNamespace, linger: .zero,
      deliveryLimit: Self.patience)
  }

  /// Asks the cluster something, so that one that cannot be reached is known before anything is sent.
  func reach() async throws(KafkaFailure) { try await producer.reach(within: .milliseconds(500)) }

  nonisolated var executor: (any TaskExecutor)? { producer.reportExecutor }

  nonisolated func append(_ event: Workload.NewEvent, token: Int64) async throws(StoreFailure) -> Receipt {
    if let fence = state.fence { return try await append(event, token: token, by: fence) }
    switch await producer.send(state.log.record(event, token: token)) {
    case .acknowledged(let partition, let offset):
      return Receipt(partition: "\(partition)", position: offset, originSequence: offset)
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
    state.reads(projection, since: timebase.monotonic())
    do throws(KafkaFailure) {
      let consumer: KafkaConsumer
      if let reader, reread == 0 {
        consumer = reader
      } else {
        consumer = try await open(state.groupID(of: group), reportsEnds: false)
        guard try await assign(consumer, reread: reread) else {
          // Until it may start nothing is read; the next step asks again.
          await consumer.close()
          reader = nil
          return Workload.AppliedBatch(deliveries: [], progress: nil)
        }
      }
      var deliveries: [Workload.Delivery] = []
      var next: [KafkaPartition: Int64] = [:]
      for reading in try await consumer.read(within: .milliseconds(100), atMost: limit) {
        guard case .message(let message) = reading else { continue }
        next[message.partition] = message.offset + 1
        guard let row = log.row(message, in: store) else { continue }
        deliveries.append(
          Workload.Delivery(
            id: row.id, key: row.key, keySequence: row.keySequence, partition: "\(row.partition)", position: row.offset,
            isRepeat: !state.apply(row.id, by: projection)))
      }
      // Effect first, then progress: what is read again after a crash between the two is refused by the projection. What is only
      // read again takes no progress back.
      let further = next.filter { $0.value > committed[$0.key] ?? 0 }
      if !further.isEmpty { try await consumer.commit(further) }
      committed.merge(further) { $1 }
      return Workload.AppliedBatch(
        deliveries: deliveries, progress: nil,
        partitions: Dictionary(
          deliveries.compactMap { event in event.partition.map { ($0, event.position) } }, uniquingKeysWith: max))
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
        try await consumer.assign(
          Dictionary(uniqueKeysWithValues: log.places(in: store).map { ($0, state.beginning(of: $0, in: store)) }))
      }
      var rows: [TailRow] = []
      for reading in try await consumer.read(within: .milliseconds(50), atMost: limit) {
        guard case .message(let message) = reading, let row = log.row(message, in: store) else { continue }
        state.saw(row, in: store)
        rows.append(
          TailRow(
            id: row.id, key: row.key, keySequence: row.keySequence, origin: row.origin,
            // A mirrored record does not say where it stood at its origin; its identity is the same in both logs.
            originSequence: Int64(row.id.producer) << 40 | Int64(clamping: row.id.sequence),
            partition: "\(row.partition)", position: row.offset, token: row.token))
      }
      return rows
    } catch {
      throw .notSent("\(error)")
    }
  }

  func close() async {
    await reader?.close()
    reader = nil
    await release()
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
  ///
  /// - Returns: `false` if it has committed nothing, and may not start yet.
  private func assign(_ consumer: KafkaConsumer, reread: Int) async throws(KafkaFailure) -> Bool {
    let places = log.places(in: store)
    committed = try await consumer.committed(places, within: .seconds(2))
    let share = Int64(reread / max(1, places.count))
    var starts: [KafkaPartition: KafkaStart] = [:]
    for place in places {
      guard let start = committed[place].map({ .offset(max(0, $0 - share)) }) ?? state.start(of: place, in: store)
      else {
        return false
      }
      starts[place] = start
    }
    try await consumer.assign(starts)
    return true
  }
}
