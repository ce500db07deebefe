import Dispatch
import Events
import Support
import Synchronization

@testable import Workload

/// Stores in memory that obey a fence, for tests of what the workload sends and records.
final class FakeStores: StoreConnector, AuthoritySource {
  struct Store {
    var token: Int64 = 1
    var isReachable = true
    var answers = true
    var rows: [TailRow] = []
    var readers: [String: Int] = [:]
  }

  struct State {
    var stores: [String: Store] = ["east": Store(), "eu": Store()]
    var authority = Authority(writer: "east", token: 1)
    var connections = 0
    var appends = 0
    /// On which queue each event was appended.
    var places: [String?] = []
    var onAppend: (@Sendable (Int, inout State) -> Void)?
  }

  let state = Mutex(State())
  /// Where sessions want their callers to run, by store.
  let executors: [String: QueueExecutor]

  init(executors: [String: QueueExecutor] = [:]) { self.executors = executors }

  func rows(of store: String) -> [TailRow] { state.withLock { $0.stores[store]?.rows ?? [] } }

  func change(_ body: (inout State) -> Void) { state.withLock { body(&$0) } }

  func authority(in region: String) -> Authority { state.withLock(\.authority) }

  func connect(from region: String, to store: String) async throws(StoreFailure) -> any StoreSession {
    let isReachable = state.withLock { state in
      state.connections += 1
      return state.stores[store]?.isReachable ?? false
    }
    guard isReachable else { throw .notSent("unreachable") }
    return Session(stores: self, store: store)
  }

  final class Session: StoreSession {
    let stores: FakeStores
    let store: String
    let read = Mutex(0)

    init(stores: FakeStores, store: String) {
      self.stores = stores
      self.store = store
    }

    func append(_ event: NewEvent, token: Int64) async throws(StoreFailure) -> Receipt {
      let result: Result<Receipt, StoreFailure> = stores.state.withLock { state in
        state.appends += 1
        state.places.append(QueueExecutor.current)
        state.onAppend?(state.appends, &state)
        guard var target = state.stores[store] else { return .failure(.unknown("no store")) }
        guard token == target.token else { return .failure(.refused("BS409")) }
        let position = Int64(target.rows.count)
        target.rows.append(
          TailRow(
            id: event.id, key: event.key, keySequence: event.keySequence, origin: store, originSequence: position,
            position: position, token: token))
        state.stores[store] = target
        return target.answers
          ? .success(Receipt(position: position, originSequence: position)) : .failure(.unknown("timeout"))
      }
      return try result.get()
    }

    func latestSequences(of keys: [UInt32]) async throws(StoreFailure) -> [UInt32: UInt64] {
      stores.state.withLock { state in
        var latest: [UInt32: UInt64] = [:]
        for row in state.stores[store]?.rows ?? [] where keys.contains(row.key) {
          latest[row.key] = max(latest[row.key] ?? 0, row.keySequence)
        }
        return latest
      }
    }

    func apply(group: String, limit: Int, reread: Int) async throws(StoreFailure) -> AppliedBatch {
      stores.state.withLock { state in
        let rows = state.stores[store]?.rows ?? []
        let done = state.stores[store]?.readers[group] ?? 0
        let end = min(rows.count, done + limit)
        state.stores[store]?.readers[group] = end
        let deliveries = rows[max(0, done - reread)..<end].enumerated().map { index, row in
          Delivery(
            id: row.id, key: row.key, keySequence: row.keySequence, position: row.position,
            isRepeat: max(0, done - reread) + index < done)
        }
        return AppliedBatch(deliveries: Array(deliveries), progress: deliveries.last?.position)
      }
    }

    func tail(limit: Int) async throws(StoreFailure) -> [TailRow] {
      stores.state.withLock { state in
        read.withLock { read in
          let rows = Array((state.stores[store]?.rows ?? []).dropFirst(read).prefix(limit))
          read += rows.count
          return rows
        }
      }
    }

    func close() async {}

    var executor: (any TaskExecutor)? { stores.executors[store] }
  }
}

/// Runs tasks on a queue of its own that can be told from others.
final class QueueExecutor: TaskExecutor {
  private static let name = DispatchSpecificKey<String>()

  private let queue: DispatchQueue

  init(_ name: String) {
    queue = DispatchQueue(label: name)
    queue.setSpecific(key: Self.name, value: name)
  }

  /// The name of the one that the caller runs on; `nil`: it runs elsewhere.
  static var current: String? { DispatchQueue.getSpecific(key: name) }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    queue.async { job.runSynchronously(on: self.asUnownedTaskExecutor()) }
  }
}
