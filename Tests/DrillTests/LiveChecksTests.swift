import Checks
import Events
import Support
import Testing

@testable import Drill

/// What the checks say while a drill goes on.
@Suite struct LiveChecksTests {
  private static let recorded = "\(packageRoot)/Tests/Fixtures/recorded-blackout"

  @Test func aCleanRunIsQuiet() throws {
    let history = try RunRecord(reading: RunDirectory(opening: Self.recorded)).history
    let live = LiveChecks()
    var rest = history.operations[...]
    while !rest.isEmpty {
      live.take(Array(rest.prefix(100)))
      rest = rest.dropFirst(100)
      #expect(live.look(names: history.names).isEmpty)
    }
  }

  /// A tail that shows an event at a second place says so at once, and once; and offline finds the same row.
  @Test func aDuplicateIsSeenWhenItComes() throws {
    var evidence = try RunRecord(reading: RunDirectory(opening: Self.recorded)).evidence
    let operations = evidence.history.operations
    let place = try #require(operations.lastIndex { $0.kind == .observe })
    var again = operations[place]
    again.position = (again.position ?? 0) + 1000
    let live = LiveChecks()
    live.take(operations)
    #expect(live.look(names: evidence.history.names).isEmpty)
    live.take([again])
    let seen = live.look(names: evidence.history.names)
    #expect(seen.map(\.row) == ["L3"])
    #expect(seen.first?.name == "duplicate-append")
    #expect(seen.first?.what.contains("\(again.event)") == true)
    #expect(live.look(names: evidence.history.names).isEmpty)
    evidence.history.operations.append(again)
    let row = try #require(judge(evidence).rows.first { $0.anomaly == .duplicateAppend })
    #expect(row.state == .found)
  }
}
