import Events
import Glibc
import Support
import Synchronization
import Testing

@testable import Workload

/// Runs `body` beside the workload parts that it starts, then reads the history they left.
private func recorded(
  _ stores: FakeStores,
  _ body: @Sendable (Surroundings) async throws -> Void
) async throws -> [Operation] {
  let path = "/tmp/blackstart-workload-\(getpid())-\(UInt64.random(in: 0 ... .max)).bsh"
  defer { unlink(path) }
  let recorder = try HistoryRecorder(
    path: path, runID: "test", clock: Timebase.system.monotonic, wall: Timebase.system.wall)
  try await body(
    Surroundings(
      recorder: recorder, counters: WorkloadCounters(), connector: stores, authority: stores, timebase: .system,
      clock: ContinuousClock(), seed: 7))
  try await recorder.close()
  return try History(path: path).operations
}

/// Runs a part of the workload until `enough` holds, then cancels it.
private func run(
  _ part: @escaping @Sendable () async -> Void, until enough: @escaping @Sendable () -> Bool
) async throws {
  try await withThrowingTaskGroup(of: Void.self) { group in
    group.addTask { await part() }
    let deadline = ContinuousClock.now + .seconds(20)
    while !enough() {
      try #require(ContinuousClock.now < deadline, "the workload did not get there in 20 s")
      try await ContinuousClock().sleep(for: .milliseconds(2))
    }
    group.cancelAll()
  }
}

@Suite struct ProducerTests {
  let producer = Producer(worker: 3, region: "ap", rate: 2000, keys: (first: 100, count: 4))

  @Test func everyAcknowledgedWriteIsRecordedAsTheStoreHasIt() async throws {
    let stores = FakeStores()
    let operations = try await recorded(stores) { surroundings in
      try await run({ await producer.run(in: surroundings) }, until: { stores.state.withLock { $0.appends >= 50 } })
    }
    let rows = stores.rows(of: "east")
    let acknowledged = operations.filter { $0.outcome == .ok }
    #expect(acknowledged.count == rows.count)
    #expect(Set(acknowledged.map(\.event)) == Set(rows.map(\.id)))
    #expect(acknowledged.allSatisfy { $0.kind == .append && $0.token == 1 && ($0.completed ?? 0) >= $0.invoked })
    #expect(operations.map(\.event.sequence).sorted() == Array(0..<UInt64(operations.count)))
  }

  /// The first event of a session opens it; all others are written where its answers are heard, and so after a change of store.
  @Test func aProducerRunsWhereItsSessionWantsIt() async throws {
    let stores = FakeStores(executors: ["east": QueueExecutor("of east"), "eu": QueueExecutor("of eu")])
    stores.change { state in
      state.onAppend = { count, state in
        if count == 20 {
          state.authority = Authority(writer: "eu", token: 1)
          // Nothing is held back: what the first store has, the second one has as well.
          let rows = state.stores["east"]?.rows ?? []
          state.stores["eu"]?.rows = rows
        }
      }
    }
    _ = try await recorded(stores) { surroundings in
      try await run({ await producer.run(in: surroundings) }, until: { stores.state.withLock { $0.appends >= 60 } })
    }
    let places = stores.state.withLock(\.places)
    #expect(places.first == .some(nil))
    #expect(places[1..<20].allSatisfy { $0 == "of east" }, "\(places)")
    #expect(places.last == "of eu")
    #expect(places[22...].allSatisfy { $0 == "of eu" }, "\(places)")
  }

  @Test func aLostAnswerIsUnknownAndItsAggregateIsHeld() async throws {
    let stores = FakeStores()
    stores.change { state in
      state.onAppend = { count, state in state.stores["east"]?.answers = count != 5 }
    }
    let operations = try await recorded(stores) { surroundings in
      try await run({ await producer.run(in: surroundings) }, until: { stores.state.withLock { $0.appends >= 40 } })
    }
    let unknown = operations.filter { if case .unknown = $0.outcome { true } else { false } }
    #expect(unknown.count == 1)
    #expect(stores.state.withLock(\.connections) >= 2)
    // The event did take effect, so its aggregate goes on once the store shows it; either way its order holds.
    var last: [UInt32: UInt64] = [:]
    for row in stores.rows(of: "east") {
      #expect(row.keySequence > last[row.key] ?? 0)
      last[row.key] = row.keySequence
    }
  }

