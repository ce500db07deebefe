import Checks
import Drill
import Events
import Glibc
import Support
import TestSupport
import Testing

/// One real run, recorded (Tests/Fixtures/README.md), judged again: whole, cut off, and altered.
@Suite struct RecordedRunTests {
  private static let recorded = "\(packageRoot)/Tests/Fixtures/recorded-blackout"

  /// A copy of the recorded run, to be spoilt.
  private func withCopy<T>(_ body: (RunDirectory) async throws -> T) async throws -> T {
    try await withRunDirectory { directory in
      for name in ["scenario.yaml", "journal.jsonl", "history.bsh"] {
        try writeFile("\(directory.path)/\(name)", readFile("\(Self.recorded)/\(name)"))
      }
      for name in try listDirectory("\(Self.recorded)/ground-truth") {
        try writeFile("\(directory.groundTruth)/\(name)", readFile("\(Self.recorded)/ground-truth/\(name)"))
      }
      return try await body(directory)
    }
  }

  private func isInconclusive(_ verdict: DrillVerdict, because gap: String) -> Bool {
    verdict.items.allSatisfy { item in
      guard case .inconclusive(let missing) = item.verdict else { return false }
      return missing.items.contains { $0.contains(gap) }
    }
  }

  /// What is judged is what was recorded: anybody gets the verdict that the run itself gave.
  @Test func theDirectoryGivesTheVerdictAgainByteForByte() throws {
    let path = "\(Self.recorded)/verdict.json"
    let verdict = try judgeRun(in: RunDirectory(opening: Self.recorded))
    let bytes = try encodeJSON(verdict, pretty: true)
    if getenv("BLACKSTART_RECORD") != nil { try writeFile(path, bytes) }
    #expect(verdict.overall == .pass)
    #expect(verdict.items.count == ChecklistItem.ofFailover.count)
    #expect(String(decoding: bytes, as: UTF8.self) == String(decoding: try readFile(path), as: UTF8.self))
  }

  @Test func theRecordIsWhole() throws {
    let record = try RunRecord(reading: RunDirectory(opening: Self.recorded))
    #expect(record.gaps == [])
    let closed = try #require(record.events(HistoryClosed.self).last)
    #expect(record.history.operations.count == Int(closed.event.operations))
    #expect(Set(record.truth.logs.keys) == ["east", "eu"])
    for (_, dump) in record.events(TruthDumped.self) {
      let lines = try readFile("\(Self.recorded)/ground-truth/\(dump.file)").split(separator: UInt8(ascii: "\n"))
      #expect(lines.count == dump.rows + 2, "header, rows, footer of \(dump.file)")
    }
  }

