internal import Glibc
public import Support

/// Runs the control plane of one region until SIGTERM, SIGINT or the task's cancellation, then gives its store and its
/// lease back and returns.
///
/// Meant to be a process of its own, so that it can be stopped, killed and cut off like any other part of the system.
/// It says what it does in plain lines on standard error.
///
/// - Throws: ``SystemError`` when its threads or its socket cannot be made. What fails later is retried, and told in
///   its state.
public func runControlPlane(
  configuration: ControlPlaneConfiguration, timebase: Timebase = .system
) async throws {
  let shell = try ControlPlaneShell(configuration, timebase)
  let signals = await terminationSignals()
  try await shell.run(until: signals)
}

/// Performs what ``ControlPlaneMachine`` decides: one worker a lane, and a loop that alone owns the machine.
struct ControlPlaneShell: Sendable {
  private enum Message: Sendable {
    case event(ControlPlaneMachine.Event)
    case cluster(leader: String?, EtcdStatus)
  }

  private let configuration: ControlPlaneConfiguration
  private let timebase: Timebase
  private let etcd: EtcdClient
  private let observer: EtcdClient
  private let store: EventStore?
  private let server: LineServer
  private let orders: AsyncStream<ControlPlaneOrder>
  private let orderSource: AsyncStream<ControlPlaneOrder>.Continuation

  static let tickInterval: Duration = .milliseconds(20)
  static let heartbeat: Int64 = 200_000_000

  init(_ configuration: ControlPlaneConfiguration, _ timebase: Timebase) throws(SystemError) {
    self.configuration = configuration
    self.timebase = timebase
    etcd = try EtcdClient(endpoints: configuration.etcdEndpoints, name: "etcd", timebase: timebase)
    observer = try EtcdClient(
      endpoints: configuration.etcdEndpoints, name: "etcd-status", timebase: timebase, limit: .milliseconds(500))
    if let address = configuration.store {
      store = EventStore(try PostgresConnection(address, name: "control-\(configuration.region)", timebase: timebase))
    } else {
      store = nil
    }
    (orders, orderSource) = AsyncStream.makeStream(of: ControlPlaneOrder.self)
    server = try LineServer(path: configuration.socketPath) { [orderSource] line in
      if let order = ControlPlaneOrder(line: line) { orderSource.yield(order) }
    }
  }

  func run(until signals: AsyncStream<Int32>) async throws {
    let (inbox, messages) = AsyncStream.makeStream(of: Message.self)
    let (etcdRequests, toEtcd) = AsyncStream.makeStream(of: ControlPlaneMachine.EtcdRequest.self)
    let (storeRequests, toStore) = AsyncStream.makeStream(of: ControlPlaneMachine.StoreRequest.self)
    // The machine ends in order also when the task is cancelled, which ends the sources of its events: it has to learn
    // of that as an event, and its lanes must go on. So the group is not the caller's to cancel.
    try await withTaskCancellationHandler {
      try await shieldedThrowing {
        try await withThrowingDiscardingTaskGroup { group in
          group.addTask(name: "socket") { try await onOwnThread("state") { server.serve() } }
          group.addTask(name: "etcd") {
            for await request in etcdRequests { messages.yield(.event(await perform(request))) }
          }
          group.addTask(name: "store") {
            for await request in storeRequests { messages.yield(.event(await perform(request))) }
          }
          group.addTask(name: "signals") { for await _ in signals { messages.yield(.event(.stop)) } }
          group.addTask(name: "orders") {
            for await order in orders { messages.yield(.event(.order(order))) }
          }
          group.addTask(name: "ticks") {
            while await rested(Self.tickInterval) { messages.yield(.event(.tick)) }
          }
          group.addTask(name: "cluster") {
            while await rested(.milliseconds(500)) {
              if let view = await cluster() { messages.yield(view) }
            }
          }
          try await decide(inbox, toEtcd, toStore)
          server.close()
          group.cancelAll()
        }
      }
    } onCancel: {
      messages.yield(.event(.stop))
    }
  }

