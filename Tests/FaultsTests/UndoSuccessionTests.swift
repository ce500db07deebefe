import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// What a later agent takes back by itself, and what it leaves to a person.
@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct UndoSuccessionTests {
  private func takeOver(_ scratch: UndoScratch, run: String? = nil, node: String = "n") throws -> UndoSuccession {
    try UndoRecovery.takeOver(stateDirectory: scratch.state, run: run ?? scratch.run, node: node)
  }

  private func isThere(_ directory: UndoDirectory) -> Bool { fileExists(directory.path) }

  @Test func whatADeadAgentOfThisRunAndNodeLeftIsTakenBack() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let directory = try scratch.forsaken([
        .guardian(.init(pid: 4_000_001, startTicks: 7)), .planned(number: 1, scratch.record("one")), .made(number: 1),
        .planned(number: 2, scratch.record("two")),
      ])
      let taken = try takeOver(scratch)
      #expect(taken.left == [])
      #expect(taken.done.contains("removed ifb \(scratch.name("one").interface) (fault \"one\" on node \"n\")"))
      #expect(try scratch.devices() == [] && !isThere(directory))
      #expect(try takeOver(scratch) == UndoSuccession())
    }
  }

  /// Another run's, another node's, and one that names two nodes are none of its own.
  @Test func whatIsNotOfThisRunAndThisNodeAloneIsLeftAlone() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let directory = try scratch.forsaken([.planned(number: 1, scratch.record("one"))])
      #expect(try takeOver(scratch, run: "other") == UndoSuccession())
      #expect(try takeOver(scratch, node: "m") == UndoSuccession())
      var other = scratch.record("two")
      other.node = "m"
      try removeTree(directory.path)
      _ = try scratch.forsaken([.planned(number: 1, scratch.record("one")), .planned(number: 2, other)])
      #expect(try takeOver(scratch) == UndoSuccession())
      #expect(try takeOver(scratch, node: "m") == UndoSuccession())
      #expect(try scratch.devices().count == 1 && isThere(directory))
    }
  }

  @Test func whoeverLivesAnswersForItself() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let me = try ProcessIdentity.current()
      let living = UndoDirectory(stateDirectory: scratch.state, run: scratch.run, process: me)
      try makeDirectory(living.path)
      var journal = try JournalFile(creating: living.journal, timebase: .system)
      try journal.append(.begin(.init(run: scratch.run, process: me, boot: bootID())))
      try journal.append(.planned(number: 1, scratch.record("one")))
      #expect(try takeOver(scratch) == UndoSuccession())
      try removeTree(living.path)
      // The agent is dead, and its guardian is not: it is at work, or hangs.
      let directory = try scratch.forsaken([.guardian(me), .planned(number: 1, scratch.record("one"))])
      #expect(try takeOver(scratch) == UndoSuccession())
      #expect(try scratch.devices().count == 1 && isThere(directory))
    }
  }

  /// What it tells is taken back, and no longer told; what it no longer tells may be left, so it stays.
  @Test func aDamagedJournalIsUsedAndKept() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let directory = try scratch.forsaken([.planned(number: 1, scratch.record("one")), .made(number: 1)])
      let file = open(directory.journal, O_WRONLY | O_APPEND | O_CLOEXEC)
      try #require(file >= 0)
      for line in ["damaged\n", "damaged\n"] { try #require(write(file, line, line.utf8.count) == line.utf8.count) }
      close(file)
      let taken = try takeOver(scratch)
      #expect(taken.done == ["removed ifb \(scratch.name("one").interface) (fault \"one\" on node \"n\")"])
      #expect(taken.left == [])
      let listing = try #require(try UndoRecovery.list(stateDirectory: scratch.state).first)
      #expect(listing.items == [] && listing.defects.count == 1, "\(listing)")
      #expect(try takeOver(scratch) == UndoSuccession() && isThere(directory))
      // One whose every line is damaged does not say whose it is.
      try writeFile(directory.journal, Array("damaged\ndamaged\n".utf8))
      #expect(try takeOver(scratch) == UndoSuccession() && isThere(directory))
    }
  }

  @Test func whatCannotBeTakenBackIsToldAndStaysWritten() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let group = "\(scratch.state)/group"
      try makeDirectory(group)
      try writeFile("\(group)/cpu.max", Array("90000 100000\n".utf8))
      let value = try ControlGroupValue("\(group)/cpu.max", ours: "10000 100000")
      try writeFile("\(group)/cpu.max", Array("10000 100000\n".utf8))
      var stuck = scratch.record("stuck")
      (stuck.place, stuck.actions) = (nil, [.processes(.restore(value))])
      let directory = try scratch.forsaken([.planned(number: 1, scratch.record("one")), .planned(number: 2, stuck)])
      // Its file cannot be written, root or not.
      try #require(unlink("\(group)/cpu.max") == 0)
      try makeDirectory("\(group)/cpu.max")
      for _ in 0..<2 {
        let taken = try takeOver(scratch)
        #expect(taken.left.count == 1 && taken.left[0].contains("(fault \"stuck\" on node \"n\")"), "\(taken)")
      }
      #expect(try scratch.devices() == [] && isThere(directory))
      #expect(try UndoState(directory).items.map(\.record.fault) == ["stuck"])
      try removeTree("\(group)/cpu.max")
      try writeFile("\(group)/cpu.max", Array("10000 100000\n".utf8))
      #expect(try takeOver(scratch).left == [] && !isThere(directory))
      #expect(try String(decoding: readFile("\(group)/cpu.max"), as: UTF8.self).hasPrefix("90000 100000"))
    }
  }

  @Test func afterARestartOfTheMachineNothingIsLeft() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      let directory = try scratch.forsaken(
        [.planned(number: 1, scratch.record("one"))], boot: "00000000-0000-0000-0000-000000000000")
      #expect(
        try takeOver(scratch).done == ["nothing to remove of run \(scratch.run): the machine was restarted since"])
      #expect(try scratch.devices().count == 1 && !isThere(directory))
    }
  }
}
