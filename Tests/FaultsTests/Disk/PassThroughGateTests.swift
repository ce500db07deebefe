import PassThrough
import Support
import Synchronization
import Testing

@testable import Faults

@Suite struct PassThroughGateTests {
  private let rules = [FileRule(operations: [.fsync], effect: .fail(.inputOutput))]

  /// A clock that a test moves by hand.
  private final class Hand: Sendable {
    let now = Mutex<Int64>(1_000)
    var timebase: Timebase { Timebase(monotonic: { self.now.withLock { $0 } }, wall: { 0 }) }
  }

  @Test func aFaultEndsWithItsLeaseAndStaysEnded() {
    let hand = Hand()
    let gate = PassThroughGate(timebase: hand.timebase)
    #expect(gate.pass(.fsync, bytes: 0) { [""] } == .perform)
    gate.arm("f", rules, seed: 1, until: 2_000)
    #expect(gate.pass(.fsync, bytes: 0) { [""] } == .fail(5))
    #expect(gate.prolong(until: 3_000))
    hand.now.withLock { $0 = 2_500 }
    #expect(gate.pass(.fsync, bytes: 0) { [""] } == .fail(5))
    hand.now.withLock { $0 = 3_000 }
    #expect(gate.pass(.fsync, bytes: 0) { [""] } == .perform)
    #expect(!gate.prolong(until: 9_000), "what lapsed is never made again")
    #expect(gate.snapshot.fault == "f" && !gate.snapshot.isInForce)
    #expect(gate.disarm().tallies[0].hit == 2)
    #expect(gate.snapshot.fault == nil)
  }

  @Test func noPathIsAskedForWhereNoRuleIsAboutTheOperation() {
    let gate = PassThroughGate(timebase: Hand().timebase)
    gate.arm("f", rules, seed: 1, until: 2_000)
    var isAsked = false
    _ = gate.pass(.read, bytes: 0) {
      isAsked = true
      return []
    }
    #expect(!isAsked)
  }

  @Test func metadataAreNotKeptWhileARuleIsAboutThem() {
    let gate = PassThroughGate(timebase: Hand().timebase)
    #expect(gate.keepsMetadata)
    gate.arm("f", [FileRule(operations: [.getattr], effect: .fail(.inputOutput))], seed: 1, until: 2_000)
    #expect(!gate.keepsMetadata)
    gate.arm("g", rules, seed: 1, until: 2_000)
    #expect(gate.keepsMetadata)
  }

  /// It would else wait for a minute.
  @Test func whoWaitsGoesOnAtOnceWhenTheFaultEnds() async throws {
    let gate = PassThroughGate(timebase: .system)
    let slow = FileRule(operations: [.fsync], effect: .latency(FileLatency(.seconds(60))))
    gate.arm("f", [slow], seed: 1, until: Timebase.system.monotonic() + 120_000_000_000)
    async let outcome = onOwnThread("waits") { gate.pass(.fsync, bytes: 0) { [""] } }
    #expect(try await eventually(within: .seconds(20)) { gate.snapshot.waiting == 1 })
    let begun = ContinuousClock.now
    #expect(gate.disarm().waiting == 1)
    #expect(try await outcome == .perform)
    #expect(ContinuousClock.now - begun < .seconds(20))
    #expect(gate.snapshot.waiting == 0)
  }
}