  @Test func anUnreachableStoreIsAFailureAndNotUnknown() async throws {
    let stores = FakeStores()
    stores.change { $0.stores["east"]?.isReachable = false }
    let operations = try await recorded(stores) { surroundings in
      try await run({ await producer.run(in: surroundings) }, until: { stores.state.withLock { $0.connections >= 5 } })
    }
    #expect(!operations.isEmpty)
    #expect(operations.allSatisfy { if case .fail = $0.outcome { true } else { false } })
  }

  @Test func afterASwitchItWritesOnlyAggregatesWhoseEventsAreThere() async throws {
    let stores = FakeStores()
    stores.change { state in
      state.onAppend = { count, state in
        guard count == 30 else { return }
        state.authority = Authority(writer: "eu", token: 2)
        state.stores["eu"]?.token = 2
        // What has been mirrored when the old region is lost: everything but aggregate 100's last event.
        let rows = state.stores["east"]?.rows ?? []
        let lost = rows.last { $0.key == 100 }
        state.stores["eu"]?.rows = rows.filter { $0.id != lost?.id }
        state.stores["east"]?.isReachable = false
      }
    }
    _ = try await recorded(stores) { surroundings in
      try await run({ await producer.run(in: surroundings) }, until: { stores.state.withLock { $0.appends >= 90 } })
    }
    let rows = stores.rows(of: "eu").filter { $0.token == 2 }
    #expect(!rows.isEmpty)
    #expect(rows.allSatisfy { $0.key != 100 })
  }
}

@Suite struct OldLeaderTests {
  @Test func itKeepsItsTokenAndTriesOneThatWasNeverGranted() async throws {
    let stores = FakeStores()
    stores.change { state in
      state.authority = Authority(writer: "eu", token: 2)
      state.stores["east"]?.token = 2
    }
    let leader = OldLeader(worker: 9, region: "east", store: "east", rate: 2000, key: 999)
    let operations = try await recorded(stores) { surroundings in
      try await run(
        { await leader.run(token: 1, inflated: 1_000_001, in: surroundings) },
        until: { surroundings.counters.stale["east"]?.refused ?? 0 >= 30 })
      #expect(surroundings.counters.stale["east"]?.accepted ?? 0 == 0)
    }
    #expect(operations.allSatisfy { $0.kind == .staleAppend })
    #expect(operations.contains { $0.token == 1_000_001 })
    #expect(operations.filter { $0.token == 1 }.count > operations.filter { $0.token == 1_000_001 }.count)
  }
}

@Suite struct ConsumerTests {
  @Test func itTakesSomeEventsAgainWhenItConnects() async throws {
    let stores = FakeStores()
    stores.change { state in
      state.stores["eu"]?.rows = (0..<120).map { index in
        TailRow(
          id: EventID(producer: 1, sequence: UInt64(index)), key: 1, keySequence: UInt64(index + 1), origin: "east",
          originSequence: Int64(index), position: Int64(index), token: 1)
      }
      state.stores["eu"]?.readers["g"] = 100
    }
    let consumer = Consumer(worker: 20, group: "g", region: "ap", store: "eu", reread: 10)
    let operations = try await recorded(stores) { surroundings in
      try await run(
        { await consumer.run(in: surroundings) }, until: { surroundings.counters.groups["g@eu"]?.position == 119 })
    }
    #expect(operations.count == 30)
    #expect(operations.filter { $0.outcome == .ok }.count == 20)
  }
}

@Suite struct LogTailTests {
  @Test func aTailThatReconnectsReportsEachRowOnce() async throws {
    let stores = FakeStores()
    let row = TailRow(
      id: EventID(producer: 1, sequence: 0), key: 1, keySequence: 1, origin: "east", originSequence: 0, position: 0,
      token: 1)
    stores.change { $0.stores["east"]?.rows = [row] }
    let lag = MirrorLag(stores: ["east", "eu"])
    let tail = LogTail(worker: 30, store: "east")
    let direction = MirrorLag.Direction(origin: "east", target: "eu")
    let operations = try await recorded(stores) { surroundings in
      for _ in 0..<2 {
        try await run(
          { await tail.run(mirrors: lag, in: surroundings) },
          until: { lag.current(now: 0)[direction]?.records == 1 })
      }
      #expect(lag.seen([row], in: "eu", at: 5).count == 1)
      #expect(lag.current(now: 10)[direction]?.records == 0)
    }
    #expect(operations.count == 1)
    #expect(operations.first?.kind == .observe)
  }
}
