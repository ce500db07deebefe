import Drill
import Support
import TestSupport
import Testing

/// Run directories: their names, and that no evidence is ever written over.
@Suite struct RunDirectoryTests {
  @Test func theNameSaysWhenAndWhat() {
    let wall: Int64 = 1_795_162_323_250_000_000
    #expect(
      RunDirectory.name(scenario: "region-blackout", wall: wall, nonce: 0x7f3a)
        == "2026-11-20T08-12-03Z-region-blackout-7f3a")
    #expect(RunDirectory.name(scenario: "x", wall: wall, nonce: 5) == "2026-11-20T08-12-03Z-x-0005")
    #expect(RunDirectory.name(scenario: "x", wall: 0, nonce: .max) == "1970-01-01T00-00-00Z-x-ffff")
  }

  @Test func aDirectoryThatExistsIsNotTouched() async throws {
    try await withRunDirectory { directory in
      try writeFile(directory.journal, Array("evidence".utf8))
      let refusal = try problem { _ = try RunDirectory(creating: directory.path) }
      #expect(refusal?.code == .usage)
      #expect(
        refusal?.what == "the run directory exists already; a run never writes over another's evidence")
      #expect(try readFile(directory.journal) == Array("evidence".utf8))
    }
  }

  @Test func whatCannotBeMadeIsSaid() async throws {
    try await withRunDirectory { directory in
      try writeFile(directory.journal, [])
      let refusal = try problem { _ = try RunDirectory(creating: "\(directory.journal)/below-a-file") }
      #expect(refusal?.code == .usage)
      #expect(refusal?.what.hasPrefix("the run directory cannot be made: ") == true)
    }
  }

  @Test func whatHasNoJournalIsNoRun() async throws {
    try await withRunDirectory { directory in
      let refusal = try problem { _ = try RunDirectory(opening: directory.path) }
      #expect(
        refusal.map { "\($0)" } == """
          \(directory.path): error: this is no run directory: it has no journal.jsonl
            fix: name a directory below runs/
          """)
      try writeFile(directory.journal, [])
      #expect(try RunDirectory(opening: "\(directory.path)/") == directory, "a slash at the end is no other directory")
    }
  }
}
