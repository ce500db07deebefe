import Faults
import Glibc
import Netlink
import Support
import Synchronization
import Testing

/// A node, a state directory, and a keeper with the guardian of this very build.
private struct Guarded {
  let directory: String
  let node: NetworkNamespace
  let keeper: GuardedUndo
  private let events: Events

  private final class Events: Sendable {
    private let all = Mutex<[UndoEvent]>([])
    func add(_ event: UndoEvent) { all.withLock { $0.append(event) } }
    var list: [UndoEvent] { all.withLock { $0 } }
  }

  var seen: [UndoEvent] { events.list }

  static func with(_ body: (Guarded) async throws -> Void) async throws {
    try await withDirectory("guardian") { directory in
      let name = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
      let events = Events()
      let node = try NetworkNamespace.create(named: name)
      let outcome: Result<Void, any Error>
      do {
        let keeper = try GuardedUndo(
          stateDirectory: directory, run: "test", program: Blackstart.program, report: events.add)
        try await body(Guarded(directory: directory, node: node, keeper: keeper, events: events))
        outcome = .success(expectNothingIsHeld(keeper.close()))
      } catch { outcome = .failure(error) }
      try NetworkNamespace.delete(named: name)
      try outcome.get()
    }
  }

  private static func expectNothingIsHeld(_ left: [String]) {
    #expect(left == [])
  }

  private init(directory: String, node: NetworkNamespace, keeper: GuardedUndo, events: Events) {
    self.directory = directory
    self.node = node
    self.keeper = keeper
    self.events = events
  }

  private func fault(_ id: String) -> Fault {
    Fault(
      id: id, run: "test", node: "n", inbound: .drop, targets: .init(peers: [.v4(0x0A00_0001)]),
      timing: .init(lease: .seconds(30)))
  }

  /// Promises the undo of a device, then makes it.
  func hold(_ id: String = "slow", milliseconds: Int64 = 60_000) throws -> UndoTicket {
    let name = ScaffoldName(fault(id), role: "in")
    let action = UndoAction.removeInterface(name: name.interface, kind: "ifb", alias: name.alias)
    let ticket = try keeper.promise(
      UndoRecord(fault(id), in: node, actions: [action]), in: node,
      until: Timebase.system.monotonic() + milliseconds * 1_000_000)
    try links { try $0.createIFB(name.interface, alias: name.alias) }
    keeper.made(ticket)
    return ticket
  }

  func remove(_ id: String = "slow") throws {
    try links { try $0.deleteLink(ScaffoldName(fault(id), role: "in").interface) }
  }

  func devices() throws -> Int { try links { try $0.links().count { $0.name != "lo" } } }

  private func links<R>(_ body: (LinkController) throws -> R) throws -> R {
    let links = try LinkController(in: node)
    defer { links.close() }
    return try body(links)
  }

  func journals() throws -> [String] { try listDirectory("\(directory)/faults") }
}

/// Looks until `condition` holds.
private func eventually(_ condition: () throws -> Bool) async throws -> Bool {
  let deadline = ContinuousClock.now + .seconds(10)
  while try !condition() {
    if ContinuousClock.now > deadline { return false }
    try await Task.sleep(for: .milliseconds(5))  // another process is at work, which sends no event
  }
  return true
}

