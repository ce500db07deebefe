import Faults
import Glibc
import Support
import Testing

/// Drills whose agents are reached through OpenSSH.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct SecureShellTests {
  private func drill(_ hosts: Hosts, _ shell: SecureShell, for hold: String = "60s") throws -> RunningDrill {
    try hosts.start(
      hosts.scenario(
        fault: SecureShell.cut, for: hold, controllers: [SecureShell.controller], reach: shell.reach), on: "d")
  }

  /// One whose probe a host asks, with its own packets: the cut is not between it and the drill.
  private func aHostAsks() async throws {
    try await SecureShell.with { hosts, shell in
      let drill = try hosts.start(
        hosts.scenario(
          fault: "fault: partition, region: east, from: [eu]", for: "3s",
          asking: "host: b, tcp: { host: a, port: 8080 }", controllers: [SecureShell.controller], reach: shell.reach),
        on: "d")
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      let outcomes = try drill.journal.filter { $0.type == "probe.answered" }.map { $0.data["outcome"]?.string }
      #expect(outcomes.first == "passed" && outcomes.contains("failed") && outcomes.last == "passed", "\(outcomes)")
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// Side by side, for they wait more than they work. Packets that are lost from one moment on are told to neither end: the host
  /// must help itself, and the drill says what it knows.
  @Test func connectionsHoldBreakFallSilentAndAreRefused() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "good") { try await aDrillPasses() }
      group.addTask(name: "asked from a host") { try await aHostAsks() }
      group.addTask(name: "client killed") { try await aClientIsKilled() }
      group.addTask(name: "session killed") { try await aSessionOnTheHostIsKilled() }
      group.addTask(name: "cut off for good") { try await aHostIsCutOffForGood() }
      group.addTask(name: "cut off for a while") { try await aHostIsCutOffForAWhile() }
      group.addTask(name: "from no controller") { try await aConnectionFromNoControllerIsRefused() }
      group.addTask(name: "greeting") { try await aShellThatGreetsIsShownWithItsGreeting() }
      try await group.waitForAll()
    }
  }

  private func aDrillPasses() async throws {
    try await SecureShell.with { hosts, shell in
      let drill = try drill(hosts, shell, for: "2s")
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      let peers = try drill.journal.filter { $0.type == "host.ready" }.map { $0.data["peer"]?.string }
      #expect(peers == Array(repeating: SecureShell.controller, count: 3))
      try await hosts.expectNothingLeft(within: .seconds(1))
      for host in ["a", "b", "c"] { #expect(try shell.clients(to: host).isEmpty) }
    }
  }

  /// A connection that a fault may cut could not end that fault. Where it comes from is found also when the agent's environment was
  /// emptied, as `sudo` does: by that of a parent, or where there is none but the server, by its connection.
  private func aConnectionFromNoControllerIsRefused() async throws {
    try await SecureShell.with { hosts, shell in
      for (name, words, rest) in [
        ("as-is", [], []), ("parent", ["env", "-i"], [";", "true"]), ("server", ["env", "-i"], []),
      ] {
        let scenario = hosts.scenario(
          fault: SecureShell.cut, controllers: ["10.77.0.99"],
          reach: { $0 == "a" ? shell.reach("a") + words : hosts.enter($0) }, after: { $0 == "a" ? rest : [] })
        let drill = try hosts.start(scenario, on: "d", name: name)
        let result = try await drill.started.result()
        #expect(result.code == 2, "\(name): \(result.output)\n\(result.errors)")
        #expect(result.errors.contains("host a: error: its agent is reached from \(SecureShell.controller)"))
        #expect(result.errors.contains("fix: add \(SecureShell.controller) to topology.inventory.controllers"))
        #expect(try drill.journal.allSatisfy { $0.type != "fault.arming" })
      }
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// What a start file writes stands before the first message.
  private func aShellThatGreetsIsShownWithItsGreeting() async throws {
    try await SecureShell.with { hosts, shell in
      try writeFile("\(shell.home("b"))/.bashrc", Array("echo Welcome to staging\n".utf8))
      let result = try await drill(hosts, shell).started.result()
      #expect(result.code == 4, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host b: ") && result.errors.contains("'Welcome to staging'"))
      #expect(result.errors.contains("a start file of the shell there"))
      // The others' agents may only just have begun.
      try await hosts.expectNothingLeft(within: .seconds(15))
    }
  }

  private func aClientIsKilled() async throws {
    try await SecureShell.with { hosts, shell in
      let drill = try drill(hosts, shell)
      try await drill.until("fault.proven")
      let client = try #require(try shell.clients(to: "a").first)
      #expect(try hosts.tables > 0)
      #expect(try client.send(Signal.kill))
      try await hosts.expectFaultsEnd(on: 0, within: Hosts.lease + .seconds(1))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host a: error: there is no agent of 'a'"))
      try drill.expectFaultsGone()
      try drill.expectEvidence()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// The server's process for one connection: the agent's input ends with it, so nothing waits for the lease.
  private func aSessionOnTheHostIsKilled() async throws {
    try await SecureShell.with { hosts, shell in
      let drill = try drill(hosts, shell)
      try await drill.until("fault.proven")
      let agent = try await hosts.agent(of: "a", in: drill)
      let session = try #require(try shell.process(above: agent) { $0.hasPrefix("sshd") })
      #expect(try hosts.tables > 0)
      #expect(try session.send(Signal.kill))
      try await hosts.expectFaultsEnd(on: 0, within: Hosts.lease - .seconds(1))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host a: error: there is no agent of 'a'"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func aHostIsCutOffForAWhile() async throws {
    try await SecureShell.with { hosts, shell in
      let scenario = hosts.scenario(
        fault: SecureShell.cut, for: "60s", controllers: [SecureShell.controller], reach: shell.reach)
      let drill = try hosts.start(
        scenario.replacing("probes:\n", with: "probes:\n  own: { host: a, tcp: { host: a, port: 8080 } }\n"), on: "d")
      try await drill.until("fault.proven")
      try await hosts.plug(false)
      // What it asks itself, and is told, does not come through: nothing is known of it.
      let own = try await drill.until("probe.answered") {
        $0["probe"]?.string == "own" && $0["outcome"]?.string == "no-data"
      }
      #expect(own.data["what"]?.string?.hasPrefix("from a: ") == true, "\(own)")
      try await hosts.expectFaultsEnd(on: 0, within: Hosts.lease + .seconds(1))
      try await drill.until("host.lost") { $0["node"]?.string == "a" }
      try await hosts.plug(true)
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("all faults are verified gone"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func aHostIsCutOffForGood() async throws {
    try await SecureShell.with { hosts, shell in
      let drill = try drill(hosts, shell)
      try await drill.until("fault.proven")
      try await hosts.plug(false)
      try await hosts.expectFaultsEnd(on: 0, within: Hosts.lease + .seconds(1))
      let result = try await drill.started.result()
      #expect(result.code == 5, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host a: error: there is no agent of 'a'"))
      #expect(result.errors.contains("on a: blackstart recover --list --state \(hosts.directory)/a"))
      // Several things could not be taken back, for one reason, which is told once.
      #expect(result.errors.contains("could not undo fault cut, agent of a: host a: error: "))
      // What is not known is not claimed, and what was seen before is kept.
      #expect(!result.errors.contains("verified gone") && !result.output.contains("verified gone"))
      try drill.expectEvidence()
      let records = try drill.journal
      #expect(records.allSatisfy { $0.type != "fault.gone" })
      #expect(records.last?.data["code"]?.integer == 5)
      // What it says to run there.
      let list = ["recover", "--list", "--state", "\(hosts.directory)/a"]
      let there = try await hosts.run(Blackstart.program, list, on: "a")
      #expect(there.code == 0, "\(there.output)\n\(there.errors)")
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }
}
