import Scenarios
import Support
import Testing

/// Faults inside nodes, in a scenario's words.
@Suite struct InsideFaultTests {
  private static func scenario(_ keys: String, items: String = "- { item: no-duplicates }") -> String {
    """
    apiVersion: blackstart/v1
    kind: Scenario
    metadata: { name: inside, owners: [platform] }
    seed: 1
    topology:
      lab:
        regions:
          east: { roles: [store, control, quorum] }
          eu: { roles: [store, control, quorum] }
          ap: { roles: [control, quorum] }
    ownership:
      orders: { normal: east, failover: eu }
    stack: { kind: postgres-etcd, lease: { ttl: 4s }, mirror: { freshness: 2s } }
    workload:
      producers:
        - { name: orders-east, region: east, workers: 1, rate: 60/s, keys: 40 }
    steadyState:
      for: 2s
      expect:
        - { metric: write-error-rate, max: 1% }
    timeline:
      - { id: one, at: 0s, for: 10s, \(keys) }
    recovery: { within: 60s }
    checklist:
      \(items)
    safety: { maxDuration: 5m, blastRadius: { regions: 1 } }

    """
  }

  private static func fault(_ keys: String) throws -> FaultSpecification? {
    let loaded = try parseScenario(Array(scenario(keys).utf8), file: "inside.yaml")
    guard case .entry(let entry) = loaded.scenario.timeline.first else { return nil }
    return entry.fault
  }

