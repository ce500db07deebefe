import Glibc
import Support
import Testing

@testable import Lab

/// The program that the build made beside these tests: a lab's control planes are that program.
private let program =
  String(#filePath.split(separator: "/").dropLast(3).map { "/\($0)" }.joined()) + "/.build/debug/blackstart"

/// Labs with control planes, and labs whose maker is killed.
@Suite(
  .serialized, .enabled(if: geteuid() == 0, "labs need root"),
  .enabled(if: fileExists(program), "swift build makes .build/debug/blackstart"))
struct WholeLabTests {
  @Test func thePreferredRegionIsTheWriterWhenUpReturns() async throws {
    try await withScratch { scratch in
      let id = uniqueID()
      let journal = try Journal(creating: "\(scratch.directory)/journal.jsonl", timebase: .system)
      var surroundings = scratch.surroundings(program: program)
      surroundings.journal = journal
      let lab = try await Lab.up(.standard(id: id, leaseTTLSeconds: 5), surroundings)
      let status = try await lab.status()
      #expect(status.isReady, "\(status)")
      #expect(status.servers.count == 8)
      #expect(status.writer == "east")
      let token = try #require(status.token)
      #expect(token > 0)
      func detail(_ region: String, _ kind: ServerKind) -> String? {
        status.servers.first { $0.region == region && $0.kind == kind }?.detail
      }
      #expect(detail("east", .store) == "read-write, fence at token \(token) of east")
      #expect(detail("eu", .store)?.hasPrefix("read-only") == true)
      #expect(detail("east", .controlPlane)?.hasPrefix("writer") == true)
      try await lab.down()
      try await scratch.expectNothing(of: id)
      let types = try JournalContents(path: journal.path).records.map(\.type)
      #expect(types.first == "lab.begin" && types.last == "lab.ready")
      #expect(types.count { $0 == "lab.process.started" } == 8)
    }
  }

  /// The promise itself: whatever the instant, `recover` finds what is left, for its maker wrote it down first.
  @Test func killedAtAnyInstantNothingIsLeftAfterRecovery() async throws {
    try await withScratch { scratch in
      var random = SeededRandom(seed: 20_261_121)
      for round in 0..<8 {
        let id = uniqueID()
        let child = try ChildProcess(
          ProcessRequest(program, ["lab", "up", "--name", id, "--state", scratch.state, "--logs", scratch.logs]))
        // The first rounds also cut the making of the template short.
        let delay = Duration.milliseconds(Int.random(in: 1...(round < 4 ? 2000 : 1200), using: &random))
        try await ContinuousClock().sleep(for: delay)  // the instant is what this test is about
        try child.send(Signal.kill)
        _ = await child.wait()
        let before = try await Lab.list(stateDirectory: scratch.state)
        // One that was already kept is nobody's remains.
        let force = before.contains { $0.standing == .kept }
        _ = try await Lab.recover(stateDirectory: scratch.state, force: force)
        try await scratch.expectNothing(of: id)
        #expect(try listDirectory("\(scratch.state)/cache").filter { $0.hasSuffix(".draft") } == [], "after \(delay)")
      }
    }
  }
}
