internal import Glibc
internal import Support

/// A data directory with the event store's schema in it, made once and then copied for every store of every lab.
public struct PostgresTemplate: Sendable, Hashable {
  /// The directory that holds it: `data` and `password`.
  public let directory: String
  /// The password of every role in a fresh copy, until ``EventStore/provision(region:origins:password:)`` changes it.
  public let password: String

  /// Takes the template for this schema from `cache`, or makes it there (about 2 s). Builders at the same time wait for
  /// each other; a half-made template is never taken for a whole one.
  ///
  /// - Parameter cache: a directory that the user `postgres` can reach; it is made if need be.
  /// - Throws: ``Problem`` with the last lines of the log of what failed; ``SystemError``. The cache is unchanged then.
  public static func prepare(in cache: String, _ binaries: ServerBinaries) async throws -> PostgresTemplate {
    try makeDirectory(cache)
    let digest = sha256(Array(EventStoreSchema.script.utf8)).prefix(16)
    let directory = "\(cache)/postgres-\(binaries.postgresVersion)-\(digest)"
    if fileExists(directory) { return try PostgresTemplate(at: directory) }
    let lock = try await FileLock.acquire("\(directory).lock")
    defer { lock.release() }
    if fileExists(directory) { return try PostgresTemplate(at: directory) }
    let draft = "\(directory).draft"
    // What a builder that was killed left behind; nobody else builds while we hold the lock.
    try removeSharedMemory(ofServerAt: "\(draft)/data")
    try removeTree(draft)
    do {
      try await build(at: draft, binaries)
    } catch {
      try removeSharedMemory(ofServerAt: "\(draft)/data")  // a full disk makes PostgreSQL crash
      try removeTree(draft)
      throw error
    }
    if rename(draft, directory) != 0 { throw SystemError("rename", directory) }
    return try PostgresTemplate(at: directory)
  }

  /// Copies the template to `dataDirectory` (which must not exist) for the server that `settings` describe.
  ///
  /// - Throws: ``Problem`` or ``SystemError``; part of the copy may be there then.
  public func copy(to dataDirectory: String, _ settings: PostgresSettings) async throws {
    let user = try SystemUser.postgres()
    // cp shares the blocks where the file system can, and keeps the owner.
    try await run(
      ProcessRequest("/bin/cp", ["-a", "--reflink=auto", "\(directory)/data", dataDirectory]), "copy of the template",
      log: "\(dataDirectory).cp.log")
    for (name, text) in [("postgresql.conf", settings.configurationText), ("pg_hba.conf", settings.accessText)] {
      let path = "\(dataDirectory)/\(name)"
      try writeFile(path, Array(text.utf8), mode: 0o600)
      try user.own(path)
    }
  }

  private init(at directory: String) throws(SystemError) {
    self.directory = directory
    password = String(decoding: try readFile("\(directory)/password", limit: 4096), as: UTF8.self)
  }

  private static func build(at draft: String, _ binaries: ServerBinaries) async throws {
    let user = try SystemUser.postgres()
    try makeDirectory(draft, mode: 0o700)
    try user.own(draft)
    let password = randomPassword()
    try writeFile("\(draft)/password", Array(password.utf8), mode: 0o600)
    try user.own("\(draft)/password")
    // --no-clean: where it crashed, its postmaster.pid still says which shared memory it left.
    var initdb = ProcessRequest(
      binaries.initdb,
      [
        "-D", "\(draft)/data", "--username", EventStore.administrator, "--pwfile", "\(draft)/password", "--auth",
        "scram-sha-256", "--encoding", "UTF8", "--no-locale", "--no-sync", "--no-clean", "--no-instructions",
      ])
    initdb.user = (user.uid, user.gid)
    initdb.directory = draft
    try await run(initdb, "initdb", log: "\(draft)/log")

    // No TCP, a socket in a directory of our own, and the password even there.
    try makeDirectory("\(draft)/run", mode: 0o700)
    try user.own("\(draft)/run")
    var postgres = ProcessRequest(
      binaries.postgres,
      [
        "-D", "\(draft)/data", "-c", "listen_addresses=", "-c", "unix_socket_directories=\(draft)/run", "-c",
        "wal_level=logical", "-c", "fsync=off",
      ])
    postgres.user = (user.uid, user.gid)
    postgres.directory = draft
    postgres.logPath = "\(draft)/log"
    let server = try ChildProcess(postgres)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await install(socket: "\(draft)/run", password, server)) } catch {
      outcome = .failure(error)
    }
    // SIGINT: a fast shutdown with a checkpoint, so that copies start without recovery.
    let end = try await shieldedThrowing { try await server.terminate(Signal.interrupt, grace: .seconds(10)) }
    do { try outcome.get() } catch {
      throw Problem(
        .usage, at: draft, "the template of the event store could not be made: \(error)\n\(logTail("\(draft)/log"))",
        fix: "let the user 'postgres' reach the cache directory, or name another one")
    }
    guard end == .exited(0) else {
      throw Problem(.usage, at: draft, "the template's server did not shut down cleanly: \(end.map { "\($0)" } ?? "")")
    }
    try removeTree("\(draft)/run")
    try removeTree("\(draft)/log")
    sync()
  }

  private static func install(socket: String, _ password: String, _ server: ChildProcess) async throws {
    var address = PostgresAddress(
      host: socket, database: "postgres", user: EventStore.administrator, password: password)
    let first = try PostgresConnection(address, name: "template")
    try await untilOpen(first, server)
    try await first.query("create database \(EventStore.database)", within: .seconds(10))
    await first.close()
    address.database = EventStore.database
    let second = try PostgresConnection(address, name: "template")
    try await second.open()
    try await second.execute(script: EventStoreSchema.script, within: .seconds(10))
    await second.close()
  }

  private static func untilOpen(_ connection: PostgresConnection, _ server: ChildProcess) async throws {
    try await withDeadline(.seconds(10), "start of the template's server") {
      while true {
        do {
          return try await connection.open()
        } catch PostgresError.unreachable(_, let why) {
          if let end = server.end {
            throw Problem(.usage, "PostgreSQL \(end) (\(why))")
          }
          try await ContinuousClock().sleep(for: .milliseconds(20))
        }
      }
    }
  }
}
