import Agents
import Faults
import Glibc
import Netlink
import Support
import Testing

@Suite(.enabled(if: geteuid() == 0, "needs root for namespaces")) struct NamespaceAgentTests {
  private func withNamespace<R>(_ body: (NetworkNamespace) async throws -> R) async throws -> R {
    let name = "bst-\(getpid())-\(UInt32.random(in: 0...UInt32.max))"
    let namespace = try NetworkNamespace.create(named: name)
    defer { try? NetworkNamespace.delete(named: name) }
    return try await body(namespace)
  }

  private func fault(lease: Duration = .seconds(30)) -> Fault {
    Fault(
      id: "cut", run: "agents", node: "n", inbound: .drop, targets: .init(peers: [.v4(0x0A00_0001), .v6(1, 2)]),
      timing: .init(lease: lease, heartbeat: .milliseconds(300)))
  }

  @Test func requestsAndRepliesTravelAsBytes() async throws {
    try await withNamespace { namespace in
      let agent = try NamespaceAgent(node: "n", namespace: namespace) { _ in }
      for request: AgentRequest in [
        .clock, .profile, .snapshot, .arm(fault()), .count(fault: "cut"), .disarm(fault: "cut"),
        .remains(run: "agents"), .takeBack(run: "agents"),
      ] {
        let sent = try decodeJSON(AgentRequest.self, from: encodeJSON(request))
        #expect(sent == request)
        let reply = try await agent.perform(sent)
        #expect(try decodeJSON(AgentReply.self, from: encodeJSON(reply)) == reply)
      }
      let failure = await #expect(throws: FaultError.self) { try await agent.perform(.disarm(fault: "other")) }
      let carried = try decodeJSON(FaultError.self, from: encodeJSON(try #require(failure)))
      #expect(carried == failure)
      await agent.close()
    }
  }

  @Test func theCallsOfAnAgentAnswerWhatWasAsked() async throws {
    try await withNamespace { namespace in
      let agent: any Agent = try NamespaceAgent(node: "n", namespace: namespace) { _ in }
      let before = try await agent.snapshot()
      #expect(try await agent.arm(fault()).table == "inet bs_agents_cut")
      #expect(try await agent.counters(of: "cut").packets == 0)
      #expect(try await agent.disarm("cut").end == .disarmed)
      let left = try await agent.snapshot().difference(from: before)
      #expect(left == [])
    }
  }

  @Test func anAnswerToAnotherQuestionIsAnError() async {
    struct Confused: Agent {
      let node = "n"
      func perform(_ request: AgentRequest) async throws -> AgentReply { .counted(FaultCounters()) }
    }
    let failure = await #expect(throws: Problem.self) { try await Confused().snapshot() }
    #expect(failure?.what.contains("another question") == true)
  }

  @Test func holdFaultHoldsUntilItIsAskedToEnd() async throws {
    try await withNamespace { namespace in
      let outcome = try await holdFault(
        fault(), in: namespace,
        onArmed: { receipt in #expect(receipt.fault == "cut") },
        until: {
          let rules = try NodeSnapshot(of: namespace).rules
          #expect(rules.contains { $0.contains("bs_agents_cut") })
        })
      #expect(outcome.end == .disarmed)
      let left = try NodeSnapshot(of: namespace).rules
      #expect(left == [])
    }
  }

  @Test func holdFaultReturnsWhenTheLeaseEnds() async throws {
    try await withNamespace { namespace in
      let outcome = try await holdFault(
        fault(lease: .milliseconds(400)), in: namespace, onArmed: { _ in },
        until: { try? await Task.sleep(for: .seconds(60)) })  // cancelled by the end of the lease
      #expect(outcome.end == .leaseExpired)
      let left = try NodeSnapshot(of: namespace).rules
      #expect(left == [])
    }
  }

  @Test func holdFaultEndsTheFaultWhenTheWaitFails() async throws {
    struct Mine: Error {}
    try await withNamespace { namespace in
      await #expect(throws: Mine.self) {
        try await holdFault(fault(), in: namespace, onArmed: { _ in }, until: { throw Mine() })
      }
      let left = try NodeSnapshot(of: namespace).rules
      #expect(left == [])
    }
  }

  /// A node whose clock is wrong is found out, and one that is true is not accused.
  @Test func clocksOfNodesAreMeasured() async throws {
    struct Wrong: Agent {
      let node = "wrong"
      func perform(_ request: AgentRequest) async throws -> AgentReply {
        .clock(Timebase.system.wall() + 5_000_000_000)
      }
    }
    let wrong = try #require(try await Wrong().clockOffset())
    #expect(abs(wrong.offsetNanoseconds - 5_000_000_000) <= wrong.uncertaintyNanoseconds)
    #expect(wrong.isSurelyWrong)
    try await withNamespace { namespace in
      let agent = try NamespaceAgent(node: "n", namespace: namespace) { _ in }
      let honest = try #require(try await agent.clockOffset(samples: 4))
      #expect(honest.offsetNanoseconds.magnitude <= UInt64(honest.uncertaintyNanoseconds))
      #expect(honest.samples == 4)
      await agent.close()
    }
  }
}
