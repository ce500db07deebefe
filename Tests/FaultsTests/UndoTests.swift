import Glibc
import Netlink
import Support
import Testing

@testable import Faults

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct UndoTests {
  @Test func aDeviceIsRemovedOnceAndThenNotFound() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make()
      let record = scratch.record()
      let name = scratch.name().interface
      #expect(try record.undo(in: scratch.node) == ["removed ifb \(name)"])
      #expect(try scratch.devices() == [])
      #expect(try record.undo(in: scratch.node) == ["nothing to remove: there is no ifb \(name)"])
      #expect(try record.undo(in: nil).first?.hasPrefix("nothing to remove: namespace") == true)
    }
  }

  /// The kernel takes the alias only with a second request.
  @Test func aDeviceWhoseMakerWasKilledBeforeItGotItsAliasIsRemoved() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make(alias: false)
      #expect(try scratch.record().undo(in: scratch.node) == ["removed ifb \(scratch.name().interface)"])
      #expect(try scratch.devices() == [])
    }
  }

  @Test func whatSomebodyElseMadeIsLeftAlone() async throws {
    try await UndoScratch.with { scratch in
      let name = scratch.name().interface
      try scratch.links { try $0.createIFB(name, alias: "mine") }
      let lines = try scratch.record().undo(in: scratch.node)
      #expect(lines == ["left alone ifb \(name), which somebody else made: ifb with alias \"mine\""])
      #expect(try scratch.devices() == [name])
      try scratch.links {
        try $0.deleteLink(name)
        try $0.createBridge(name)
      }
      #expect(try scratch.record().undo(in: scratch.node).first?.hasPrefix("left alone") == true)
      #expect(try scratch.devices() == [name])
    }
  }

  @Test func aNodeIsFoundByItsNameByItsProcessesOrNotAtAll() async throws {
    try await UndoScratch.with { scratch in
      let place = NodePlace(scratch.node)
      #expect(try place.find()?.identity == scratch.node.identity)
      var nameless = place
      nameless.name = nil
      #expect(try nameless.find() == nil, "nobody is in it")
      var request = ProcessRequest("/bin/sleep", ["60"])
      request.networkNamespace = scratch.node.fileDescriptor
      let sleeper = try ChildProcess(request)
      #expect(try nameless.find()?.identity == scratch.node.identity)
      try await sleeper.terminate(Signal.kill)
      #expect(try nameless.find() == nil)
      // The name was given to another namespace since.
      var earlier = place
      earlier.inode = 1
      #expect(try earlier.find() == nil)
    }
  }

  @Test func namesOfDevicesDifferInEveryPartAndFitTheKernel() {
    func name(_ id: String, _ run: String, _ node: String, _ role: String) -> ScaffoldName {
      let targets = Fault.Targets(peers: [])
      return ScaffoldName(
        Fault(id: id, run: run, node: node, targets: targets, timing: .init(lease: .seconds(1))), role: role)
    }
    let names = [
      name("a", "r", "n", "in"), name("b", "r", "n", "in"), name("a", "s", "n", "in"),
      name("a", "r", "m", "in"),
      name("a", "r", "n", "out"),
    ]
    #expect(Set(names.map(\.interface)).count == 5 && Set(names.map(\.alias)).count == 5)
    #expect(names.allSatisfy { $0.interface.utf8.count == 14 && $0.interface.hasPrefix("bs") })
    #expect(names[0].alias == "blackstart/r/a/n/in")
    let long = name(
      String(repeating: "f", count: 64), String(repeating: "r", count: 64), String(repeating: "n", count: 64), "hole")
    #expect(long.alias.utf8.count < 256, "IFALIASZ")
  }

  // MARK: Journal

  @Test func entriesSurviveTheJournal() async throws {
    try await UndoScratch.with { scratch in
      let me = try ProcessIdentity.current()
      let entries: [UndoEntry] = [
        .guardian(me), .planned(number: 1, scratch.record()), .made(number: 1),
        .undoing(number: 1, reason: .agentSilent), .failed(number: 1, why: "busy"),
        .undone(number: 1, lines: ["removed it"]),
      ]
      let directory = try scratch.forsaken(entries)
      let contents = try JournalContents(path: directory.journal)
      #expect(contents.defect == nil)
      #expect(try contents.records.dropFirst().map { try UndoEntry($0) } == entries)
    }
  }

  /// A kill can end the file anywhere: whatever was announced whole is known, and nothing else is made up.
  @Test func aJournalCutOffAtAnyByteSaysWhatWasAnnounced() async throws {
    try await UndoScratch.with { scratch in
      let directory = try scratch.forsaken([
        .planned(number: 1, scratch.record("one")), .made(number: 1), .planned(number: 2, scratch.record("two")),
        .undone(number: 1, lines: []),
      ])
      let whole = try readFile(directory.journal)
      let ends = whole.indices.filter { whole[$0] == UInt8(ascii: "\n") }
      try #require(ends.count == 5)
      // Every byte around the end of a line, and every 31st of the rest: each cut is read from the start.
      for length in 0...whole.count where length % 31 == 0 || ends.contains(where: { abs($0 - length) < 3 }) {
        let file = open(directory.journal, O_WRONLY | O_TRUNC | O_CLOEXEC)
        try #require(file >= 0)
        try #require(write(file, whole, length) == length)
        close(file)
        let lines = ends.count { $0 < length }
        let state = try UndoState(directory)
        let expected: [[String]] = [[], [], ["one"], ["one"], ["one", "two"], ["two"]]
        #expect(state.items.map(\.record.fault) == expected[lines], "cut at byte \(length)")
        #expect(state.defects == [], "cut at byte \(length)")
      }
    }
  }

  @Test func anotherVersionsEntryIsADefectAndNotForgotten() async throws {
    try await UndoScratch.with { scratch in
      let directory = try scratch.forsaken([])
      var journal = try JournalFile(creating: directory.guardianJournal(1), timebase: .system)
      try journal.append("undo.planned", ["number": 1, "record": ["actions": [["thawClock": ["pid": 1]]]]])
      try journal.append("undo.dreamt")
      try journal.append("undo.undone", ["number": 1])
      #expect(try UndoState(directory).defects.count == 3)
    }
  }

  // MARK: Recovery

  @Test func whatADeadProcessLeftIsListedAndTakenBack() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make("one")
      try scratch.make("two")
      _ = try scratch.forsaken(
        [
          .planned(number: 1, scratch.record("one")), .made(number: 1), .planned(number: 2, scratch.record("two")),
          .planned(number: 3, scratch.record("three")),
        ], guardian: [.failed(number: 2, why: "busy")])
      let listing = try #require(try UndoRecovery.list(stateDirectory: scratch.state).first)
      #expect(!listing.isHeld && listing.run == "test" && listing.defects == [])
      #expect(listing.items.map(\.fault) == ["one", "two", "three"])
      #expect(listing.items.map(\.failure) == [nil, "busy", nil])
      #expect(listing.items[0].objects == ["ifb \(scratch.name("one").interface)"])
      #expect(listing.items[0].leaseMilliseconds == 30_000)
      #expect(try scratch.devices().count == 2, "a listing changes nothing")

      let done = try scratch.recover()
      #expect(
        done == [
          "nothing to remove: there is no ifb \(scratch.name("three").interface) (fault \"three\" on node \"n\")",
          "removed ifb \(scratch.name("two").interface) (fault \"two\" on node \"n\")",
          "removed ifb \(scratch.name("one").interface) (fault \"one\" on node \"n\")",
        ])
      #expect(try scratch.devices() == [])
      #expect(try listDirectory("\(scratch.state)/faults") == [])
      #expect(try scratch.recover() == [], "again: nothing")
      #expect(try UndoRecovery.list(stateDirectory: scratch.state) == [])
    }
  }

  @Test func whatTheGuardianTookBackIsToldAndNotDoneAgain() async throws {
    try await UndoScratch.with { scratch in
      _ = try scratch.forsaken(
        [.planned(number: 1, scratch.record())],
        guardian: [.undoing(number: 1, reason: .agentGone), .undone(number: 1, lines: ["removed ifb x"])])
      try scratch.make()  // by somebody who lives: the journal says that ours is gone
      #expect(try scratch.recover() == ["the guardian had removed ifb x (fault \"slow\" on node \"n\")"])
      #expect(try scratch.devices().count == 1)
    }
  }

  @Test func whatALivingProcessHoldsIsLeftAloneUnlessForced() async throws {
    try await UndoScratch.with { scratch in
      let sleeper = try ChildProcess(ProcessRequest("/bin/sleep", ["60"]))
      let directory = UndoDirectory(stateDirectory: scratch.state, run: "test", process: sleeper.identity)
      try makeDirectory(directory.path)
      do {
        var journal = try JournalFile(creating: directory.journal, timebase: .system)
        try journal.append(.begin(.init(run: "test", process: sleeper.identity, boot: bootID())))
        try journal.append(.planned(number: 1, scratch.record()))
      }
      try scratch.make()
      #expect(try scratch.recover() == [])
      #expect(try scratch.devices().count == 1)
      #expect(try UndoRecovery.list(stateDirectory: scratch.state).map(\.isHeld) == [true])
      let done = try scratch.recover(force: true)
      #expect(done.first == "ended \(sleeper.identity), which held the faults of run test")
      #expect(await sleeper.wait() == .signalled(SIGKILL))
      #expect(try scratch.devices() == [])
      #expect(try listDirectory("\(scratch.state)/faults") == [])
    }
  }

  /// A process may have the recorded number again, and a namespace the recorded one.
  @Test func afterARebootNothingIsTouchedAndTheJournalGoes() async throws {
    try await UndoScratch.with { scratch in
      try scratch.make()
      _ = try scratch.forsaken([.planned(number: 1, scratch.record())], boot: "another boot")
      #expect(try scratch.recover() == ["nothing to remove of run test: the machine was restarted since"])
      #expect(try scratch.devices().count == 1)
      #expect(try listDirectory("\(scratch.state)/faults") == [])
    }
  }

  @Test func aNodeThatIsGoneIsSaidToBe() async throws {
    try await UndoScratch.with { scratch in
      let gone = "bst-\(getpid())-gone"
      let record = {
        var record = scratch.record()
        record.place?.name = gone
        record.place?.inode = 1
        return record
      }()
      _ = try scratch.forsaken([.planned(number: 1, record)])
      let done = try scratch.recover()
      #expect(done.first?.hasPrefix("nothing to remove: namespace \"\(gone)\" is gone") == true, "\(done)")
      #expect(try listDirectory("\(scratch.state)/faults") == [])
    }
  }

  @Test func aDirectoryThatAKillLeftEmptyIsRemoved() async throws {
    try await UndoScratch.with { scratch in
      let directory = UndoDirectory(
        stateDirectory: scratch.state, run: "a.b.c", process: .init(pid: 4_000_000, startTicks: 1))
      try makeDirectory(directory.path)
      #expect(try UndoDirectory.all(in: scratch.state) == [directory])
      #expect(try scratch.recover() == [])
      #expect(try listDirectory("\(scratch.state)/faults") == [])
    }
  }

  /// Where the journal is damaged in its midst, the devices say themselves whose they are; of all else nobody can tell that there is
  /// none, and that is said until a person has looked.
  @Test func aDamagedJournalIsReplacedByWhatTheKernelShows() async throws {
    try await UndoScratch.with(run: "damaged") { scratch in
      try scratch.make("one")
      try scratch.make("two")
      try scratch.links { try $0.createIFB("other", alias: "blackstart/damagedtoo/x/n/in") }
      let directory = try scratch.forsaken([
        .planned(number: 1, scratch.record("one")), .planned(number: 2, scratch.record("two")),
      ])
      var bytes = try readFile(directory.journal)
      let place = try #require(bytes.firstIndex(of: UInt8(ascii: "\n"))) + 20
      bytes[place] ^= 1
      try writeFile(directory.journal, bytes)
      #expect(try UndoRecovery.list(stateDirectory: scratch.state).first?.defects.count == 1)
      for round in 0..<2 {
        let attempt = try UndoRecovery.attempt(stateDirectory: scratch.state)
        #expect(attempt.done.count == (round == 0 ? 2 : 0), "\(attempt.done)")
        #expect(attempt.failures.map(\.code) == [.recoveryIncomplete])
        #expect(attempt.failures.first?.what.contains("its undo journal is damaged") == true)
        #expect(attempt.failures.first?.fix?.contains(directory.path) == true)
        #expect(try scratch.devices() == ["other"], "that is another run's")
        #expect(throws: Problems.self) { try scratch.recover() }
      }
      try removeTree(directory.path)
      #expect(try scratch.recover() == [])
    }
  }
}
