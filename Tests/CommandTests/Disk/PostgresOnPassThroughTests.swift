import Glibc
import PassThrough
import Support
import Testing

@testable import Faults

private let programs = "/usr/lib/postgresql/15/bin"
private let hasPostgres = isRoot && fileExists("\(programs)/postgres") && getpwnam("postgres") != nil

/// A real database on a prepared directory: made, disturbed, crashed, recovered.
@Suite(.enabled(if: hasPostgres, "needs root and PostgreSQL 15")) struct PostgresOnPassThroughTests {
  private struct Database {
    let directory: String
    let user: UInt32

    func run(_ program: String, _ arguments: [String]) async throws -> Blackstart.Result {
      try await Blackstart.command("\(programs)/\(program)", arguments, in: directory, user: user)
    }

    func control(_ verb: String, _ more: [String] = []) async throws {
      let options = "-k \(directory) -c listen_addresses="
      let arguments = ["-D", "\(directory)/data", "-l", "\(directory)/log", "-o", options, "-w", verb] + more
      let result = try await run("pg_ctl", arguments)
      #expect(result.code == 0, "\(verb): \(result.output) \(result.errors)")
    }

    func ask(_ statement: String) async throws -> Blackstart.Result {
      try await run("psql", ["-h", directory, "-d", "postgres", "-X", "-A", "-t", "-c", statement])
    }
  }

  @Test func aDatabaseLivesOnItIsSlowedDownCrashesOnAnErrorAndLosesNothing() async throws {
    let user = try #require(getpwnam("postgres")).pointee
    try await Prepared.with(before: { #expect(chown($0, user.pw_uid, user.pw_gid) == 0) }) { prepared in
      let database = Database(directory: prepared.path, user: user.pw_uid)
      let made = try await database.run("initdb", ["-D", "\(prepared.path)/data", "--auth", "trust", "--no-sync"])
      try #require(made.code == 0, "\(made.errors)")
      try await database.control("start")
      #expect(try await database.ask("create table t (n int); insert into t values (1)").code == 0)

      let log = PathPattern("data/pg_wal/**")
      try prepared.arm(
        FileRule(paths: log, operations: [.fsync, .fdatasync], effect: .latency(FileLatency(.milliseconds(150)))))
      let begun = ContinuousClock.now
      #expect(try await database.ask("insert into t values (2)").code == 0)
      #expect(ContinuousClock.now - begun >= .milliseconds(150))

      try prepared.arm(FileRule(paths: log, operations: [.fdatasync], effect: .fail(.inputOutput)))
      #expect(try await database.ask("insert into t values (3)").code != 0)
      #expect(try prepared.directory.disarm().tallies[0].hit >= 1)
      // It ends and comes back by itself; a stop in the middle of that takes PostgreSQL long.
      #expect(
        try await withinTime {
          (try? readFile("\(prepared.path)/log")).map {
            String(decoding: $0, as: UTF8.self).components(of: "ready to accept connections") > 1
          } ?? false
        })
      let kept = try await database.ask("select n from t where n < 3 order by n")
      #expect(kept.output == "1\n2\n", "\(kept.errors)")
      try await database.control("stop", ["-m", "fast"])
    }
  }
}

extension String {
  /// How often `text` is in it.
  fileprivate func components(of text: String) -> Int { ranges(of: text).count }
}