  @Test func processFaultsAreReadWithWhatIsUsual() throws {
    #expect(
      try Self.fault("fault: process, region: eu, role: store, action: kill, restart: { after: 3s }")
        == .process(
          ProcessFault(
            region: "eu", processes: .role(.store), includesDescendants: true, action: .kill, restart: .seconds(3))))
    #expect(
      try Self.fault("fault: process, region: ap, role: etcd, action: terminate, grace: 2s, restart: never")
        == .process(
          ProcessFault(
            region: "ap", processes: .role(.etcd), includesDescendants: false, action: .terminate(grace: .seconds(2)))))
    #expect(
      try Self.fault("fault: process, region: ap, port: 2379, action: restart-loop, every: 500ms")
        == .process(
          ProcessFault(
            region: "ap", processes: .port(2379), includesDescendants: false,
            action: .restartLoop(every: .milliseconds(500)))))
    #expect(
      try Self.fault("fault: process, region: east, name: etcd, action: pause, by: trace, descendants: true")
        == .process(
          ProcessFault(
            region: "east", processes: .name("etcd"), includesDescendants: true, action: .pause(.trace))))
  }

  /// Servers of a lab can see a machine that has been up for longer: from their start, or after they were started again.
  @Test func clocksOfServersAreReadAndPlanned() throws {
    let keys =
      "fault: process, region: eu, role: store, action: kill, restart: { after: 3s, clocks: { boottime: -1s } }"
    let text = Self.scenario(keys).replacing(
      "ap: { roles: [control, quorum] }", with: "ap: { roles: [control, quorum], clocks: { monotonic: 48h } }")
    let loaded = try parseScenario(Array(text.utf8), file: "inside.yaml")
    #expect(
      loaded.scenario.topology.region("ap")?.clocks
        == ClockOffsets(monotonic: Offset(nanoseconds: 172_800_000_000_000)))
    #expect(loaded.scenario.topology.region("eu")?.clocks == nil)
    #expect(loaded.scenario.regionsWithOtherMonotonicClocks == ["ap"])
    guard case .entry(let entry) = loaded.scenario.timeline.first, case .process(let fault) = entry.fault else {
      Issue.record("not read")
      return
    }
    #expect(fault.restartClocks == ClockOffsets(boottime: Offset(nanoseconds: -1_000_000_000)))
    #expect("\(fault)".hasSuffix("started again 3s later with other clocks (boottime −1s)"))
    let plan = try makePlan(loaded, tool: "test")
    #expect(planText(plan).contains("clocks of the servers of ap: monotonic +48h, from their start to their end"))
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test(arguments: [
    ("{ monotonic: 1h, realtime: 1h }", "unknown key 'realtime'"), ("{ monotonic: 0s }", "it moves no clock"),
    ("{ monotonic: soon }", "expected a duration"),
  ])
  func clocksThatCannotBeAreRefused(_ clocks: String, _ mistake: String) throws {
    let text = Self.scenario("fault: process, region: eu, role: store, action: kill").replacing(
      "ap: { roles: [control, quorum] }", with: "ap: { roles: [control, quorum], clocks: \(clocks) }")
    let problems = #expect(throws: Problems.self) { try parseScenario(Array(text.utf8), file: "inside.yaml") }
    #expect("\(problems.map { "\($0)" } ?? "")".contains(mistake))
  }

  /// A stub in the vDSO reckons by the machine's monotonic clock.
  @Test func aSkewWhereServersHaveClocksOfTheirOwnIsRefused() throws {
    let text = Self.scenario("fault: clock, region: ap, role: etcd, offset: 5s").replacing(
      "ap: { roles: [control, quorum] }", with: "ap: { roles: [control, quorum], clocks: { monotonic: 1h } }")
    let problems = #expect(throws: Problems.self) { try parseScenario(Array(text.utf8), file: "inside.yaml") }
    #expect("\(problems.map { "\($0)" } ?? "")".contains("in a time namespace"))
  }

  private static func onHosts(_ text: String) -> String {
    let hosts = [("east", "store, control, quorum"), ("eu", "store, control, quorum"), ("ap", "control, quorum")]
      .enumerated().map { index, host in
        "      h\(index): { region: \(host.0), roles: [\(host.1)], addresses: [10.0.0.\(index + 1)], agent: [ssh, h\(index)] }"
      }
    guard let start = text.firstRange(of: "  lab:\n"), let end = text.firstRange(of: "ownership:") else { return text }
    return text.replacing(
      text[start.lowerBound..<end.lowerBound], with: "  inventory:\n    hosts:\n\(hosts.joined(separator: "\n"))\n")
  }

  /// The clock of a whole node is set where somebody said so, on a real host, and nowhere else.
  @Test func theClockOfANodeNeedsAPermissionAndAHost() throws {
    let keys = "fault: node-clock, region: eu, offset: 5s, drift: -200ppm"
    func read(_ text: String) throws -> LoadedScenario { try parseScenario(Array(text.utf8), file: "inside.yaml") }
    func permitted(_ text: String) -> String {
      text.replacing("safety: { maxDuration", with: "safety: { allowWholeNodeClock: true, maxDuration")
    }
    let text = Self.scenario(keys)
    for (text, why) in [
      (Self.onHosts(text), "which safety does not allow"), (text, "which safety does not allow"),
      (permitted(text), "all of its regions share this machine's clock"),
      (
        permitted(Self.onHosts(text)).replacing("allowWholeNodeClock: true", with: "allowWholeNodeClock: false"),
        "which safety does not allow"
      ), (permitted(Self.onHosts(Self.scenario("fault: node-clock, region: eu"))), "neither sets the clock"),
      (permitted(Self.onHosts(Self.scenario("fault: node-clock, region: eu, offset: 1ms"))), "less than 2ms"),
      (permitted(Self.onHosts(Self.scenario("fault: node-clock, region: eu, drift: 100001ppm"))), "100,000ppm"),
    ] {
      let problems = #expect(throws: Problems.self) { try read(text) }
      #expect("\(problems.map { "\($0)" } ?? "")".contains(why), "\(why)")
    }
    let loaded = try read(permitted(Self.onHosts(text)))
    #expect(loaded.scenario.safety.allowsWholeNodeClock == true)
    #expect(loaded.scenario.regionsWithWrongClocks == ["eu"])
    guard case .entry(let entry) = loaded.scenario.timeline.first else {
      Issue.record("not read")
      return
    }
    #expect(
      entry.fault
        == .nodeClock(
          NodeClockFault(
            region: "eu", offset: Offset(nanoseconds: 5_000_000_000), drift: Drift(partsPerBillion: -200_000))))
    let plan = try makePlan(loaded, tool: "test")
    #expect(planText(plan).contains("the clock of the node in eu is set 5s ahead and runs 200ppm slower"))
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
  }

  @Test func wrongTimesAreReadWithTheirSigns() throws {
    guard
      case .clock(let fault) = try Self.fault(
        "fault: clock, region: eu, role: all, offset: -250ms, drift: 200ppm, clocks: [realtime, tai]")
    else {
      Issue.record("not read")
      return
    }
    #expect(fault.offset.nanoseconds == -250_000_000)
    #expect(fault.drift.partsPerBillion == 200_000)
    #expect(fault.clocks == [.realtime, .tai])
    #expect("\(fault)" == "every process in eu sees realtime and tai 250ms behind, 200ppm faster")
  }

  @Test func disturbedFilesAreReadWithWhatIsUsual() throws {
    let full = try Self.fault("fault: disk, region: eu, files: ['**'], error: ENOSPC, restart: { after: 2s }")
    guard case .disk(let disk) = full, case .files(let files) = disk.effect else {
      Issue.record("not read")
      return
    }
    #expect(files.operations == DisturbedFiles.Operation.needRoom)
    #expect(files.effect == .fails(.noSpace))
    #expect(disk.restart == .seconds(2))
    #expect(disk.processes == .role(.store))
    let slow = try Self.fault(
      "fault: disk, region: eu, files: [pg_wal/**, 'base/*'], operations: [fsync], delay: 20ms, probability: 25%")
    #expect(
      slow
        == .disk(
          DiskFault(
            region: "eu", processes: .role(.store), includesDescendants: true,
            effect: .files(
              DisturbedFiles(
                files: ["pg_wal/**", "base/*"], operations: [.fsync], probability: Percentage(partsPerMillion: 250_000),
                effect: .late(DisturbedFiles.DurationSpread(.milliseconds(20))))))))
    let limit = try Self.fault("fault: disk, region: ap, role: etcd, limit: { writes: 40, writeBytes: 1MiB }")
    guard case .disk(let limited) = limit, case .limit(let most) = limited.effect else {
      Issue.record("not read")
      return
    }
    #expect(most == LimitedDisk(readBytes: nil, writeBytes: ByteSize(bytes: 1 << 20), reads: nil, writes: 40))
    #expect("\(limited)" == "the etcd in ap get no more of the disk than 1MiB written, 40 writes a second")
  }

  /// Kafka's servers, and what its mirrors promise.
  @Test func serversOfKafkaAreReadWithWhatItsMirrorsPromise() throws {
    func load(_ mirror: String, role: String = "mirror", region: String = "eu") throws -> Scenario {
      let text = Self.scenario("fault: process, region: \(region), role: \(role), action: kill").replacing(
        "kind: postgres-etcd, lease: { ttl: 4s }, mirror: { freshness: 2s }",
        with: "kind: kafka, lease: { ttl: 4s }, mirror: { \(mirror) }")
      return try parseScenario(Array(text.utf8), file: "inside.yaml").scenario
    }
    func mistake(_ body: () throws -> Scenario) -> String {
      do { return "\(try body().metadata.name) is accepted" } catch { return "\(error)" }
    }
    #expect(try load("freshness: 2s").stack.mirroring == nil)
    #expect(
      try load("freshness: 2s, delivery: at-least-once, positionsEvery: 4s", role: "broker").stack.mirroring
        == KafkaMirroring(delivery: .atLeastOnce, positionsEvery: .seconds(4)))
    #expect(
      try load("freshness: 2s, transactionTimeout: 20s").stack.mirroring
        == KafkaMirroring(transactionTimeout: .seconds(20)))
    // What has no effect is not accepted as if it had one.
    #expect(mistake { try load("freshness: 2s, positionsEvery: 4s") }.contains("unknown key 'positionsEvery'"))
    #expect(
      mistake { try load("freshness: 2s, delivery: at-least-once, transactionTimeout: 4s") }
        .contains("unknown key 'transactionTimeout'"))
    #expect(mistake { try load("freshness: 2s, delivery: at-most-once") }.contains("is not a delivery"))
    #expect(mistake { try load("freshness: 2s", region: "ap") }.contains("nobody plays mirror in 'ap'"))
  }

  /// Whose files are served by a process of ours, is not reached by a limit.
  @Test func aLimitBesideDisturbedFilesIsRefused() throws {
    let both = """
      fault: disk, region: eu, files: ['**'], error: ENOSPC }
        - { id: two, at: 20s, for: 10s, fault: disk, region: eu, role: store, limit: { writes: 5 }
      """
    let problems = #expect(throws: Problems.self) {
      try parseScenario(Array(Self.scenario(both).utf8), file: "inside.yaml")
    }
    #expect("\(problems.map { "\($0)" } ?? "")".contains("which no limit of the store's reaches"))
  }

  @Test(arguments: [
    ("fault: process, region: eu, action: kill", "the key 'role' is missing"),
    ("fault: process, region: eu, role: store, name: postgres, action: kill", "in more than one way"),
    ("fault: process, region: eu, role: store, action: stop", "is not an action"),
    ("fault: process, region: eu, role: shop, action: kill", "is not a server"),
    ("fault: process, region: ap, role: store, action: kill", "nobody plays store in 'ap'"),
    ("fault: process, region: eu, role: broker, action: kill", "nobody plays broker: the stack is postgres-etcd"),
    ("fault: process, region: mars, role: store, action: kill", "there is no region 'mars'"),
    ("fault: process, region: eu, role: store, action: kill, restart: soon", "expected 'never' or { after: 3s }"),
    ("fault: process, region: eu, role: store, action: pause, restart: never", "unknown key 'restart'"),
    ("fault: process, region: eu, pid: 0, action: kill", "expected a whole number from 1"),
    ("fault: process, region: eu, role: etcd, action: restart-loop", "the key 'every' is missing"),
    ("fault: process, region: eu, role: etcd, action: throttle", "the key 'processor' is missing"),
    ("fault: disk, region: eu, role: store", "delay"),
    ("fault: disk, region: eu, files: [], error: EIO, operations: [fsync]", "names no pattern"),
    ("fault: disk, region: eu, files: [/etc/**], error: ENOSPC", "is no pattern for files of the store"),
    ("fault: disk, region: eu, files: [a/../../b], error: ENOSPC", "is no pattern for files of the store"),
    ("fault: disk, region: eu, files: [pg_wal/**]", "nothing says what happens to the files"),
    ("fault: disk, region: eu, files: ['**'], error: EIO", "the key 'operations' is missing"),
    ("fault: disk, region: eu, files: ['**'], error: EBADF, operations: [read]", "is not an error"),
    ("fault: disk, region: eu, files: ['**'], error: EIO, delay: 5ms", "in more than one way"),
    ("fault: disk, region: eu, files: ['**'], torn: success", "the key 'damage' is missing"),
    ("fault: disk, region: eu, files: ['**'], torn: success, damage: permitted, operations: [read]", "can be torn"),
    ("fault: disk, region: eu, files: ['**'], unsynced: true, operations: [write]", "only fsync and fdatasync"),
    ("fault: disk, region: eu, files: ['**'], delay: 5ms, operations: [sync]", "is not an operation"),
    ("fault: disk, region: eu, files: ['**'], delay: 5ms, operations: [read], restart: never", "unknown key 'restart'"),
    ("fault: disk, region: ap, files: ['**'], error: ENOSPC", "nobody plays store in 'ap'"),
    ("fault: disk, region: eu, role: etcd, files: ['**'], error: ENOSPC", "only files of the store"),
    ("fault: disk, region: eu, role: store, limit: {}", "limits nothing"),
    ("fault: disk, region: eu, role: store, limit: { writeBytes: 1KiB }", "at least one page"),
    ("fault: disk, region: eu, role: store, limit: { writes: 0 }", "expected a whole number from 1"),
    ("fault: disk, region: eu, role: store, limit: { writes: 5 }, delay: 5ms", "unknown key 'delay'"),
    ("fault: disk, region: eu, role: store, delay: 61s", "longer than 60s"),
    ("fault: disk, region: eu, role: store, delay: 5ms, jitter: 6ms", "longer than the delay"),
    ("fault: disk, region: eu, role: store, delay: 5ms, calls: [open]", "is not a system call"),
    ("fault: disk, region: eu, role: store, delay: 5ms, calls: [read, read]", "name each system call once"),
    ("fault: disk, region: eu, role: store, delay: 5ms, probability: 0%", "nothing happens"),
    ("fault: clock, region: eu, role: store", "it neither moves the time nor changes its pace"),
    ("fault: clock, region: eu, role: store, drift: 200", "expected a drift such as 200ppm"),
    ("fault: clock, region: eu, role: store, offset: 5", "expected a duration"),
    ("fault: clock, region: eu, role: store, offset: 5s, clocks: [wall]", "is not a clock"),
  ])
  func mistakesAreNamed(_ keys: String, _ mistake: String) throws {
    let problems = #expect(throws: Problems.self) {
      try parseScenario(Array(Self.scenario(keys).utf8), file: "inside.yaml")
    }
    #expect("\(problems.map { "\($0)" } ?? "")".contains(mistake))
  }

  @Test(arguments: [
    ("fault: process, region: east, role: control-plane, action: pause", true),
    ("fault: process, region: east, role: all, action: pause", true),
    ("fault: process, region: east, role: control-plane, action: kill, restart: { after: 1s }", false),
    ("fault: process, region: east, role: control-plane, action: kill", true),
    ("fault: process, region: eu, role: control-plane, action: pause", false),
    ("fault: process, region: east, role: store, action: pause", false),
    ("fault: process, region: east, role: store, action: kill, restart: { after: 30s }", true),
    ("fault: process, region: east, role: store, action: kill, restart: { after: 1s }", false),
  ])
  func aSilentOwnerIsExpectedToLoseItsLease(_ keys: String, _ isExpected: Bool) throws {
    let loaded = try parseScenario(Array(Self.scenario(keys).utf8), file: "inside.yaml")
    #expect(loaded.scenario.expectsFailover == isExpected)
  }

  @Test func aPlanWithFaultsInsideIsReadBackAsItWas() throws {
    let keys = "fault: clock, region: eu, role: store, offset: -5s, drift: -50.5ppm"
    let plan = try makePlan(parseScenario(Array(Self.scenario(keys).utf8), file: "inside.yaml"), tool: "test")
    #expect(try readPlan(encodeJSON(plan), file: "plan.json") == plan)
    #expect(plan.blastRadius.disturbed == ["eu"])
  }
}
