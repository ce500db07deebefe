import Faults
import Glibc
import Support
import Testing

/// Faults inside hosts, through their agents.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct InnerOnHostsTests {
  private static let question = "http: { method: GET, url: \"http://10.77.0.1:8081/\" }"

  /// Side by side, for they wait more than they work.
  @Test func programsAreChosenAndWhateverIsKilledNothingIsLeft() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "chosen") { try await aProgramIsChosenOnItsOwnHost() }
      group.addTask(name: "not chosen") { try await whatIsOnAnotherHostIsRefused() }
      group.addTask(name: "guardian") { try await theGuardianIsKilled() }
      group.addTask(name: "agent and controller") { try await agentAndControllerAreKilled() }
      group.addTask(name: "all three") { try await allThreeAreKilled() }
      try await group.waitForAll()
    }
  }

  /// Two hosts have the same program on one port: only that of the host is met, by each of three faults one after the other.
  private func aProgramIsChosenOnItsOwnHost() async throws {
    try await Hosts.with { hosts in
      let met = try await Responder.start(on: "a", 1, of: hosts)
      let spared = try await Responder.start(on: "b", 2, of: hosts)
      let (first, other) = (try await met.untilAnswered().pid, try await spared.untilAnswered().pid)
      let drill = try hosts.start(
        hosts.scenario(
          timeline: [
            "{ id: still, at: 0s, for: 1500ms, fault: process, region: east, port: 8081, action: pause }",
            "{ id: wrong, at: 2s, for: 2s, fault: clock, region: east, port: 8081, offset: 1h }",
            "{ id: gone, at: 4500ms, for: 500ms, fault: process, region: east, name: python3, action: kill }",
          ], asking: Self.question))
      try await proven("still", drill)
      #expect(try Responder.state(of: first) == "t")
      #expect(!["t", "T"].contains(try Responder.state(of: other)))
      try await proven("wrong", drill)
      let (late, right) = (try #require(try await met.ask()), try #require(try await spared.ask()))
      #expect(abs(late.time - 3600 - wallSeconds()) < 5 && late.pid == first)
      #expect(abs(right.time - wallSeconds()) < 5)
      try await drill.until("fault.gone") { $0["fault"]?.string == "wrong" }
      #expect(abs(try await met.untilAnswered().time - wallSeconds()) < 5)
      try await proven("gone", drill)
      #expect(try await met.untilAnswered().pid != first)
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      // What was armed says whom it meets, by number and on one host.
      let objects = try drill.journal.filter { $0.type == "fault.arming" }.compactMap { $0.data["objects"] }
      #expect(
        objects.count == 3 && objects.allSatisfy { "\($0)".contains("\(first)") && !"\($0)".contains("\(other)") })
      #expect(try await spared.ask()?.pid == other)
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// A program on another host is none of this one's, however it is chosen.
  private func whatIsOnAnotherHostIsRefused() async throws {
    try await Hosts.with { hosts in
      let other = try await Responder.start(on: "b", 2, of: hosts).untilAnswered().pid
      try await withThrowingTaskGroup(of: Void.self) { group in
        for (name, choice, why) in [
          ("port", "port: 8081", "there is no such process"), ("pid", "pid: \(other)", "is not a process of this node"),
        ] {
          group.addTask(name: "by \(name)") {
            let entry = "{ id: still, at: 0s, for: 1s, fault: process, region: east, \(choice), action: pause }"
            let result = try await hosts.start(hosts.scenario(timeline: [entry]), name: name).started.result()
            #expect(result.code == 4, "\(result.output)\n\(result.errors)")
            #expect(result.errors.contains(why), "\(result.errors)")
          }
        }
        try await group.waitForAll()
      }
      #expect(!["t", "T"].contains(try Responder.state(of: other)))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func theGuardianIsKilled() async throws {
    try await Held.with(for: "3s") { held in
      #expect(try held.guardian().send(Signal.kill))
      let result = try await held.drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      let notes = try held.drill.journal.filter { $0.type == "guardian.noted" }.compactMap { $0.data["what"]?.string }
      #expect(!notes.isEmpty, "nobody noted the guardian's end")
      try held.drill.expectFaultsGone()
      try await held.expectAllAsBefore(within: .seconds(1))
    }
  }

  private func agentAndControllerAreKilled() async throws {
    try await Held.with { held in
      try held.drill.started.child.send(Signal.kill)
      #expect(try held.agent.send(Signal.kill))
      try await held.expectAllAsBefore(within: Hosts.lease + .seconds(1))
    }
  }

  private func allThreeAreKilled() async throws {
    try await Held.with { held in
      // Not killed first: the agent would hear of it and begin to take back.
      try held.drill.started.child.send(Signal.stop)
      try held.killAgentAndGuardian()
      try held.drill.started.child.send(Signal.kill)
      try await held.hosts.expectFaultsEnd(on: 0, within: .seconds(1))
      try await held.recover()
    }
  }

  private func proven(_ fault: String, _ drill: RunningDrill) async throws {
    try await drill.until("fault.proven") { $0["fault"]?.string == fault }
  }
}
