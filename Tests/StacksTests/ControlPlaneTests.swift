import Support
import Testing

@testable import Stacks

@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct ControlPlaneTests {
  /// A control plane in this process, ended by its own stream of signals.
  private struct Running: Sendable {
    var region: String
    var client: ControlPlaneClient
    var signals: AsyncStream<Int32>.Continuation

    /// The first state for which `condition` holds.
    func until(
      _ what: String, within limit: Duration = .seconds(12),
      _ condition: @escaping @Sendable (ControlPlaneState) -> Bool
    ) async throws -> ControlPlaneState {
      try await withDeadline(limit, "\(region): \(what)") {
        while true {
          try Task.checkCancellation()
          if case .state(let state) = await client.next(), condition(state) { return state }
        }
      }
    }
  }

  private func withControlPlanes(
    _ configurations: [ControlPlaneConfiguration], _ body: ([String: Running]) async throws -> Void
  ) async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      var running: [String: Running] = [:]
      for configuration in configurations {
        let shell = try ControlPlaneShell(configuration, .system)
        let (signals, continuation) = AsyncStream.makeStream(of: Int32.self)
        group.addTask { try await shell.run(until: signals) }
        running[configuration.region] = Running(
          region: configuration.region,
          client: try ControlPlaneClient(path: configuration.socketPath, name: "probe"), signals: continuation)
      }
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(running)) } catch { outcome = .failure(error) }
      group.cancelAll()
      try await group.waitForAll()
      try outcome.get()
    }
  }

  private func configuration(
    _ region: String, _ endpoints: [String], _ store: TestStore?, _ directory: String, delay: Int64 = 0,
    plant: ControlPlaneConfiguration.Plant? = nil
  ) -> ControlPlaneConfiguration {
    ControlPlaneConfiguration(
      lab: "test", region: region, etcdEndpoints: endpoints, store: store?.address(EventStore.controlRole),
      leaseSeconds: 3, campaignDelayMilliseconds: delay, socketPath: "\(directory)/\(region).sock", plant: plant)
  }

  @Test func thePreferredRegionWritesAndTheOtherTakesOverWhenItEnds() async throws {
    try await Servers.withEtcd { members in
      try await Servers.withStores(["east", "eu"]) { stores in
        try await Servers.withDirectory { directory, _ in
          let endpoints = members.map(\.endpoint)
          try await withControlPlanes([
            configuration("eu", endpoints, stores["eu"], directory, delay: 5000),
            configuration("east", endpoints, stores["east"], directory),
            configuration("ap", endpoints, nil, directory),
          ]) { running in
            let east = try #require(running["east"])
            let eu = try #require(running["eu"])
            let ap = try #require(running["ap"])
            let first = try await east.until("writer") { $0.role == .writer }
            let token = try #require(first.ownToken)
            #expect(first.token == token && first.storeMode == .readWrite && first.storeToken == token)
            let observer = try await ap.until("east's reign") { $0.token == token }
            #expect(observer.role == .observer && observer.writerRegion == "east" && observer.storeMode == nil)
            _ = try await ap.until("etcd's leader") { $0.etcdLeader == "m1" && $0.etcdReachable }
            // East's token is known to eu's store, which refuses it and everything lower.
            let adopted = try await eu.until("adoption") { $0.storeToken == token }
            #expect(adopted.role == .follower && adopted.storeMode == .readOnly)

            let app = try await #require(stores["east"]).open()
            _ = try await app.append(sample(1, 0), token: token)
            let ended = Timebase.system.monotonic()
            east.signals.yield(Signal.terminate)
            let next = try await eu.until("writer", within: .seconds(2)) { $0.role == .writer }
            #expect(next.changedAtMonotonic - ended < 1_000_000_000)
            #expect(try #require(next.ownToken) > token)
            let refused = await #expect(throws: PostgresError.self) { try await app.append(sample(1, 1), token: token) }
            #expect(refused.flatMap(FenceRefusal.init) == .readOnly)
          }
        }
      }
    }
  }

  /// East's only member of etcd hangs. East must have closed its store before eu can have opened its own.
  @Test func aRegionCutOffFromEtcdDemotesItselfBeforeAnotherWrites() async throws {
    try await Servers.withEtcd(members: 3) { members in
      try await Servers.withStores(["east", "eu"]) { stores in
        try await Servers.withDirectory { directory, _ in
          // A follower of etcd, because a change of its leader would extend the lease.
          var follower: Int?
          for (number, member) in members.enumerated() {
            let status = try await EtcdClient(endpoints: [member.endpoint], name: "who").status()
            if status.leader != status.member { follower = number }
          }
          let cut = members[try #require(follower)]
          let rest = members.map(\.endpoint).filter { $0 != cut.endpoint }
          try await withControlPlanes([
            configuration("east", [cut.endpoint], stores["east"], directory),
            configuration("eu", rest, stores["eu"], directory, delay: 5000),
          ]) { running in
            let east = try #require(running["east"])
            let eu = try #require(running["eu"])
            let token = try #require(try await east.until("writer") { $0.role == .writer }.ownToken)
            _ = try await eu.until("adoption") { $0.storeToken == token }
            let app = try await #require(stores["east"]).open()
            _ = try await app.append(sample(1, 0), token: token)
            let cutAt = Timebase.system.monotonic()
            try await cut.process.standStill()
            let demoted = try await east.until("demoted") { $0.role == .demoted }
            #expect(demoted.storeMode == .readOnly && !demoted.etcdReachable)
            let writer = try await eu.until("writer") { $0.role == .writer }
            #expect(demoted.changedAtMonotonic < writer.changedAtMonotonic)
            #expect(writer.changedAtMonotonic - cutAt < 4_000_000_000, "a lease of 3 s, and a second")
            let eastLog = try await app.dumpFenceLog()
            let euLog = try await #require(stores["eu"]).open().dumpFenceLog()
            let closed = try #require(eastLog.last { $0.mode == .readOnly }).at
            let opened = try #require(euLog.last { $0.mode == .readWrite }).at
            #expect(closed < opened)

            // After the heal east learns of the new reign, and its store refuses the old token by number.
            try cut.process.send(Signal.resume)
            _ = try await east.until("adoption") { $0.storeToken == writer.ownToken && $0.role == .follower }
            let stale = await #expect(throws: PostgresError.self) { try await app.append(sample(1, 1), token: token) }
            #expect(stale.flatMap(FenceRefusal.init) == .otherToken)
          }
        }
      }
    }
  }

  /// The planted fault: it must be able to fail the drill.
  @Test func aPlantedControlPlaneKeepsItsStoreOpenUnderTheOldToken() async throws {
    try await Servers.withEtcd { members in
      try await Servers.withStores(["east", "eu"]) { stores in
        try await Servers.withDirectory { directory, _ in
          let endpoints = members.map(\.endpoint)
          try await withControlPlanes([
            configuration("east", endpoints, stores["east"], directory, plant: .neverDemote),
            configuration("eu", endpoints, stores["eu"], directory, delay: 5000),
          ]) { running in
            let east = try #require(running["east"])
            let eu = try #require(running["eu"])
            let token = try #require(try await east.until("writer") { $0.role == .writer }.ownToken)
            _ = try await eu.until("adoption") { $0.storeToken == token }
            let etcd = try EtcdClient(endpoints: endpoints, name: "operator")
            let key = try #require(try await etcd.range(ControlPlaneConfiguration.writerKey(lab: "test")))
            try await etcd.revoke(key.lease)
            let writer = try await eu.until("writer") { $0.role == .writer }
            let both = try await east.until("the new reign") { $0.token == writer.ownToken }
            #expect(both.role == .writer && both.ownToken == token)
            let app = try await #require(stores["east"]).open()
            _ = try await app.append(sample(1, 0), token: token)
          }
        }
      }
    }
  }

  @Test func aSilentControlPlaneIsReportedAsSuch() async throws {
    try await Servers.withDirectory { directory, _ in
      let client = try ControlPlaneClient(path: "\(directory)/none.sock", name: "probe")
      guard case .silent(let why) = await client.next(within: .milliseconds(100)) else {
        Issue.record("a state out of nowhere")
        return
      }
      #expect(why.contains("No such file"))
      let server = try LineServer(path: "\(directory)/x.sock")
      async let served: Void = onOwnThread("serve") { server.serve() }
      server.publish(Array("no state".utf8))
      let reader = try ControlPlaneClient(path: "\(directory)/x.sock", name: "probe")
      #expect(await reader.next() == .silent("not a state: no state"))
      #expect(await reader.next(within: .milliseconds(50)) == .silent("no line within 50.0 ms"))
      server.close()
      try await served
      #expect(!fileExists("\(directory)/x.sock"))
    }
  }

  @Test func aConfigurationIsReadBackAndAWrongOneIsNamed() throws {
    let directory = "/tmp/bs-stacks-configuration-\(Timebase.system.monotonic())"
    try makeDirectory(directory)
    defer { try? removeTree(directory) }
    let path = "\(directory)/c.json"
    var configuration = ControlPlaneConfiguration(
      lab: "l", region: "east", etcdEndpoints: ["http://10.91.1.1:2379"], store: nil, socketPath: "/run/x.sock")
    try configuration.save(path)
    #expect(try ControlPlaneConfiguration.load(path) == configuration)
    configuration.leaseSeconds = 1
    try configuration.save(path)
    let problem = #expect(throws: Problem.self) { try ControlPlaneConfiguration.load(path) }
    #expect(problem?.what == "leaseSeconds is 1" && problem?.code == .usage)
    try writeFile(path, Array("{".utf8))
    #expect(throws: Problem.self) { try ControlPlaneConfiguration.load(path) }
  }
}