/// The guardian as a process. What it decides is tested with the faults.
@Suite(.enabled(if: geteuid() == 0, "needs root for namespaces")) struct GuardianProcessTests {
  @Test func whatIsPromisedIsOnDiskAndWithAProcessOfItsOwnSession() async throws {
    try await Guarded.with { guarded in
      #expect(guarded.keeper.guardian == nil, "nothing is started before it is needed")
      #expect(try guarded.journals() == [])
      let ticket = try guarded.hold()
      let guardian = try #require(guarded.keeper.guardian)
      #expect(getsid(guardian.pid) == guardian.pid)
      #expect(target(ofLink: "/proc/\(guardian.pid)/cwd") == "/")
      let open = try listDirectory("/proc/\(guardian.pid)/fd").compactMap {
        target(ofLink: "/proc/\(guardian.pid)/fd/\($0)")
      }
      #expect(open.count { $0.hasPrefix("socket:") } == 1, "its connection to us: \(open)")
      let files = open.filter { $0.hasPrefix("/") && $0 != "/dev/null" }.sorted()
      let journal = "\(guarded.directory)/faults/\(try #require(try guarded.journals().first))/guardian-1.jsonl"
      #expect(files == ["/run/netns/\(try #require(guarded.node.name))", journal], "the node and its own journal")

      let listing = try #require(try UndoRecovery.list(stateDirectory: guarded.directory).first)
      #expect(listing.isHeld && listing.process.pid == getpid() && listing.items.map(\.fault) == ["slow"])
      let list = try await Blackstart.run(["recover", "--list", "--state", guarded.directory], in: guarded.directory)
      #expect(list.code == 0)
      #expect(list.output.hasPrefix("faults of run test: held by pid \(getpid())\n  fault slow on node n, namespace "))
      let recover = try await Blackstart.run(["recover", "--state", guarded.directory], in: guarded.directory)
      #expect(recover.output == "There was nothing to remove.\n", "what somebody answers for is left alone")
      #expect(try guarded.devices() == 1)

      try guarded.remove()
      guarded.keeper.settled(ticket)
      #expect(guarded.keeper.close() == [])
      #expect(!guardian.isAlive)
      #expect(try guarded.journals() == [])
      #expect(guarded.seen == [])
    }
  }

  @Test func signalsThatAreMeantForTheAgentDoNotEndIt() async throws {
    try await Guarded.with { guarded in
      _ = try guarded.hold()
      let guardian = try #require(guarded.keeper.guardian)
      for number in [SIGHUP, SIGINT, SIGQUIT, SIGTERM] { try guardian.send(number) }
      _ = try guarded.hold("two")  // it answers
      #expect(guarded.keeper.guardian == guardian)
      #expect(guarded.keeper.close() == [], "the guardian took back both")
      #expect(try guarded.devices() == 0)
      #expect(try guarded.journals() == [])
    }
  }

  @Test func aGuardianThatIsKilledIsReplacedAndItsSuccessorHasEverything() async throws {
    try await Guarded.with { guarded in
      _ = try guarded.hold("one")
      _ = try guarded.hold("two")
      let first = try #require(guarded.keeper.guardian)
      try first.send(Signal.kill)
      #expect(try await eventually { guarded.keeper.guardian.map { $0 != first } ?? false })
      #expect(guarded.seen == [.guardianReplaced("guardian number 2 has 2 records")])
      #expect(try guarded.devices() == 2, "nothing was taken back meanwhile")
      #expect(guarded.keeper.close() == [])
      #expect(try guarded.devices() == 0)
    }
  }

  /// One that is stopped could not keep its promise: it is ended and another one asked.
  @Test func aGuardianThatDoesNotAnswerGivesNoPromise() async throws {
    try await Guarded.with { guarded in
      try guarded.keeper.prepare()
      let first = try #require(guarded.keeper.guardian)
      try first.send(Signal.stop)
      let error = #expect(throws: UndoError.self) { try guarded.hold() }
      #expect(error?.description.contains("does not answer") == true)
      #expect(try guarded.devices() == 0)
      #expect(first.waitUntilGone(limit: .seconds(5)))
      _ = try guarded.hold()
      #expect(guarded.keeper.guardian != first)
    }
  }

  @Test func silenceIsTakenForTheEnd() async throws {
    try await Guarded.with { guarded in
      let kept = try guarded.hold("kept", milliseconds: 300)
      _ = try guarded.hold("silent", milliseconds: 300)
      guarded.keeper.prolong(kept, until: Timebase.system.monotonic() + 60_000_000_000)
      #expect(try await eventually { !guarded.seen.isEmpty })
      guard case .undoneByGuardian("silent", "n", let lines) = guarded.seen.first else {
        Issue.record("\(guarded.seen)")
        return
      }
      #expect(lines.count == 1 && lines[0].hasPrefix("removed ifb "))
      #expect(try guarded.devices() == 1)
      #expect(try UndoRecovery.list(stateDirectory: guarded.directory).first?.items.map(\.fault) == ["kept"])
    }
  }

  @Test func recoverTakesBackWhatADeadProcessLeft() async throws {
    try await Guarded.with { guarded in
      _ = try guarded.hold()
      // The same journal in the name of a process that never was.
      let own = try #require(try guarded.journals().first)
      try makeDirectory("\(guarded.directory)/dead/faults/test.4000000.7")
      try writeFile(
        "\(guarded.directory)/dead/faults/test.4000000.7/agent.jsonl",
        readFile("\(guarded.directory)/faults/\(own)/agent.jsonl"))
      let state = ["--state", "\(guarded.directory)/dead"]
      let list = try await Blackstart.run(["recover", "--list"] + state, in: guarded.directory)
      #expect(list.output.hasPrefix("faults of run test: abandoned by pid 4000000\n"), "\(list.output)")
      let recover = try await Blackstart.run(["recover"] + state, in: guarded.directory)
      #expect(recover.code == 0)
      #expect(recover.output.hasPrefix("removed ifb bs"), "\(recover.output)")
      #expect(try guarded.devices() == 0)
      let again = try await Blackstart.run(["recover"] + state, in: guarded.directory)
      #expect(again.output == "There was nothing to remove.\n")
    }
  }
}
