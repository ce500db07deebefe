import Support
import Synchronization
import Testing

@testable import Stacks

/// What an operator tells a control plane, from its socket to its decisions.
@Suite struct ControlPlaneOrderTests {
  typealias Tests = ControlPlaneMachineTests

  @Test func aWriterThatIsToldToStandDownGivesUpAndStaysDown() {
    var machine = Tests.writing(from: 0)
    #expect(machine.handle(.order(.standDown), at: Tests.second) == [.store(.demote(token: 40)), .etcd(.readLeader)])
    _ = machine.handle(.leader(.init(region: "east", token: 40, lease: 7)), at: Tests.second)
    // The store first, then the lease: others win only when it refuses all writes.
    #expect(machine.handle(.fence(Tests.fence(40, .readOnly)), at: 2 * Tests.second) == [.etcd(.revoke(lease: 7))])
    #expect(machine.handle(.revoked, at: 2 * Tests.second) == [.etcd(.readLeader)])
    #expect(machine.handle(.leader(nil), at: 2 * Tests.second).isEmpty)
    #expect(
      machine.handle(.order(.standBy), at: 3 * Tests.second) == [.store(.inspect), .etcd(.grantLease(seconds: 10))])
  }

  /// At whatever moment of a campaign it comes, no reign follows.
  @Test func aCampaignEndsWithoutAReign() {
    var machine = Tests.granting(at: 0)
    #expect(machine.handle(.order(.standDown), at: 1).isEmpty)
    #expect(machine.handle(.leaseGranted(EtcdLease(id: 7, seconds: 10)), at: 2) == [.etcd(.revoke(lease: 7))])

    machine = Tests.granting(at: 0)
    #expect(machine.handle(.leaseGranted(EtcdLease(id: 7, seconds: 10)), at: 1) == [.etcd(.campaign(lease: 7))])
    #expect(machine.handle(.order(.standDown), at: 2).isEmpty)
    // It had won by then: taken back before anything was written.
    #expect(machine.handle(.campaignWon(token: 40), at: 3) == [.store(.demote(token: 40))])
  }

  @Test func ordersComeAsLines() throws {
    for order in ControlPlaneOrder.allCases {
      #expect(ControlPlaneOrder(line: Array(try order.line.dropLast())) == order)
    }
    for wrong in ["", "{}", "stand-down", "{\"order\":\"die\"}"] {
      #expect(ControlPlaneOrder(line: Array(wrong.utf8)) == nil)
    }
  }

  /// Lines arrive whole and in order, whatever else goes over the socket; a reader that writes no line is let go.
  @Test func theServerHandsOnWhatReadersWrite() async throws {
    try await Servers.withDirectory { directory, _ in
      let lines = Mutex<[String]>([])
      let server = try LineServer(path: "\(directory)/s") { line in
        lines.withLock { $0.append(String(decoding: line, as: UTF8.self)) }
      }
      server.publish(Array("state".utf8))
      async let served: Void = onOwnThread("server") { server.serve() }
      let reader = try LineReader(path: "\(directory)/s")
      try reader.send(Array("on".utf8))
      try reader.send(Array("e\ntwo\n".utf8))
      try await give(.standBy, to: "\(directory)/s")
      let wake = try Wake()
      let deadline = Timebase.system.monotonic() + 10_000_000_000
      while lines.withLock({ $0.count }) < 3, Timebase.system.monotonic() < deadline {
        server.publish(Array("state".utf8))
        _ = reader.next(wake: wake, until: Timebase.system.monotonic() + 20_000_000, .system)
      }
      #expect(Set(lines.withLock { $0 }) == ["one", "two", "{\"order\":\"stand-by\"}"])
      let noisy = try LineReader(path: "\(directory)/s")
      try noisy.send([UInt8](repeating: 120, count: 5000))
      var isGone = false
      while !isGone, Timebase.system.monotonic() < deadline {
        if case .ended = noisy.next(wake: wake, until: Timebase.system.monotonic() + 100_000_000, .system) {
          isGone = true
        }
      }
      #expect(isGone)
      server.close()
      try await served
    }
  }
}
