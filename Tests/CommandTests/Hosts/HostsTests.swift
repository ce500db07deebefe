import Faults
import Glibc
import Support
import Testing

/// Drills on hosts, through agents, with real traffic between them.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct HostsTests {
  /// Side by side, for they wait more than they work.
  @Test func faultsAreMadeMetAndRefused() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "aHostIsCutOffAndComesBack") { try await aHostIsCutOffAndComesBack() }
      group.addTask(name: "aFaultThatMeetsNothingIsTakenBack") { try await aFaultThatMeetsNothingIsTakenBack() }
      group.addTask(name: "latencyGoesThroughAgentsToo") { try await latencyGoesThroughAgentsToo() }
      group.addTask(name: "aHostWithoutAnAgentIsNamedBeforeAnythingIsArmed") {
        try await aHostWithoutAnAgentIsNamedBeforeAnythingIsArmed()
      }
      group.addTask(name: "aHostThatIsAControllerItselfIsNotDisturbed") {
        try await aHostThatIsAControllerItselfIsNotDisturbed()
      }
      try await group.waitForAll()
    }
  }

  /// Likewise.
  @Test func whoeverEndsOrHangsTheFaultsEnd() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "theEndOfTheControllerEndsTheFaults") { try await theEndOfTheControllerEndsTheFaults() }
      group.addTask(name: "aStoppedControllerIsTakenForGoneAndGivesUp") {
        try await aStoppedControllerIsTakenForGoneAndGivesUp()
      }
      group.addTask(name: "theLossOfAnAgentEndsTheDrillAndItsFaultIsVerifiedGone") {
        try await theLossOfAnAgentEndsTheDrillAndItsFaultIsVerifiedGone()
      }
      group.addTask(name: "theEndOfBothLeavesNothing") { try await theEndOfBothLeavesNothing() }
      group.addTask(name: "aStoppedAgentIsGivenUp") { try await aStoppedAgentIsGivenUp() }
      try await group.waitForAll()
    }
  }

  private func aHostIsCutOffAndComesBack() async throws {
    try await Hosts.with { hosts in
      let before = try hosts.nodes.map { try NodeSnapshot(of: $0) }
      let drill = try hosts.start(hosts.scenario())
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      let proven = try #require(try drill.journal.first { $0.type == "fault.proven" })
      #expect((proven.data["droppedPackets"]?.integer ?? 0) > 0)
      let states = try drill.journal.filter { $0.type == "steady.seen" }.compactMap { $0.data["state"]?.string }
      #expect(states.contains("broken") && states.last == "held", "\(states)")
      try await hosts.expectNothingLeft(within: .seconds(1))
      for (node, earlier) in zip(hosts.nodes, before) {
        #expect(try NodeSnapshot(of: node).difference(from: earlier) == [])
      }
    }
  }

  /// Nothing of the system's own traffic goes where the fault is: it could not be seen to bite, so it is no evidence.
  private func aFaultThatMeetsNothingIsTakenBack() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(fault: "fault: partition, region: east, from: [ap]"))
      let result = try await drill.started.result()
      #expect(result.code == 4, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("met no packet of the system under drill"))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func latencyGoesThroughAgentsToo() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(
        hosts.scenario(fault: "fault: network, region: east, from: [eu], in: { delay: 80ms }", for: "3s"))
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func theEndOfTheControllerEndsTheFaults() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try hosts.tables > 0)
      try drill.started.child.send(Signal.kill)
      try await hosts.expectNothingLeft(within: .seconds(3))
    }
  }

  private func aStoppedControllerIsTakenForGoneAndGivesUp() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      try drill.started.child.send(Signal.stop)
      try await hosts.expectNothingLeft(within: Hosts.lease + .seconds(1))
      try drill.started.child.send(Signal.resume)
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func theLossOfAnAgentEndsTheDrillAndItsFaultIsVerifiedGone() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "a", in: drill).send(Signal.kill))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("there is no agent of 'a'"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func theEndOfBothLeavesNothing() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      let agent = try await hosts.agent(of: "a", in: drill)
      try drill.started.child.send(Signal.kill)
      try agent.send(Signal.kill)
      try await hosts.expectNothingLeft(within: Hosts.lease + .seconds(1))
    }
  }

  /// An agent that hangs keeps no fault: its kernel ends it, and the drill gives the agent up.
  private func aStoppedAgentIsGivenUp() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(hosts.scenario(for: "60s"))
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "a", in: drill).send(Signal.stop))
      let result = try await drill.started.result()
      #expect([4, 6].contains(result.code), "\(result.code) \(result.output)\n\(result.errors)")
      try await hosts.expectNothingLeft(within: .seconds(2))
    }
  }

  private func aHostWithoutAnAgentIsNamedBeforeAnythingIsArmed() async throws {
    try await Hosts.with { hosts in
      let broken = hosts.scenario().replacing(
        "nsenter, --net=/run/netns/\(hosts.prefix)-c", with: "nsenter, --net=/nowhere")
      let result = try await hosts.start(broken).started.result()
      #expect(result.code == 4)
      #expect(result.errors.contains("host c") && result.errors.contains("/nowhere"))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// Whoever is reached from a host loses its answers by that host's own faults, whatever is exempt.
  private func aHostThatIsAControllerItselfIsNotDisturbed() async throws {
    try await Hosts.with { hosts in
      let added = try await hosts.run("/usr/sbin/ip", ["addr", "add", "10.77.0.9/24", "dev", "eth0"], on: "b")
      try #require(added.code == 0, "\(added.errors)")
      let drill = try hosts.start(hosts.scenario(controllers: ["10.77.0.9"]))
      let result = try await drill.started.result()
      #expect(result.code == 2, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host b: error: it has 10.77.0.9 itself"))
      #expect(try drill.journal.allSatisfy { $0.type != "fault.arming" })
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }
}
