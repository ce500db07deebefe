import Checks
import Drill
import Events
import Support
import TestSupport
import Testing

@testable import Reports

/// The recorded run (Tests/Fixtures/README.md) as its reports tell it: every figure must be that of the files.
@Suite struct RecordedRunReportTests {
  private static let recorded =
    #filePath.split(separator: "/").dropLast(2).map { "/\($0)" }.joined() + "/Fixtures/recorded-blackout"

  private func recordedRun() throws -> (record: RunRecord, summary: RunSummary) {
    let directory = try RunDirectory(opening: Self.recorded)
    let record = try RunRecord(reading: directory)
    return (record, RunSummary(record, verdict: try judgeRun(in: directory)))
  }

  @Test func theHeadSaysWhatWasRun() throws {
    let (_, summary) = try recordedRun()
    #expect(summary.scenario == "small-blackout")
    #expect(summary.overall == .pass)
    #expect(summary.exitCode == 0)
    #expect(summary.ending == nil)
    #expect(summary.items.map(\.verdict) == Array(repeating: .pass, count: 7))
    #expect(summary.command.hasSuffix("scenario.yaml --seed \(summary.seed)"))
  }

  /// Each append of the history is in one second of one region's series, and none is counted twice.
  @Test func theWritesPerSecondAddUpToTheHistory() throws {
    let (record, summary) = try recordedRun()
    let appends = record.history.operations.filter { $0.kind == .append && $0.completed != nil }
    for series in summary.writes {
      let own = appends.filter { record.history.names.name(of: $0.region) == series.region }
      func count(_ matches: (Outcome) -> Bool) -> Int { own.filter { matches($0.outcome) }.count }
      #expect(series.acknowledged.reduce(0, +) == count { $0 == .ok })
      #expect(series.failed.reduce(0, +) == count { if case .fail = $0 { true } else { false } })
      #expect(series.unknown.reduce(0, +) == count { if case .unknown = $0 { true } else { false } })
      #expect(!own.isEmpty)
    }
    #expect(summary.writes.map(\.region) == ["east", "eu", "ap"])
  }

  /// One phase ends where the next begins, and the last ends with the run.
  @Test func thePhasesFillTheRun() throws {
    let (_, summary) = try recordedRun()
    #expect(
      summary.phases.map(\.name) == [
        "preflight", "lab", "baseline", "fault", "recovery", "quiescence", "teardown", "verdict",
      ])
    for (before, after) in zip(summary.phases, summary.phases.dropFirst()) { #expect(before.end == after.start) }
    #expect(summary.phases.last?.end == summary.seconds)
    let fault = try #require(summary.phases.first { $0.name == "fault" })
    #expect((9.0..<10).contains(fault.seconds), "the cut was 9 s long")
  }

  /// East reigns until it gives up, eu from its seal on; the reigns do not overlap, and tokens rise.
  @Test func twoReignsFollowEachOther() throws {
    let (record, summary) = try recordedRun()
    #expect(summary.reigns.map(\.holder) == ["east", "eu"])
    let (first, second) = (summary.reigns[0], summary.reigns[1])
    #expect(first.token < second.token)
    #expect(try #require(first.end) < second.start)
    #expect(second.end == nil)
    #expect(record.truth.grants?.map(\.token).contains(first.token) == true)
    #expect(record.truth.grants?.map(\.token).contains(second.token) == true)
  }

  @Test func theFaultIsShownForItsProvenInterval() throws {
    let (record, summary) = try recordedRun()
    let fault = try #require(summary.faults.first)
    let interval = try #require(record.faultIntervals.first)
    #expect(fault.packetsDropped == Int(interval.packetsDropped))
    #expect(fault.what == "partition: ap→east, east→ap, east→eu, eu→east")
    let (start, end) = (try #require(fault.start), try #require(fault.end))
    #expect((8.5..<9.5).contains(end - start))
  }

  /// The lag of a mirror is drawn for both directions, and was really seen to grow during the cut.
  @Test func theLagIsDrawnForBothDirections() throws {
    let (_, summary) = try recordedRun()
    #expect(summary.lag.map(\.name) == ["east→eu", "eu→east"])
    for series in summary.lag { #expect((series.samples.compactMap(\.seconds).max() ?? 0) > 2) }
  }

  /// Every report is made from the directory alone, and names the files it rests on with their digests.
  @Test func theReportsAreMadeFromTheDirectory() async throws {
    try await withTemporaryDirectory("reports", remove: { try removeTree($0) }) { path in
      let directory = try RunDirectory(creating: "\(path)/run")
      let names = ["scenario.yaml", "plan.json", "journal.jsonl", "history.bsh", "verdict.json"]
      for name in names { try writeFile("\(directory.path)/\(name)", readFile("\(Self.recorded)/\(name)")) }
      for name in try listDirectory("\(Self.recorded)/ground-truth") {
        try writeFile("\(directory.groundTruth)/\(name)", readFile("\(Self.recorded)/ground-truth/\(name)"))
      }
      let summary = try writeReports(of: directory)
      for file in summary.evidence { #expect(file.digest == sha256(try readFile("\(directory.path)/\(file.name)"))) }
      #expect(Set(names).isSubset(of: summary.evidence.map(\.name)))
      let page = String(decoding: try readFile(directory.html), as: UTF8.self)
      for item in ChecklistItem.ofFailover { #expect(page.contains(item.rawValue)) }
      #expect(fileExists(directory.junit) && fileExists(directory.metrics))
      #expect(!fileExists("\(path)/index.sqlite"), "the index is kept in a directory called runs only")
    }
  }

  /// A run that was cut off says so, in words that name the place.
  @Test func aCutRunSaysWhereItEnds() async throws {
    try await withTemporaryDirectory("reports", remove: { try removeTree($0) }) { path in
      let directory = try RunDirectory(creating: "\(path)/run")
      try writeFile(directory.scenario, readFile("\(Self.recorded)/scenario.yaml"))
      let journal = try readFile("\(Self.recorded)/journal.jsonl")
      try writeFile(directory.journal, Array(journal[..<(journal.count / 2)]))
      let summary = try writeReports(of: directory)
      #expect(summary.overall == nil)
      #expect(summary.exitCode == ExitCode.inconclusive.rawValue)
      #expect(summary.ending?.hasPrefix("the record is not whole: the end of the journal (line ") == true)
      let page = String(decoding: try readFile(directory.html), as: UTF8.self)
      #expect(page.contains("the record is not whole"))
    }
  }
}
