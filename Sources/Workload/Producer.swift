public import Events
public import Support

/// One producer worker: appends events at a steady rate to the store that has write authority, and records each as it is.
///
/// It follows authority as its own region's control plane tells it, continues an aggregate only where the aggregate's last
/// event can be seen (``KeySpace``), and never sends an event twice: an unknown outcome stays unknown until the logs are
/// dumped, because a second attempt in another region would be a duplicate that no unique key can refuse.
public struct Producer: Sendable {
  /// Number of the worker: producer number of its events and process of its operations.
  public var worker: UInt32
  /// The producer that it is a worker of, by which operators call it.
  public var name: String
  /// Where it runs.
  public var region: String
  /// Events a second.
  public var rate: Double
  /// First of its aggregates, and how many it has.
  public var keys: (first: UInt32, count: Int)
  /// Bytes of payload in an event.
  public var payloadBytes: Int

  /// A worker.
  public init(
    worker: UInt32, name: String = "", region: String, rate: Double, keys: (first: UInt32, count: Int),
    payloadBytes: Int = 100
  ) {
    self.worker = worker
    self.name = name
    self.region = region
    self.rate = rate
    self.keys = keys
    self.payloadBytes = payloadBytes
  }

  /// Works until it is cancelled; its last operation is recorded before it returns.
  public func run(in surroundings: Surroundings) async {
    var loop = Loop(producer: self, surroundings: surroundings)
    surroundings.counters.register(worker: worker, region: region)
    while await withTaskExecutorPreference(loop.executor, operation: { await loop.steps() }) {}
    await loop.end()
  }
}

/// What the parts of a workload share; everything in it is passed in.
public struct Surroundings: Sendable {
  /// Where operations are recorded.
  public var recorder: HistoryRecorder
  /// Live figures.
  public var counters: WorkloadCounters
  /// Opens connections.
  public var connector: any StoreConnector
  /// Who may write.
  public var authority: any AuthoritySource
  /// The recorder's clocks.
  public var timebase: Timebase
  /// For waiting.
  public var clock: any Clock<Duration>
  /// Seed of what is drawn.
  public var seed: UInt64
  /// Ends these parts after their operation in flight.
  public var stop: StopSignal
  /// What operators tell these parts.
  public var traffic: TrafficControl

  /// The surroundings of a workload.
  public init(
    recorder: HistoryRecorder, counters: WorkloadCounters, connector: any StoreConnector,
    authority: any AuthoritySource, timebase: Timebase, clock: any Clock<Duration>, seed: UInt64,
    stop: StopSignal = StopSignal(), traffic: TrafficControl = TrafficControl()
  ) {
    self.recorder = recorder
    self.counters = counters
    self.connector = connector
    self.authority = authority
    self.timebase = timebase
    self.clock = clock
    self.seed = seed
    self.stop = stop
    self.traffic = traffic
  }

  /// Whether a part is to end.
  var isEnding: Bool { Task.isCancelled || stop.isRequested }

  /// Waits; `false` when cancelled meanwhile.
  func pause(_ duration: Duration) async -> Bool {
    do {
      try await clock.sleep(for: duration)
      return true
    } catch {
      return false
    }
  }
}

extension Producer {
  /// The state of a running worker.
  private struct Loop {
    let producer: Producer
    let surroundings: Surroundings
    var random: SeededRandom
    var keys: KeySpace
    var record: WriteRecord
    var pace: Pace
    var sequence: UInt64 = 0
    var session: (store: String, link: any StoreSession)?
    /// How often a session was opened or let go of.
    var connections = 0
    var lastStore: String?
    /// A producer that was sent to a store goes on with the token it knows when its region no longer knows one.
    var lastToken: Int64?
    var lastEvent: [UInt32: EventID] = [:]
    var nextRelease: Int64 = 0

    init(producer: Producer, surroundings: Surroundings) {
      self.producer = producer
      self.surroundings = surroundings
      random = SeededRandom(seed: surroundings.seed, for: "producer-\(producer.worker)")
      keys = KeySpace(first: producer.keys.first, count: producer.keys.count)
      record = WriteRecord(surroundings.recorder, worker: producer.worker, region: producer.region)
      pace = Pace(perSecond: producer.rate, start: surroundings.timebase.monotonic())
    }

