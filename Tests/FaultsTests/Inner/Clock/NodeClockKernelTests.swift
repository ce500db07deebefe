import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

/// Whether this is a guest kernel with a clock of its own. Nowhere else is a node's clock ever set by a test.
private let isGuest = getenv("BLACKSTART_GUEST").map { String(cString: $0) } == "uml"

/// The clock of a whole node, really set: in a guest kernel (scripts/test-kernels), never on the machine that runs the tests.
@Suite(.enabled(if: isGuest, "only in a guest kernel, whose clock is its own"), .serialized)
struct NodeClockKernelTests {
  /// How far the time of day got from the raw clock, which nothing reaches.
  private func gap() throws -> Int64 {
    let reading = try NodeClock().read().reading
    return reading.realtime - reading.raw
  }

  private func holder(_ keeper: PromiseLog) -> InnerFaultHolder {
    InnerFaultHolder(node: "guest", scope: ProcessScope(permitsNodeClock: true), undo: keeper) { _ in }
  }

  private func fault(_ change: NodeClockChange, lease: Duration = .seconds(60)) -> InnerFault {
    InnerFault(
      id: "clock", run: "test", node: "guest", effect: .nodeClock(change),
      timing: .init(lease: lease, heartbeat: .milliseconds(500)))
  }

  @Test(arguments: [
    NodeClockChange(offsetNanoseconds: 5_000_000_000), NodeClockChange(offsetNanoseconds: -3_600_250_000_000),
    NodeClockChange(offsetNanoseconds: 0, driftPartsPerBillion: 100_000_000),
    NodeClockChange(offsetNanoseconds: 0, driftPartsPerBillion: -200_000),
    NodeClockChange(offsetNanoseconds: 2_000_000, driftPartsPerBillion: 1_234_567),
  ])
  func aNodesClockIsSetAndRightAgain(change: NodeClockChange) async throws {
    let keeper = PromiseLog()
    let holder = holder(keeper)
    let rate = try NodeClock().read().reading.rate
    let before = try gap()
    let receipt = try await holder.arm(fault(change))
    let armed = try NodeClock().read().reading.raw
    #expect(receipt.evidence.count == 1)
    // 2 s by the raw clock: all others may run wrong.
    while try NodeClock().read().reading.raw < armed + 2_000_000_000 { usleep(20_000) }
    let expected = change.offsetNanoseconds + change.driftPartsPerBillion * 2
    let reached = try gap() - before
    // Arming itself took its time at the wrong rate.
    #expect((reached - expected).magnitude <= 20_000_000 + change.driftPartsPerBillion.magnitude / 2)
    let outcome = try await holder.disarm("clock")
    #expect(outcome.end == .disarmed)
    #expect(outcome.evidence?.count == 1)
    let left = try gap() - before
    print("after \(change): \(reached) ns ahead, \(left) ns left; \(outcome.evidence ?? [])")
    #expect(left.magnitude <= 1_000_000, "\(left) ns are left")
    #expect(try NodeClock().read().reading.rate == rate)
    #expect(keeper.all.count == 1)
    await holder.close()
  }

  /// The time of day is what another program sees, too; and a lease that ends brings it back.
  @Test func anotherProgramSeesItUntilTheLeaseEnds() async throws {
    let events = InnerEvents()
    let holder = InnerFaultHolder(
      node: "guest", scope: ProcessScope(permitsNodeClock: true), undo: PromiseLog()
    ) { events.add($0) }
    func date() async throws -> Int64 {
      let log = "/tmp/blackstart-date-\(getpid())"
      unlink(log)
      var request = ProcessRequest("/bin/date", ["+%s"])
      request.logPath = log
      _ = await (try ChildProcess(request)).wait()
      return Int64(String(decoding: try readFile(log).prefix { $0 != 10 }, as: UTF8.self)) ?? 0
    }
    let honest = try await date()
    _ = try await holder.arm(
      fault(NodeClockChange(offsetNanoseconds: 86_400_000_000_000), lease: .seconds(4)))
    #expect(try await date() - honest >= 86_400)
    #expect(try await eventually(within: .seconds(20)) { events.end != nil })
    #expect(events.end?.end == .leaseExpired)
    #expect(try await date() - honest < 3_600)
    await holder.close()
  }

  /// Whoever held it is gone, and so is the guardian: `recover` brings the clock back, whether the change was made or not.
  @Test(arguments: [true, false]) func recoverBringsItBack(isMade: Bool) async throws {
    try await UndoScratch.with { scratch in
      let before = try gap()
      let reading = try NodeClock().read().reading
      let rate = try #require(reading.rate.changed(byPartsPerBillion: 50_000_000))
      let undo = NodeClockUndo(before: reading, offset: 7_000_000_000, rate: rate)
      let record = UndoRecord(
        fault(NodeClockChange(offsetNanoseconds: 7_000_000_000, driftPartsPerBillion: 50_000_000)),
        actions: [.nodeClock(undo)])
      if isMade {
        try NodeClock().ask(undo.change)
        usleep(500_000)
        #expect(try gap() - before > 7_000_000_000)
      }
      _ = try scratch.forsaken([.planned(number: 1, record)])
      let said = try UndoRecovery.recover(stateDirectory: scratch.state)
      #expect(said.count == 1)
      #expect(said[0].hasPrefix(isMade ? "removed change of the node's clock" : "nothing to remove"), "\(said)")
      #expect((try gap() - before).magnitude <= 1_000_000)
      #expect(try NodeClock().read().reading.rate == reading.rate)
      #expect(try UndoRecovery.recover(stateDirectory: scratch.state) == [])
    }
  }

  /// A clock that somebody keeps is not touched.
  @Test func aClockThatIsKeptIsRefused() async throws {
    // As a time daemon would: status PLL, and not unsynchronized (ADJ_STATUS).
    var kept = Timex()
    kept.modes = Timex.Modes(rawValue: 0x10)
    kept.status = .steered
    try NodeClock().ask(kept)
    let holder = holder(PromiseLog())
    let refusal = await #expect(throws: FaultError.self) {
      try await holder.arm(fault(NodeClockChange(offsetNanoseconds: 5_000_000_000)))
    }
    kept.status = .unsynchronized
    try NodeClock().ask(kept)
    #expect("\(refusal.map { "\($0)" } ?? "")".contains("somebody keeps this node's clock"))
    await holder.close()
  }
}
