import Glibc
import Support
import Testing

@testable import Stacks

@Suite(.serialized, .enabled(if: Servers.available, "needs root, postgresql-15 and etcd-server"))
struct TemplateTests {
  @Test func buildersAtTheSameTimeMakeOneTemplateAndLeaveNoDraft() async throws {
    try await Servers.withDirectory { directory, _ in
      let binaries = try ServerBinaries.locate()
      let cache = "\(directory)/cache"
      async let first = PostgresTemplate.prepare(in: cache, binaries)
      async let second = PostgresTemplate.prepare(in: cache, binaries)
      let both = try await [first, second]
      #expect(both[0] == both[1] && both[0].password.utf8.count == 32)
      let names = try listDirectory(cache)
      #expect(names.count == 2 && names.contains { $0.hasSuffix(".lock") } && !names.contains { $0.contains("draft") })
      #expect(try listDirectory(both[0].directory) == ["data", "password"])
    }
  }

  @Test func aCacheThatTheServerCannotReachIsToldWithTheLog() async throws {
    try await Servers.withDirectory { directory, _ in
      let binaries = try ServerBinaries.locate()
      let cache = "\(directory)/closed"
      try makeDirectory(cache, mode: 0o700)
      let error = await #expect(throws: (any Error).self) { try await PostgresTemplate.prepare(in: cache, binaries) }
      #expect(error.map { "\($0)" }?.contains("Permission denied") == true)
      #expect(try listDirectory(cache).allSatisfy { $0.hasSuffix(".lock") }, "nothing half-made is left")
    }
  }
}

@Suite struct RowTests {
  @Test func aColumnOfAnotherShapeIsAnErrorAndNeverADefault() throws {
    func reading<T>(_ values: [String?], _ body: (inout Row) throws(PostgresError) -> T) -> PostgresError? {
      var row = Row(values, "a test")
      do throws(PostgresError) {
        _ = try body(&row)
        return nil
      } catch { return error }
    }
    #expect(reading(["x"]) { (row) throws(PostgresError) in try row.integer() } != nil)
    #expect(reading([nil]) { (row) throws(PostgresError) in try row.text() } != nil)
    #expect(reading([]) { (row) throws(PostgresError) in try row.bool() } != nil)
    #expect(reading(["-1"]) { (row) throws(PostgresError) in try row.small() } != nil)
    #expect(reading(["rx"]) { (row) throws(PostgresError) in try row.mode() } != nil)
    #expect(reading(["east", "1", "ro", "", nil]) { (row) throws(PostgresError) in try row.fence() } == nil)
    #expect(reading(["east", "1", "ro", "", "soon"]) { (row) throws(PostgresError) in try row.fence() } != nil)
  }
}
