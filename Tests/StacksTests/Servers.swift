import Glibc
import Support
import TestSupport
import Testing

@testable import Stacks

/// Real servers on free loopback ports, for one test; everything is ended and removed at its end.
enum Servers {
  /// Whether this machine can run them; the reason is shown when a suite is skipped.
  static let available: Bool = {
    geteuid() == 0 && (try? ServerBinaries.locate()) != nil
  }()

  /// The template is cached between test runs, like a user's own.
  static let cache = "/var/cache/blackstart"

  /// Runs `body` with a directory that the servers' users can reach, and removes it afterwards.
  static func withDirectory<T: Sendable>(_ body: (String, UndoStack) async throws -> T) async throws -> T {
    try await withRollback { undo in
      let directory = "/dev/shm/bs-stacks-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      try makeDirectory(directory)
      chmod(directory, 0o755)
      undo.push(UndoStep("directory \(directory)") { try removeTree(directory) })
      return try await body(directory, undo)
    }
  }

  /// Runs `body` with one provisioned store a region; with two or more each mirrors the others.
  static func withStores<T: Sendable>(
    _ regions: [String], mirrored: Bool = false, _ body: ([String: TestStore]) async throws -> T
  ) async throws -> T {
    try await withDirectory { directory, undo in
      let binaries = try ServerBinaries.locate()
      let template = try await PostgresTemplate.prepare(in: cache, binaries)
      var stores: [String: TestStore] = [:]
      for region in regions {
        let settings = PostgresSettings(
          region: region, listen: ["127.0.0.1", "::1"], port: try freePort(), allowed: ["127.0.0.0/8", "::1/128"])
        let data = "\(directory)/\(region)"
        try await template.copy(to: data, settings)
        var request = try settings.request(binaries, dataDirectory: data)
        request.logPath = "\(directory)/\(region).log"
        let process = try ChildProcess(request)
        undo.push(UndoStep("postgres of \(region)") { try await process.terminate(Signal.quit) })
        stores[region] = TestStore(
          region: region, port: settings.port, password: randomPassword(), process: process,
          log: "\(directory)/\(region).log")
      }
      for store in stores.values {
        let fresh = try await store.open(as: EventStore.administrator, password: template.password)
        try await fresh.provision(region: store.region, origins: regions, password: store.password)
        await fresh.connection.close()
      }
      if mirrored {
        for target in stores.values {
          let admin = try await target.open(as: EventStore.administrator)
          for source in stores.values where source.region != target.region {
            try await admin.subscribe(to: source.region, at: source.address("x"), region: target.region)
          }
        }
        for store in stores.values {
          let admin = try await store.open(as: EventStore.administrator)
          try await eventually("mirrors into \(store.region)") { try await admin.mirrorsReady() }
        }
      }
      return try await body(stores)
    }
  }

  /// Runs `body` with a cluster of `count` etcd members.
  static func withEtcd<T: Sendable>(
    members count: Int = 1, _ body: ([TestMember]) async throws -> T
  ) async throws -> T {
    try await withDirectory { directory, undo in
      let binaries = try ServerBinaries.locate()
      let members = try (1...count).map { number in
        EtcdSettings.Member(name: "m\(number)", peerAddress: "127.0.0.1", peerPort: try freePort())
      }
      var started: [TestMember] = []
      for member in members {
        let settings = EtcdSettings(
          name: member.name, dataDirectory: "\(directory)/\(member.name)", clientAddresses: ["127.0.0.1"],
          clientPort: try freePort(), members: members, clusterToken: directory, heartbeat: .milliseconds(50),
          electionTimeout: .milliseconds(500))
        var request = settings.request(binaries)
        request.logPath = "\(directory)/\(member.name).log"
        let process = try ChildProcess(request)
        undo.push(UndoStep("etcd \(member.name)") { try await process.terminate(Signal.kill) })
        started.append(TestMember(endpoint: settings.endpoint, process: process))
      }
      let client = try EtcdClient(endpoints: started.map(\.endpoint), name: "ready")
      try await eventually("an etcd leader") {
        do { return try await client.status().leader != 0 } catch is EtcdError { return false }
      }
      return try await body(started)
    }
  }
}

/// An etcd member under test.
struct TestMember: Sendable {
  var endpoint: String
  var process: ChildProcess
}

/// A PostgreSQL server under test.
struct TestStore: Sendable {
  var region: String
  var port: UInt16
  var password: String
  var process: ChildProcess
  var log: String

  func address(_ user: String, password: String? = nil) -> PostgresAddress {
    PostgresAddress(host: "127.0.0.1", port: port, user: user, password: password ?? self.password)
  }

  /// A new connection, as soon as the server takes one.
  func open(as user: String = EventStore.applicationRole, password: String? = nil) async throws -> EventStore {
    let connection = try PostgresConnection(address(user, password: password), name: "test-\(user)")
    try await eventually("a connection to \(region)\n\(logTail(log))") {
      do {
        try await connection.open()
        return true
      } catch PostgresError.unreachable(_, let why) where why.contains("refused") || why.contains("starting up") {
        return false
      }
    }
    return EventStore(connection)
  }
}

/// Waits until `condition` holds, for as long as `limit`: servers have no other way to say that they are ready.
func eventually(
  _ what: String, within limit: Duration = .seconds(10), _ condition: @escaping @Sendable () async throws -> Bool
) async throws {
  try await withDeadline(limit, what) {
    while try await !condition() { try await ContinuousClock().sleep(for: .milliseconds(10)) }
  }
}

extension ChildProcess {
  /// Stops it, and waits until its last thread stands still: before that it may still answer.
  func standStill() async throws {
    try send(Signal.stop)
    let tasks = "/proc/\(identity.pid)/task"
    try await eventually("\(identity) standing still") {
      do {
        return try listDirectory(tasks).allSatisfy { thread in
          let text = String(decoding: try readFile("\(tasks)/\(thread)/stat"), as: UTF8.self)
          // The state follows the program's name, in which anything may stand (proc(5)).
          return text.lastIndex(of: ")").map { text[$0...].dropFirst(2).first == "T" } ?? false
        }
      } catch let error as SystemError where error.number == ENOENT || error.number == ESRCH {
        return false  // a thread ended meanwhile
      }
    }
  }
}
