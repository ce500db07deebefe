import Support
import Testing

@testable import Stacks

@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct PostgresConnectionTests {
  @Test func valuesAreBoundAndErrorsKeepTheConnection() async throws {
    try await Servers.withStores(["east"]) { stores in
      let connection = try await #require(stores["east"]).open().connection
      let text = "it's \\ \"quoted\"; drop table es.events; -- ü"
      #expect(try await connection.query("select $1::text, $2::text", [text, nil]) == [[text, nil]])
      let error = await #expect(throws: PostgresError.self) { try await connection.query("select 1/0") }
      #expect(error?.sqlState == "22012" && error?.isUnknownOutcome == false)
      #expect(await connection.isOpen)
      let zero = await #expect(throws: PostgresError.self) { try await connection.query("select $1", ["a\0b"]) }
      #expect(zero?.sqlState == "22021")
      let large = String(repeating: "x", count: 1 << 20)
      #expect(try await connection.query("select length($1)", [large], within: .seconds(5)) == [["\(1 << 20)"]])
      let script = await #expect(throws: PostgresError.self) {
        try await connection.execute(script: "create temp table t (a int); select * from nowhere;")
      }
      #expect(script?.sqlState == "42P01")
      await #expect(throws: PostgresError.self) { try await connection.query("select * from t") }
    }
  }

  @Test func aDeadlineEndsTheCallAndClosesTheConnection() async throws {
    try await Servers.withStores(["east"]) { stores in
      let connection = try await #require(stores["east"]).open().connection
      let began = Timebase.system.monotonic()
      let error = await #expect(throws: PostgresError.self) {
        try await connection.query("select pg_sleep(5)", within: .milliseconds(200))
      }
      let took = Duration.nanoseconds(Timebase.system.monotonic() - began)
      #expect(error?.isUnknownOutcome == true && took < .milliseconds(600))
      let closed = await #expect(throws: PostgresError.self) { try await connection.query("select 1") }
      #expect(closed == .closed(connection.address) && closed?.isUnknownOutcome == false)
      try await connection.open()
      #expect(try await connection.query("select 1") == [["1"]])
    }
  }

  @Test func cancellationInterruptsAtOnce() async throws {
    try await Servers.withStores(["east"]) { stores in
      let connection = try await #require(stores["east"]).open().connection
      let began = Timebase.system.monotonic()
      await withTaskGroup(of: PostgresError?.self) { group in
        group.addTask {
          do throws(PostgresError) {
            try await connection.query("select pg_sleep(5)", within: .seconds(10))
            return nil
          } catch { return error }
        }
        group.addTask {
          // Long enough for the statement to be under way; too short would only test the other branch.
          try? await ContinuousClock().sleep(for: .milliseconds(200))
          return nil
        }
        _ = await group.next()
        group.cancelAll()
        let error = await group.next() ?? nil
        #expect(error == .cancelled(connection.address, sent: true))
      }
      #expect(Timebase.system.monotonic() - began < 1_000_000_000)
      // The signal that came late is not taken for the next call's.
      try await connection.open()
      #expect(try await connection.query("select 1") == [["1"]])
    }
  }

  @Test func aServerThatStopsOrDiesLeavesTheOutcomeUnknown() async throws {
    try await Servers.withStores(["east"]) { stores in
      let store = try #require(stores["east"])
      let connection = try await store.open().connection
      let killer = try await store.open(as: EventStore.administrator).connection
      let pid = try #require(try await connection.query("select pg_backend_pid()").first?[0])
      try await killer.query("select pg_terminate_backend($1)", [pid])
      let fatal = await #expect(throws: PostgresError.self) { try await connection.query("select 1") }
      #expect(fatal?.isUnknownOutcome == true)
      #expect(await !connection.isOpen)
      try await connection.open()
      try await store.process.terminate(Signal.quit)
      await #expect(throws: PostgresError.self) { try await connection.query("select 1") }
      let refused = await #expect(throws: PostgresError.self) { try await connection.open() }
      #expect(refused?.isUnknownOutcome == false)
    }
  }

  @Test func nobodyLogsInWithoutThePassword() async throws {
    try await Servers.withStores(["east"]) { stores in
      let store = try #require(stores["east"])
      for user in [EventStore.administrator, EventStore.applicationRole, EventStore.controlRole, EventStore.mirrorRole]
      {
        for password in ["", "wrong"] {
          let connection = try PostgresConnection(store.address(user, password: password), name: "intruder")
          let error = await #expect(throws: PostgresError.self) { try await connection.open() }
          #expect(error.map { "\($0)" }?.contains("wrong") == false, "no password in a message")
        }
      }
    }
  }
}

@Suite struct QuotingTests {
  @Test func literalsAndIdentifiersCannotBeLeft() {
    #expect(quotedLiteral("it's") == "'it''s'")
    #expect(quotedLiteral(#"a\'b"#) == #" E'a\\''b'"#)
    #expect(quotedIdentifier(#"a"b"#) == #""a""b""#)
    let address = PostgresAddress(host: "::1", user: "u", password: #"p'\ w"#)
    #expect(address.connectionString(applicationName: "m").contains(#"password='p\'\\ w'"#))
    #expect(address.description == "u@[::1]:5432/blackstart")
  }
}
