internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// Opens sessions to a lab's event stores from inside the region that a client lives in, so that faults reach them.
struct LabConnector: StoreConnector {
  private let regions: [String: SiteRegion]
  private let timebase: Timebase

  init(regions: [SiteRegion], timebase: Timebase) {
    self.regions = Dictionary(uniqueKeysWithValues: regions.map { ($0.name, $0) })
    self.timebase = timebase
  }

  func connect(from region: String, to store: String) async throws(StoreFailure) -> any StoreSession {
    guard let home = regions[region], let address = regions[store]?.store else {
      throw .notSent("there is no store in \(store)")
    }
    do {
      let connection = try PostgresConnection(
        address, name: "bs-\(region)-\(store)", networkNamespace: home.networkNamespace, timebase: timebase)
      do throws(PostgresError) {
        try await connection.open(within: .milliseconds(500))
      } catch {
        await connection.close()
        throw StoreFailure.notSent("\(error)")
      }
      return EventStoreSession(connection)
    } catch let failure as StoreFailure {
      throw failure
    } catch {
      throw .notSent("\(error)")
    }
  }
}

/// A session of the workload on a PostgreSQL event store.
private final class EventStoreSession: StoreSession {
  private let connection: PostgresConnection
  private let store: EventStore
  private let cursor = Mutex(StoreCursor.start)

  init(_ connection: PostgresConnection) {
    self.connection = connection
    store = EventStore(connection)
  }

  func append(_ event: Workload.NewEvent, token: Int64) async throws(StoreFailure) -> Receipt {
    do throws(PostgresError) {
      let stored = Stacks.NewEvent(
        id: event.id, aggregate: event.key, aggregateSequence: event.keySequence,
        causation: event.causation?.description, correlation: "aggregate-\(event.key)", producedAt: event.wall,
        payload: String(decoding: event.payload, as: UTF8.self), checksum: event.checksum)
      let acknowledgement = try await store.append(stored, token: token)
      return Receipt(position: acknowledgement.position, originSequence: acknowledgement.originSequence)
    } catch {
      throw Self.failure(error)
    }
  }

  func latestSequences(of keys: [UInt32]) async throws(StoreFailure) -> [UInt32: UInt64] {
    do throws(PostgresError) {
      return try await store.latestSequences(of: keys)
    } catch {
      throw Self.failure(error)
    }
  }

  func apply(group: String, limit: Int, reread: Int) async throws(StoreFailure) -> Workload.AppliedBatch {
    do throws(PostgresError) {
      let batch = try await store.applyBatch(group: group, limit: limit, reread: reread)
      let deliveries = batch.deliveries.map {
        Workload.Delivery(
          id: $0.id, key: $0.aggregate, keySequence: $0.aggregateSequence, position: $0.position, isRepeat: !$0.applied)
      }
      return Workload.AppliedBatch(deliveries: deliveries, progress: batch.deliveries.last?.position)
    } catch {
      throw Self.failure(error)
    }
  }

  func tail(limit: Int) async throws(StoreFailure) -> [TailRow] {
    do throws(PostgresError) {
      let rows = try await store.tail(after: cursor.withLock { $0 }, limit: limit)
      if let last = rows.last { cursor.withLock { $0 = last.cursor } }
      return rows.map {
        TailRow(
          id: $0.id, key: $0.aggregate, keySequence: $0.aggregateSequence, origin: $0.origin,
          originSequence: $0.originSequence, position: $0.position, token: $0.token)
      }
    } catch {
      throw Self.failure(error)
    }
  }

  func close() async {
    await connection.close()
  }

  /// What is not provably without effect is unknown.
  private static func failure(_ error: PostgresError) -> StoreFailure {
    if error.isUnknownOutcome {
      return switch error {
      case .timedOut: .unknown("timeout")
      case .cancelled: .unknown("cancelled")
      case .lost: .unknown("connection-lost")
      default: .unknown(error.sqlState ?? "unknown")
      }
    }
    if let state = error.sqlState { return .refused(state) }
    return .notSent("\(error)")
  }
}
