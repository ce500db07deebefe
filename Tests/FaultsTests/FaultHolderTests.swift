import Glibc
import Netlink
import Support
import Testing

@testable import Faults

@Suite(.enabled(if: isRoot, "needs root for namespaces"), .serialized) struct FaultHolderTests {
  /// What a fault on `b` that drops packets from `a` leaves open.
  private func onlyBToA(_ from: String, _ to: String) -> Bool { from == "b" && to == "a" }

  @Test func aFaultCutsItsDirectionOnlyAndLeavesNothing() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, report: log.add)
      let probe = try wire.probe()
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      let before = try await holder.snapshot()

      let receipt = try await holder.arm(wire.deaf())
      #expect(receipt.armedAtNanoseconds >= receipt.sentAtNanoseconds)
      expectNothing(try await probe.measure().contradictions(isOpen: onlyBToA))
      let counters = try await holder.counters(of: "cut")
      #expect(counters.v4?.packets ?? 0 >= 3 && counters.v6?.packets ?? 0 >= 3)
      #expect(try await holder.snapshot().difference(from: before).isEmpty == false)

      let outcome = try await holder.disarm("cut")
      #expect(outcome.end == .disarmed)
      #expect(outcome.provenFromNanoseconds == receipt.armedAtNanoseconds)
      #expect(outcome.provenUntilNanoseconds > outcome.provenFromNanoseconds)
      #expect(outcome.counters.packets >= counters.packets)
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      let left = try await holder.snapshot().difference(from: before)
      #expect(left == [])
      #expect(try await holder.disarm("cut") == outcome, "asking again gives the same answer")
      #expect(log.outcomes == [outcome])
      await holder.close()
    }
  }

  @Test func anEstablishedConnectionStallsAndGoesOn() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let stream = try Stream(from: wire.a, to: wire.b, at: wire.addressesB[0])
      #expect(stream.passes("one", withinMilliseconds: 1000))
      _ = try await holder.arm(wire.deaf())
      #expect(!stream.passes("two", withinMilliseconds: 150))
      _ = try await holder.disarm("cut")
      #expect(stream.receives(withinMilliseconds: 3000), "TCP repeats what was dropped; no error reached either end")
    }
  }

  @Test(arguments: [CompiledFault.RefreshMethod.expiration, .replacement])
  func heartbeatsKeepAFaultAliveBeyondItsSilence(_ method: CompiledFault.RefreshMethod) async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, refresh: method, report: log.add)
      let probe = try wire.probe()
      _ = try await holder.arm(wire.deaf(heartbeat: .milliseconds(150)))
      for _ in 0..<6 {
        expectNothing(try await probe.measure().contradictions(isOpen: onlyBToA))
      }
      let outcome = try await holder.disarm("cut")
      #expect(outcome.end == .disarmed)
      #expect(outcome.provenUntilNanoseconds - outcome.provenFromNanoseconds > 900_000_000, "the silence is 450 ms")
      let bites = log.all.filter { if case .biting = $0.kind { true } else { false } }
      #expect(bites.count == 1, "the first bite is reported, once")
    }
  }

  /// The kernel's release says from which version on it must be so; the probe asks the kernel itself.
  @Test func theProbeFindsTheWayThatThisKernelHas() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let found = try await holder.arm(wire.deaf()).refresh
      var name = utsname()
      uname(&name)
      let release = withUnsafeBytes(of: name.release) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let version = release.split(whereSeparator: { !$0.isNumber }).prefix(2).compactMap { Int($0) }
      #expect(found == (version.lexicographicallyPrecedes([6, 12]) ? .replacement : .expiration))
    }
  }

  @Test func tablesOfThisToolAreFoundWhoeverHoldsThem() async throws {
    try await Wire.with { wire in
      #expect(try Fault.tables(in: wire.b).isEmpty)
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      #expect(try Fault.tables(in: wire.b).isEmpty)
      _ = try await holder.arm(wire.deaf())
      let found = try Fault.tables(in: wire.b)
      #expect(found.map(\.id.name) == ["bs_test_cut"] && found.first?.owner != nil)
      await holder.close()
      #expect(try Fault.tables(in: wire.b).isEmpty)
    }
  }

  /// A holder that hangs: the kernel lets the fault go, and the holder, when it comes back, does not take it up again.
  @Test func aHungHolderLosesItsFaultAndSaysSince() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, report: log.add)
      let probe = try wire.probe()
      let receipt = try await holder.arm(wire.deaf(heartbeat: .milliseconds(200)))
      let hung = Task { try await holder.thread.run { _ in _ = usleep(1_400_000) } }
      expectNothing(try await probe.measure(.init(tries: 1)).contradictions(isOpen: onlyBToA))
      try await Task.sleep(for: .milliseconds(600))  // the silence that the kernel waits for
      expectNothing(try await probe.measure(.init(tries: 1)).contradictions { _, _ in true })
      try await hung.value
      let outcome = try await holder.disarm("cut")
      #expect(outcome.end == .lapsed)
      let force = outcome.provenUntilNanoseconds - receipt.sentAtNanoseconds
      #expect((500_000_000...600_000_000).contains(force), "claimed for \(force) ns, with 600 ms of silence")
      #expect(log.outcomes == [outcome])
      expectNothing(try await probe.measure().contradictions { _, _ in true })
    }
  }

  @Test func theLeaseEndsAFaultWhateverTheHeartbeats() async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, report: log.add)
      let probe = try wire.probe()
      _ = try await holder.arm(wire.deaf(lease: .milliseconds(700), heartbeat: .milliseconds(250)))
      expectNothing(try await probe.measure(.init(tries: 1)).contradictions(isOpen: onlyBToA))
      try await Task.sleep(for: .milliseconds(800))  // the lease
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      #expect(log.outcomes.map(\.end) == [.leaseExpired])
      #expect(try await holder.disarm("cut").end == .leaseExpired)
    }
  }

  /// The death of a process closes its sockets; the rest is the kernel's work.
  @Test func theEndOfTheOwnersSocketEndsTheFault() async throws {
    try await Wire.with { wire in
      let probe = try wire.probe()
      let owner = try NFTables.Connection(in: wire.b)
      try owner.commit(wire.deaf(lease: .seconds(60)).compile().arm(lifeMilliseconds: 60_000))
      expectNothing(try await probe.measure().contradictions(isOpen: onlyBToA))
      owner.close()
      expectNothing(try await probe.measure().contradictions { _, _ in true })
      expectNothing(try NodeSnapshot(of: wire.b).rules)
    }
  }

  @Test(arguments: [true, false])
  func aFaultThatSomebodyRemovedIsReportedAndNotClaimed(_ wholeTable: Bool) async throws {
    try await Wire.with { wire in
      let log = EventLog()
      let holder = try FaultHolder(node: "b", namespace: wire.b, report: log.add)
      let fault = wire.deaf(heartbeat: .milliseconds(50))
      let receipt = try await holder.arm(fault)
      let table = try #require(fault.compile().tables.first).id
      let change: NFTables.Command =
        wholeTable ? .deleteTable(table) : .deleteElements(table, set: "peers_v4", [wire.addressesA[0]])
      // Only through the socket that owns the table can this be done at all.
      try await holder.thread.run { try $0.connection.commit(.init([change])) }
      let removed = Timebase.system.monotonic()
      try await Task.sleep(for: .milliseconds(200))  // some heartbeats
      let outcome = try await holder.disarm("cut")
      guard case .vanished(let what) = outcome.end else {
        Issue.record("\(outcome)")
        return
      }
      #expect(
        what
          == (wholeTable
            ? "table inet bs_test_cut or its rules" : "1 of 1 elements in set peers_v4 of table inet bs_test_cut"))
      #expect(outcome.provenUntilNanoseconds <= removed)
      #expect(outcome.provenUntilNanoseconds >= receipt.armedAtNanoseconds)
      #expect(log.outcomes == [outcome])
      #expect(try await holder.snapshot().rules == [], "what was left of it is gone")
    }
  }

  @Test func strangersTablesAreLeftAloneAndOursCannotBeTouched() async throws {
    try await Wire.with { wire in
      let stranger = try NFTables.Connection(in: wire.b)
      let foreign = NFTables.TableID(.inet, "filter")
      try stranger.commit(
        .init([
          .addTable(foreign, flags: []), .addChain(foreign, name: "input", hook: .input, priority: 0),
          .addRule(foreign, chain: "input", [.counter]),
        ]))
      let before = try NodeSnapshot(of: wire.b)
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      expectNothing(try NodeSnapshot(of: wire.b).difference(from: before))
      _ = try await holder.arm(wire.deaf())
      let refused = #expect(throws: NetlinkError.self) {
        try stranger.commit(wire.deaf().compile().disarm)
      }
      #expect(refused?.errno == EPERM)
      _ = try await holder.disarm("cut")
      expectNothing(try NodeSnapshot(of: wire.b).difference(from: before))
    }
  }

  @Test func aTableOfThatNameIsNotTakenOver() async throws {
    try await Wire.with { wire in
      let stranger = try NFTables.Connection(in: wire.b)
      try stranger.commit(.init([.addTable(.init(.inet, "bs_test_cut"), flags: [])]))
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let failure = await #expect(throws: FaultError.self) { try await holder.arm(wire.deaf()) }
      guard case .kernel(let cause) = failure?.reason else {
        Issue.record("\(String(describing: failure))")
        return
      }
      #expect(cause.errno == EEXIST)
      #expect(cause.object == .table("bs_test_cut"))
      #expect(try stranger.tables().count == 1)
    }
  }

  @Test func mistakesOfTheCallerAreNamed() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      _ = try await holder.arm(wire.deaf())
      #expect(await #expect(throws: FaultError.self) { try await holder.arm(wire.deaf()) }?.reason == .alreadyHeld)
      #expect(await #expect(throws: FaultError.self) { try await holder.disarm("other") }?.reason == .notHeld)
      #expect(await #expect(throws: FaultError.self) { try await holder.counters(of: "other") }?.reason == .notHeld)
      var elsewhere = wire.deaf("elsewhere")
      elsewhere.node = "a"
      let failure = await #expect(throws: FaultError.self) { try await holder.arm(elsewhere) }
      #expect(failure?.description.contains("meant for node \"a\"") == true)
      await holder.close()
      expectNothing(try NodeSnapshot(of: wire.b).rules)
      #expect(await #expect(throws: FaultError.self) { try await holder.arm(wire.deaf("late")) }?.reason == .closed)
    }
  }

  @Test func severalFaultsOfOneNodeAreIndependent() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let probe = try wire.probe()
      _ = try await holder.arm(wire.deaf("one", heartbeat: .milliseconds(50)))
      _ = try await holder.arm(wire.deaf("two"))
      _ = try await holder.disarm("one")
      expectNothing(try await probe.measure().contradictions(isOpen: onlyBToA))
      #expect(try await holder.disarm("two").end == .disarmed)
      expectNothing(try await probe.measure().contradictions { _, _ in true })
    }
  }

  @Test func aHundredThousandPeersAreCutKeptAndReleased() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      let probe = try wire.probe()
      let crowd = (0..<100_000).map { IPAddress.v4(0x0B00_0000 + UInt32($0)) }
      let fault = wire.deaf(lease: .seconds(60), heartbeat: .seconds(5), extraPeers: crowd)
      _ = try await holder.arm(fault)
      expectNothing(try await probe.measure().contradictions(isOpen: onlyBToA))
      #expect(try await holder.disarm("cut").end == .disarmed)
      expectNothing(try await probe.measure().contradictions { _, _ in true })
    }
  }

  @Test func aFaultOutlivesTheNameOfItsNamespaceAndIsStillEnded() async throws {
    try await Wire.with { wire in
      let holder = try FaultHolder(node: "b", namespace: wire.b) { _ in }
      _ = try await holder.arm(wire.deaf())
      try NetworkNamespace.delete(named: #require(wire.b.name))
      #expect(try await holder.disarm("cut").end == .disarmed)
    }
  }
}

@Suite(.enabled(if: isRoot, "needs root for namespaces")) struct ReachabilityProbeTests {
  @Test func aLinkThatIsDownIsUnknownAndNotClosed() async throws {
    try await Wire.with { wire in
      let probe = try wire.probe()
      try LinkController(in: wire.a).setDown("wire")
      let found = try await probe.measure(.init(tries: 1, patience: .milliseconds(10)))
      let path = try #require(found.path(from: "a", to: "b", .v4))
      #expect(path.state == .unknown && path.refused == 1 && path.errno == ENETUNREACH)
      #expect(found.contradictions { _, _ in false }.contains { $0.contains("expected closed, is unknown") })
    }
  }

  @Test func anAddressThatIsNotThereIsRefusedAtOnce() async throws {
    try await Wire.with { wire in
      let failure = #expect(throws: SystemError.self) {
        try ReachabilityProbe([.init("a", namespace: wire.a, addresses: [.v4(0x0102_0304)])])
      }
      #expect(failure?.number == EADDRNOTAVAIL)
    }
  }
}
