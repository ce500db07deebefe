import Faults
import Glibc
import Support
import Testing

/// Agent and guardian of a host are killed: what they left is taken back by the agent that the drill starts in their place.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct SuccessorTests {
  /// Side by side, for they wait more than they work.
  @Test func anotherAgentTakesBackWhatItMayAndNoMore() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "all") { try await allOfItIsTakenBack() }
      group.addTask(name: "damaged") { try await whatADamagedJournalDoesNotTellIsNotClaimed() }
      group.addTask(name: "guardian") { try await aGuardianThatLivesIsNotOvertaken() }
      try await group.waitForAll()
    }
  }

  /// A device, a stopped process, and where a disk can be limited that limit and a program's clock.
  private func allOfItIsTakenBack() async throws {
    try await Hosts.with { hosts in
      guard DiskWriter.isPossible else { return try await Held.on(hosts) { try await takenBack($0) } }
      try await DiskWriter.with(on: "a", of: hosts) { writer in
        let limit = "fault: disk, region: east, unit: \(writer.unit), limit: { writes: 40 }"
        let skew = "fault: clock, region: east, unit: \(writer.unit), offset: 1h"
        try await Held.on(hosts, with: ["slow": limit, "wrong": skew]) { held in
          let (limits, line) = (try writer.limits(), "\(try writer.device()) 40")
          #expect(limits.contains(line) || limits.contains("wiops=40"), "\(limits)")
          let notes = try await takenBack(held)
          let value = "removed value '\(try writer.device()) "
          #expect(notes.contains { $0.contains(value) }, "\(notes)")
          #expect(notes.contains { $0.contains("removed clock redirection ") }, "\(notes)")
          #expect(try writer.limits() == "")
          _ = try await writer.untilWritten()
        }
      }
    }
  }

  @discardableResult
  private func takenBack(_ held: Held) async throws -> [String] {
    try held.killAgentAndGuardian()
    let result = try await held.drill.started.result()
    #expect(result.code == 6, "\(result.output)\n\(result.errors)")
    #expect(
      result.errors.contains("there is no agent of 'a'") && result.errors.contains("all faults are verified gone"))
    try held.drill.expectFaultsGone()
    try held.drill.expectEvidence()
    try await held.expectAllAsBefore(within: .seconds(1))
    try await held.hosts.expectNothingLeft(within: .seconds(1))
    let notes = try held.drill.journal.filter { $0.type == "guardian.noted" }.compactMap { $0.data["what"]?.string }
    for what in ["removed stop of python3", "removed ifb "] {
      #expect(notes.contains { $0.hasPrefix("another agent of a: \(what)") }, "\(notes)")
      #expect("\(result.output)\(result.errors)".contains("another agent of a: \(what)"))
    }
    return notes
  }

  /// What is told in the part that can be read is taken back. Of the rest nobody knows, so nobody says that it is gone.
  private func whatADamagedJournalDoesNotTellIsNotClaimed() async throws {
    try await Held.with { held in
      let journal = UndoRecovery.journal(
        stateDirectory: "\(held.hosts.directory)/a", run: try held.run(), process: held.agent)
      let told = String(decoding: try readFile(journal), as: UTF8.self)
      // The later one of the two records is damaged in its midst.
      let lines = try #require(
        ["fault\":\"cut\"", "fault\":\"still\""].compactMap { told.ranges(of: $0).first }.max {
          $0.lowerBound < $1.lowerBound
        })
      try held.killAgentAndGuardian {
        let file = open(journal, O_WRONLY | O_CLOEXEC)
        try #require(file >= 0)
        defer { close(file) }
        let offset = told.utf8.distance(from: told.startIndex, to: lines.lowerBound)
        try #require(pwrite(file, "FAULT", 5, offset) == 5)
      }
      let result = try await held.drill.started.result()
      #expect(result.code == 5, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("Left there: ") && result.errors.contains("agent.jsonl: "), "\(result.errors)")
      #expect(result.errors.contains("on a: blackstart recover --list --state \(held.hosts.directory)/a"))
      #expect(!result.errors.contains("verified gone"))
      #expect(try held.drill.journal.contains { $0.type == "guardian.noted" }, "nothing was taken back")
      try held.drill.expectEvidence()
      #expect(fileExists(journal))
      // As a person would who reads that: it is said again what there may be, until somebody has looked.
      let recovered = try await held.hosts.run(
        Blackstart.program, ["recover", "--state", "\(held.hosts.directory)/a"], on: "a")
      #expect(recovered.code == 5, "\(recovered.output)\n\(recovered.errors)")
      #expect(recovered.errors.contains("a process that was stopped"), "\(recovered.errors)")
      let directory = String(journal.prefix(upTo: try #require(journal.lastIndex(of: "/"))))
      #expect(recovered.errors.contains("then remove \(directory)\n"), "\(recovered.errors)")
      try #require(kill(held.program, SIGCONT) == 0)
      try removeTree(directory)
      try await held.expectAllAsBefore(within: .seconds(1))
    }
  }

  /// One that lives may be at work this very moment, or hang: only a person can say that it may be overtaken.
  private func aGuardianThatLivesIsNotOvertaken() async throws {
    try await Held.with { held in
      let guardian = try held.guardian()
      #expect(try guardian.send(Signal.stop))
      #expect(try held.agent.send(Signal.kill))
      let result = try await held.drill.started.result()
      #expect(result.code == 5, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("stop of python3") && result.errors.contains("ifb"), "\(result.errors)")
      #expect(!result.errors.contains("verified gone"))
      #expect(try Responder.state(of: held.program) == "T")
      #expect(try guardian.send(Signal.kill))
      try await held.recover()
    }
  }
}