  /// Wherever the journal stops: it opens, nothing passes, and nothing is called a failure that was none. Only behind the
  /// record that closed the evidence may a verdict still be given, and then it is the recorded one.
  @Test(arguments: 0..<UInt64(4)) func aJournalCutAnywhereIsNoPass(seed: UInt64) async throws {
    try await withCopy { directory in
      let whole = try readFile(directory.journal)
      let closed = try #require(
        JournalContents(path: directory.journal).records.first { $0.type == HistoryClosed.type })
      let lines = whole.split(separator: UInt8(ascii: "\n"))
      let closedAt = lines[closed.seq - 1].endIndex + 1
      var random = SeededRandom(seed: seed)
      // The ends of lines too: there the rest is a good journal, only a short one.
      let ends = lines.map { $0.endIndex + 1 }.filter { $0 < whole.count }
      var cuts = Set((0..<8).compactMap { _ in ends.randomElement(using: &random) } + ends.suffix(4))
      while cuts.count < 40 { cuts.insert(Int.random(in: 0..<whole.count, using: &random)) }
      for cut in cuts.sorted() {
        try writeFile(directory.journal, Array(whole[..<cut]))
        let verdict = try judgeRun(in: directory)
        if cut >= closedAt && whole[cut - 1] == UInt8(ascii: "\n") {
          #expect(verdict.overall == .pass, "cut at byte \(cut), after the evidence was closed")
        } else {
          #expect(isInconclusive(verdict, because: "the end of the journal"), "cut at byte \(cut)")
        }
      }
    }
  }

  /// Each line in turn gets another digit somewhere: the chain breaks there, and nothing after it is believed.
  @Test func anAlteredLineIsCaught() async throws {
    try await withCopy { directory in
      let whole = try readFile(directory.journal)
      let lines = whole.split(separator: UInt8(ascii: "\n"))
      var random = SeededRandom(seed: 11)
      for (number, line) in lines.enumerated() where number % 8 == 0 || number > lines.count - 6 {
        let digits = line.indices.filter { UInt8(ascii: "1")...UInt8(ascii: "8") ~= line[$0] }
        let place = try #require(digits.randomElement(using: &random))
        var altered = whole
        altered[place] += 1
        try writeFile(directory.journal, altered)
        let record = try RunRecord(reading: directory)
        #expect(record.journal.count == number)
        #expect(record.journalDefect?.hasPrefix("line \(number + 1) ") == true)
        #expect(isInconclusive(try judgeRun(in: directory), because: "line \(number + 1) "))
      }
    }
  }

  @Test func aLineTakenOutIsCaught() async throws {
    try await withCopy { directory in
      var lines = try readFile(directory.journal).split(
        separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      lines.remove(at: 30)
      try writeFile(directory.journal, Array(lines.joined(separator: [UInt8(ascii: "\n")])))
      let record = try RunRecord(reading: directory)
      #expect(record.gaps == ["the end of the journal (line 31 does not continue the chain)"])
      #expect(try judgeRun(in: directory).overall == .inconclusive)
    }
  }

  /// A history that is cut off proves nothing by what is not in it.
  @Test func aHistoryCutAnywhereIsNoPass() async throws {
    try await withCopy { directory in
      let whole = try readFile(directory.history)
      var random = SeededRandom(seed: 13)
      for cut in (0..<24).map({ _ in Int.random(in: 0..<whole.count, using: &random) }) {
        try writeFile(directory.history, Array(whole[..<cut]))
        do {
          #expect(isInconclusive(try judgeRun(in: directory), because: "the end of the history"), "cut at byte \(cut)")
        } catch is HistoryError {
          continue  // so short that it is no history: there is no verdict at all
        }
      }
    }
  }

  /// A dump without its end may lack rows, so it is as good as none; the verdict names the file.
  @Test(arguments: [
    "log-east.jsonl", "log-eu.jsonl", "fence-eu.jsonl", "applied-eu.jsonl", "progress-east.jsonl", "grants.jsonl",
  ]) func aDumpThatIsCutOffIsNamed(name: String) async throws {
    try await withCopy { directory in
      let path = "\(directory.groundTruth)/\(name)"
      let whole = try readFile(path)
      for cut in [0, 1, whole.count / 2, whole.count - 1] {
        try writeFile(path, Array(whole[..<cut]))
        let verdict = try judgeRun(in: directory)
        #expect(isInconclusive(verdict, because: "ground-truth/\(name)"), "cut at byte \(cut)")
      }
    }
  }

  /// Without the history file there is nothing to judge, and the verdict says so instead of ending with an error.
  @Test func aRunWithoutAHistoryIsInconclusive() async throws {
    try await withCopy { directory in
      try removeTree(directory.history)
      #expect(isInconclusive(try judgeRun(in: directory), because: "there is no history file"))
    }
  }

  /// The same run with its evidence spoilt in a way that only the items can find: each is found by the item made for it.
  @Test func aRowTakenFromTheSurvivorsLogIsALoss() async throws {
    try await withCopy { directory in
      let path = "\(directory.groundTruth)/log-eu.jsonl"
      var dump = try Dump<LogRow>(path: path)
      let record = try RunRecord(reading: directory)
      let acknowledged = Set(
        record.history.operations.filter { $0.kind == .append && $0.outcome == .ok }.map(\.event))
      let place = try #require(dump.rows.firstIndex { $0.origin == "eu" && acknowledged.contains($0.event) })
      let lost = dump.rows.remove(at: place).event
      try removeTree(path)
      try dump.write(to: path)
      let verdict = try judgeRun(in: directory)
      let item = try #require(verdict.items.first { $0.item == .noAcknowledgedLoss })
      guard case .fail(let witness) = item.verdict else {
        Issue.record("\(item.verdict.headline)")
        return
      }
      #expect(Set(witness.findings.flatMap(\.events)) == [lost])
      #expect(verdict.overall == .fail)
    }
  }
}
