import Glibc
import Netlink
import Support
import Testing

@testable import Faults

/// The guardian's own code on a thread of this process; the agent's end of the connection is the test's.
private struct GuardianOnThread {
  let scratch: UndoScratch
  let channel: GuardianChannel
  var journal: String { "\(scratch.state)/guardian.jsonl" }

  static func with(_ body: (GuardianOnThread) async throws -> Void) async throws {
    try await UndoScratch.with { scratch in
      let (own, other) = try GuardianChannel.pair()
      let guardian = GuardianOnThread(scratch: scratch, channel: own)
      let descriptor = fcntl(other.descriptor, F_DUPFD_CLOEXEC, 3)
      try #require(descriptor >= 0)
      async let end = onOwnThread("guardian") { [journal = guardian.journal] in
        try Guardian.serve(descriptor: descriptor, journal: journal)
      }
      do {
        #expect(guardian.next() == .ready)
        try await body(guardian)
      } catch {
        own.hangUp()
        _ = try await end
        throw error
      }
      own.hangUp()
      #expect(try await end, "the guardian leaves nothing")
      withExtendedLifetime(other) {}
    }
  }

  func next(milliseconds: Int32 = 5_000) -> GuardianReply? {
    if case .message(let reply) = channel.receive(GuardianReply.self, milliseconds: milliseconds) { reply } else { nil }
  }

  func send(_ message: GuardianMessage) throws {
    #expect(try channel.send(message))
  }

  func keep(_ number: UInt64, _ id: String = "slow", until: Int64, descriptor: Int32? = nil) throws -> GuardianReply? {
    try send(
      .keep(
        number: number, record: scratch.record(id), until: until, pid: getpid(),
        descriptor: descriptor ?? scratch.node.fileDescriptor))
    return next()
  }

  func entries() throws -> [UndoEntry] {
    let contents = try JournalContents(path: journal)
    #expect(contents.defect == nil)
    return try contents.records.map { try UndoEntry($0) }
  }
}