    /// Where it is best run with the session that it has.
    var executor: (any TaskExecutor)? { session?.link.executor }

    /// Events and waits, until it has another session; `false` when the worker is to end.
    mutating func steps() async -> Bool {
      let connections = connections
      while await step() {
        if connections != self.connections { return true }
      }
      return false
    }

    /// One event, or one wait; `false` when the worker is to end.
    private mutating func step() async -> Bool {
      let now = surroundings.timebase.monotonic()
      let due = pace.due(now: now)
      if due > now, await !surroundings.pause(.nanoseconds(due - now)) { return false }
      if surroundings.isEnding { return false }
      let orders = surroundings.traffic.orders(for: producer.name)
      let authority = surroundings.authority.authority(in: producer.region)
      guard !orders.isPaused, let store = orders.store ?? authority.writer, let token = authority.token ?? lastToken
      else { return true }
      lastToken = token
      if lastStore != store {
        if lastStore != nil { keys.storeChanged() }
        lastStore = store
      }
      await release(store)
      await append(to: store, token: token, orders)
      return true
    }

    mutating func end() async {
      if let session { await session.link.close() }
    }

    private mutating func append(to store: String, token: Int64, _ orders: TrafficControl.ProducerOrders) async {
      guard let (key, keySequence) = keys.draw(using: &random, where: orders.admits) else { return }
      let id = EventID(producer: producer.worker, sequence: sequence)
      sequence += 1
      let payload = (0..<producer.payloadBytes).map { _ in UInt8.random(in: 33...126, using: &random) }
      let event = NewEvent(
        id: id, key: key, keySequence: keySequence, causation: lastEvent[key], payload: payload,
        checksum: payloadChecksum(payload), wall: surroundings.timebase.wall())
      let ticket = record.begin(
        .append, event: event, store: store, partition: surroundings.connector.partition(of: key, in: store),
        token: token)
      do throws(StoreFailure) {
        let receipt = try await link(to: store).append(event, token: token)
        record.end(ticket, ok: receipt)
        surroundings.counters.acknowledged(
          worker: producer.worker, sequence: id.sequence, region: producer.region, store: store, token: token,
          at: surroundings.timebase.monotonic())
        keys.acknowledged(key, keySequence)
        lastEvent[key] = id
      } catch {
        record.end(ticket, failure: error)
        switch error {
        case .refused:
          surroundings.counters.failed(region: producer.region)
        case .notSent:
          surroundings.counters.failed(region: producer.region)
          await drop()
        case .unknown:
          surroundings.counters.unknown(region: producer.region)
          keys.unknown(key, keySequence)
          await drop()
        }
      }
    }

    /// Frees aggregates whose last event the store shows by now; asked at most four times a second.
    private mutating func release(_ store: String) async {
      guard keys.holdsAny else { return }
      let held = keys.held
      let now = surroundings.timebase.monotonic()
      // A connection is made by a write, not by a question: one attempt a step, and a switch is noticed between steps.
      guard now >= nextRelease, session?.store == store || keys.isExhausted else { return }
      nextRelease = now + 250_000_000
      do throws(StoreFailure) {
        keys.release(latest: try await link(to: store).latestSequences(of: held))
      } catch {
        await drop()  // asked again on the next connection
      }
    }

    private mutating func link(to store: String) async throws(StoreFailure) -> any StoreSession {
      if let session {
        if session.store == store { return session.link }
        await drop()
      }
      let link = try await surroundings.connector.connect(from: producer.region, to: store)
      session = (store, link)
      connections += 1
      return link
    }

    private mutating func drop() async {
      guard let open = session else { return }
      session = nil
      connections += 1
      await open.link.close()
    }
  }
}

/// The checksum of a payload as history and ground truth have it (64-bit FNV-1a).
public func payloadChecksum(_ payload: [UInt8]) -> UInt64 {
  payload.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
}