  private func decide(
    _ inbox: AsyncStream<Message>, _ toEtcd: AsyncStream<ControlPlaneMachine.EtcdRequest>.Continuation,
    _ toStore: AsyncStream<ControlPlaneMachine.StoreRequest>.Continuation
  ) async throws {
    var machine = ControlPlaneMachine(configuration.settings, at: timebase.monotonic())
    var state = ControlPlaneState(
      region: configuration.region, role: .follower, changedAtMonotonic: timebase.monotonic(), reportedAtMonotonic: 0,
      etcdReachable: false)
    for await message in inbox {
      var base = state
      switch message {
      case .cluster(let leader, let status):
        (base.etcdLeader, base.etcdRaftTerm, base.etcdRevision) = (leader, status.raftTerm, status.revision)
      case .event(let event):
        for action in machine.handle(event, at: timebase.monotonic()) {
          switch action {
          case .etcd(let request): toEtcd.yield(request)
          case .store(let request): toStore.yield(request)
          case .finish: return log("ended")
          }
        }
      }
      let now = timebase.monotonic()
      let next = machine.state(base, at: now)
      let changed = !next.saysTheSame(as: state)
      if changed || next.note != state.note { log(next) }
      if changed || now - state.reportedAtMonotonic >= Self.heartbeat {
        server.publish(try encodeJSON(next))
        state = next
      } else {
        // Kept, but not yet reported.
        let reported = state.reportedAtMonotonic
        state = next
        state.reportedAtMonotonic = reported
      }
    }
  }

  private func perform(_ request: ControlPlaneMachine.EtcdRequest) async -> ControlPlaneMachine.Event {
    let key = ControlPlaneConfiguration.writerKey(lab: configuration.lab)
    do throws(EtcdError) {
      switch request {
      case .readLeader: return .leader(try await etcd.range(key).map(leader))
      case .grantLease(let seconds): return .leaseGranted(try await etcd.grantLease(seconds: seconds))
      case .renew(let lease): return .renewed(seconds: try await etcd.keepAlive(lease))
      case .revoke(let lease):
        try await etcd.revoke(lease)
        return .revoked
      case .campaign(let lease):
        switch try await etcd.createIfAbsent(key, configuration.region, lease: lease) {
        case .created(let token): return .campaignWon(token: token)
        case .exists(let key): return .campaignLost(leader(key))
        }
      }
    } catch {
      return .etcdFailed("\(error)")
    }
  }

  private func leader(_ key: EtcdKeyValue) -> ControlPlaneMachine.Leader {
    ControlPlaneMachine.Leader(region: key.value, token: key.createRevision, lease: key.lease)
  }

  private func perform(_ request: ControlPlaneMachine.StoreRequest) async -> ControlPlaneMachine.Event {
    guard let store else { preconditionFailure("\(request) for a region without a store") }
    do throws(PostgresError) {
      try await store.reconnect()
      switch request {
      case .inspect: return .fence(try await store.fence())
      case .seal(let token, let until):
        return .fence(try await store.seal(token: token, holder: configuration.region, validUntilWall: wall(until)))
      case .extend(let token, let until):
        return .fence(try await store.extend(token: token, validUntilWall: wall(until)))
      case .demote(let token): return .fence(try await store.demote(token: token, holder: configuration.region))
      case .adopt(let token, let holder): return .fence(try await store.adopt(token: token, holder: holder))
      }
    } catch {
      return .storeFailed("\(error)", refused: FenceRefusal(error) != nil)
    }
  }

  /// A time of our monotonic clock on the wall clock. Absolute, so that a request which the store carries out late does
  /// not move the end with it.
  private func wall(_ monotonic: Int64) -> Int64 { timebase.wall() + (monotonic - timebase.monotonic()) }

  /// Waits for `time`; `false` when the task was cancelled.
  private func rested(_ time: Duration) async -> Bool {
    do {
      try await ContinuousClock().sleep(for: time)
      return true
    } catch { return false }
  }

  private func cluster() async -> Message? {
    do throws(EtcdError) {
      let status = try await observer.status()
      let names = try await observer.members()
      return .cluster(leader: names.first { $0.id == status.leader }?.name, status)
    } catch {
      // The main lane tells of an etcd that cannot be reached.
      return nil
    }
  }

  private func log(_ state: ControlPlaneState) {
    var line = "\(state.role.rawValue); writer \(state.writerRegion ?? "nobody")"
    if let token = state.token { line += " token \(token)" }
    if let mode = state.storeMode, let token = state.storeToken { line += "; store \(mode.rawValue) token \(token)" }
    if let note = state.note { line += "; \(note)" }
    log(line)
  }

  private func log(_ line: String) {
    let text = "\(timestamp(timebase.wall())) control-plane \(configuration.region): \(line)\n"
    // One write, so that lines of several processes in one file stay whole.
    _ = text.utf8.withContiguousStorageIfAvailable { write(STDERR_FILENO, $0.baseAddress, $0.count) }
  }
}