private func soon(_ milliseconds: Int64) -> Int64 { Timebase.system.monotonic() + milliseconds * 1_000_000 }

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct GuardianTests {
  @Test func theEndOfTheAgentTakesItsDevicesAway() async throws {
    try await GuardianOnThread.with { guardian in
      #expect(try guardian.keep(1, "one", until: soon(60_000)) == .kept(number: 1))
      #expect(try guardian.keep(2, "two", until: soon(60_000)) == .kept(number: 2))
      #expect(try guardian.keep(3, "never made", until: soon(60_000)) == .kept(number: 3))
      try guardian.scratch.make("one")
      try guardian.scratch.make("two")
      guardian.channel.hangUp()
      #expect(try await eventually(within: .seconds(5)) { try guardian.scratch.devices() == [] })
      #expect(try await eventually(within: .seconds(5)) { try guardian.entries().count == 6 })
      let undone = try guardian.entries().compactMap { entry -> UInt64? in
        if case .undone(let number, _) = entry { number } else { nil }
      }
      #expect(undone == [3, 2, 1], "newest first")
    }
  }

  @Test func anAgentThatHangsLosesWhatItDoesNotProlong() async throws {
    try await GuardianOnThread.with { guardian in
      #expect(try guardian.keep(1, "one", until: soon(200)) == .kept(number: 1))
      #expect(try guardian.keep(2, "two", until: soon(200)) == .kept(number: 2))
      try guardian.scratch.make("one")
      try guardian.scratch.make("two")
      try guardian.send(.prolong(number: 2, until: soon(60_000)))
      let name = guardian.scratch.name("one").interface
      #expect(guardian.next() == .undone(number: 1, lines: ["removed ifb \(name)"]))
      #expect(try guardian.scratch.devices() == [guardian.scratch.name("two").interface])
      #expect(
        try guardian.entries() == [
          .undoing(number: 1, reason: .agentSilent), .undone(number: 1, lines: ["removed ifb \(name)"]),
        ])
    }
  }

  @Test func whatIsSettledIsForgotten() async throws {
    try await GuardianOnThread.with { guardian in
      #expect(try guardian.keep(1, until: soon(100)) == .kept(number: 1))
      try guardian.scratch.make()
      try guardian.send(.settled(number: 1))
      #expect(guardian.next(milliseconds: 500) == nil)
      guardian.channel.hangUp()
      #expect(try guardian.entries() == [])
      #expect(try guardian.scratch.devices().count == 1)
    }
  }

  @Test func aRecordForAnotherPlaceThanTheOpenNamespaceIsRefused() async throws {
    try await GuardianOnThread.with { guardian in
      let here = try NetworkNamespace.current()
      let wrong = try guardian.keep(1, until: soon(60_000), descriptor: here.fileDescriptor)
      guard case .refused(1, let why) = wrong else {
        Issue.record("\(String(describing: wrong))")
        return
      }
      #expect(why.contains("is not namespace"))
      guard case .refused(2, _) = try guardian.keep(2, until: soon(60_000), descriptor: 100_000) else {
        Issue.record("a descriptor that is not there was taken")
        return
      }
    }
  }

  @Test func aMessageThatNobodyUnderstandsIsRefusedAndTheGuardianGoesOn() async throws {
    try await GuardianOnThread.with { guardian in
      let isTaken = try guardian.channel.send(["run": "rm -rf /"])
      #expect(isTaken)
      guard case .refused(0, let why) = guardian.next() else {
        Issue.record("it was not refused")
        return
      }
      #expect(why.hasPrefix("unreadable message"))
      #expect(try guardian.keep(1, until: soon(60_000)) == .kept(number: 1))
    }
  }

  /// The kernel ends the rules of a dead agent some milliseconds after its connection; a device that they steer into must
  /// not go before them.
  @Test func aDeviceGoesOnlyAfterTheTablesThatSteerIntoIt() async throws {
    try await GuardianOnThread.with { guardian in
      let scratch = guardian.scratch
      let owner = try NFTables.Connection(in: scratch.node)
      try owner.commit(.init([.addTable(.init(.inet, "bs_test_slow"), flags: .owner)]))
      #expect(try guardian.keep(1, until: soon(60_000)) == .kept(number: 1))
      try scratch.make()
      guardian.channel.hangUp()
      #expect(try await eventually(within: .seconds(5)) { try guardian.entries().count == 1 })
      try await Task.sleep(for: .milliseconds(100))  // time in which a guardian that does not wait would act
      #expect(try scratch.devices().count == 1)
      owner.close()
      #expect(try await eventually(within: .seconds(5)) { try scratch.devices() == [] })
    }
  }

  @Test func whoStartsAGuardianByHandIsTold() async throws {
    try await UndoScratch.with { scratch in
      let file = open("/dev/null", O_RDONLY | O_CLOEXEC)
      let problem = #expect(throws: Problem.self) {
        try Guardian.serve(descriptor: file, journal: "\(scratch.state)/g.jsonl")
      }
      #expect(problem?.code == .usage)
      #expect(!fileExists("\(scratch.state)/g.jsonl"))
      close(file)
    }
  }

  /// Without a guardian there is no promise, and whoever asks must not make anything.
  @Test(arguments: ["/bin/true", "/bin/sleep", "/nonexistent"])
  func aProgramThatIsNoGuardianGivesNoPromise(_ program: String) async throws {
    try await UndoScratch.with { scratch in
      let keeper = try GuardedUndo(stateDirectory: scratch.state, run: "test", program: program) { _ in }
      let error = #expect(throws: UndoError.self) {
        _ = try keeper.promise(scratch.record(), in: scratch.node, until: soon(60_000))
      }
      guard case .noGuardian = error else {
        Issue.record("\(String(describing: error))")
        return
      }
      #expect(keeper.close() == [])
      #expect(try listDirectory("\(scratch.state)/faults") == [], "nothing is left of the attempt")
      #expect(throws: UndoError.closed) { try keeper.prepare() }
    }
  }

  @Test func aJournalThatCannotBeMadeGivesNoPromise() async throws {
    try await UndoScratch.with { scratch in
      try writeFile("\(scratch.state)/faults", [])
      let keeper = try GuardedUndo(stateDirectory: scratch.state, run: "test", program: "/bin/true") { _ in }
      let error = #expect(throws: UndoError.self) { try keeper.prepare() }
      guard case .journal = error else {
        Issue.record("\(String(describing: error))")
        return
      }
    }
  }
}
