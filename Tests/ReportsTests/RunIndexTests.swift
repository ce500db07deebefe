import Glibc
import Reports
import Support
import Testing

/// The index of runs.
@Suite struct RunIndexTests {
  @Test func aRunIsFoundAgain() throws {
    try withScratch { path in
      let index = try RunIndex(path: path)
      let run = IndexedRun(sampleRun())
      try index.add(run)
      #expect(try index.runs() == [run])
      #expect(run.recoverySeconds == 14.31 && run.missingEvents == 37 && run.verdict == .pass)
    }
  }

  @Test func whatWasNotMeasuredStaysAbsent() throws {
    try withScratch { path in
      let index = try RunIndex(path: path)
      try index.add(IndexedRun(emptyRun()))
      let run = try #require(try index.runs().first)
      #expect(run.verdict == nil && run.recoverySeconds == nil && run.missingEvents == nil && run.exitCode == 3)
    }
  }

  @Test func theNewestRunsOfOneScenarioComeFirst() throws {
    try withScratch { path in
      let index = try RunIndex(path: path)
      for number in 0..<20 {
        var run = IndexedRun(sampleRun())
        run.runID = "run-\(number)"
        run.startedAt = Int64(number)
        run.scenario = number % 2 == 0 ? "even" : "odd"
        try index.add(run)
      }
      #expect(try index.runs(of: "even", limit: 3).map(\.runID) == ["run-18", "run-16", "run-14"])
      #expect(try index.runs(limit: 2).map(\.runID) == ["run-19", "run-18"])
      #expect(try index.runs(of: "none") == [])
      #expect(try index.runs(limit: -1) == [])
    }
  }

  @Test func aRunAddedTwiceStandsOnce() throws {
    try withScratch { path in
      let index = try RunIndex(path: path)
      var run = IndexedRun(sampleRun())
      try index.add(run)
      run.verdict = .fail
      try index.add(run)
      #expect(try index.runs() == [run])
    }
  }

  /// Values are bound, never pasted into a statement.
  @Test func anyTextIsAValue() throws {
    try withScratch { path in
      let index = try RunIndex(path: path)
      var run = IndexedRun(sampleRun())
      run.scenario = "'); DROP TABLE runs; --"
      run.runID = "naïve \u{0} ∑ \"'"
      run.seed = .max
      try index.add(run)
      #expect(try index.runs(of: run.scenario) == [run])
    }
  }

  @Test func theIndexOutlivesItsProcess() throws {
    try withScratch { path in
      do { try RunIndex(path: path).add(IndexedRun(sampleRun())) }
      #expect(try RunIndex(path: path).runs().count == 1)
    }
  }

  @Test func manyWritersAtOnceLoseNothing() async throws {
    let path = "/tmp/blackstart-test-\(getpid())-many.sqlite"
    defer { remove(path) }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for writer in 0..<4 {
        group.addTask {
          let index = try RunIndex(path: path)
          for number in 0..<25 {
            var run = IndexedRun(sampleRun())
            run.runID = "\(writer)-\(number)"
            try index.add(run)
          }
        }
      }
      try await group.waitForAll()
    }
    #expect(try RunIndex(path: path).runs(limit: 1000).count == 100)
  }

  @Test func aFileThatIsNoDatabaseIsSaidToBeNone() throws {
    try withScratch { path in
      let file = try #require(fopen(path, "w"))
      fputs(String(repeating: "this is no database at all\n", count: 100), file)
      fclose(file)
      let problem = #expect(throws: Problem.self) { _ = try RunIndex(path: path).runs() }
      #expect(problem?.description.contains("file is not a database (SQLite 26)") == true)
    }
  }

  @Test func aFolderThatDoesNotExistIsAnError() {
    let problem = #expect(throws: Problem.self) { _ = try RunIndex(path: "/no/such/folder/runs.sqlite").runs() }
    #expect(problem?.what == "the index of runs cannot be opened: unable to open database file")
  }

  @Test func theTableOfRunsIsAligned() {
    let text = indexText([IndexedRun(sampleRun()), IndexedRun(sampleFailure()), IndexedRun(emptyRun())])
    #expect(
      text == """
        started               scenario         verdict    took     RTO           RPO  run
        2026-11-20T08:12:03Z  region-blackout  PASS     70.4 s  14.3 s  37 in 1.82 s  2026-11-20T08-12-03Z-region-blackout-7f3a
        2026-11-20T08:12:03Z  region-blackout  FAIL     70.4 s  14.3 s  37 in 1.82 s  2026-11-20T08-12-03Z-region-blackout-7f3a
        1970-01-01T00:00:00Z  region-blackout  exit 3     0 ms                        empty

        """)
    #expect(indexText([]) == "no run yet\n")
  }
}

private func withScratch(_ body: (String) throws -> Void) throws {
  let path = "/tmp/blackstart-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sqlite"
  defer { remove(path) }
  try body(path)
}

/// The database with the files that the write-ahead log keeps beside it.
private func remove(_ path: String) {
  for name in [path, "\(path)-wal", "\(path)-shm"] { unlink(name) }
}
