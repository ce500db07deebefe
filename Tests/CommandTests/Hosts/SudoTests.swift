import Faults
import Glibc
import Support
import Testing

/// Drills whose agents are reached as the documents say: `[ssh, HOST, sudo, -n, blackstart, agent]`, as a user who is not root.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct SudoTests {
  private static let user = "drill"

  private func drill(_ hosts: Hosts, _ shell: SecureShell, for hold: String = "60s") throws -> RunningDrill {
    try hosts.start(
      hosts.scenario(
        fault: SecureShell.cut, for: hold, controllers: [SecureShell.controller], reach: shell.reach), on: "d")
  }

  /// Side by side, for they wait more than they work.
  @Test func agentsAreRootWhereNobodyIsAsked() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "good") { try await aDrillPasses() }
      group.addTask(name: "password") { try await aQuestionForAPasswordIsShown() }
      try await group.waitForAll()
    }
  }

  /// Likewise.
  @Test func faultsEndWithWhoeverStartedTheirAgent() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "client") { try await isKilled { _, shell in try shell.clients(to: "a").first } }
      group.addTask(name: "session") {
        try await isKilled { agent, shell in try shell.process(above: agent) { $0.hasPrefix("sshd") } }
      }
      group.addTask(name: "sudo") {
        try await isKilled { agent, shell in try shell.process(above: agent) { $0 == "sudo" } }
      }
      try await group.waitForAll()
    }
  }

  /// `sudo` takes `SSH_CONNECTION` away; where the agent is reached from is found all the same.
  private func aDrillPasses() async throws {
    try await SecureShell.with(user: Self.user) { hosts, shell in
      let drill = try drill(hosts, shell, for: "2s")
      let agent = try await hosts.agent(of: "a", in: drill)
      let environment = String(decoding: try readFile("/proc/\(agent.pid)/environ"), as: UTF8.self)
      #expect(environment.contains("SUDO_USER=\(Self.user)\0") && !environment.contains("SSH_CONNECTION"))
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      try drill.expectFaultsGone()
      let peers = try drill.journal.filter { $0.type == "host.ready" }.map { $0.data["peer"]?.string }
      #expect(peers == Array(repeating: SecureShell.controller, count: 3))
      try await hosts.expectNothingLeft(within: .seconds(1))
      for host in ["a", "b", "c"] { #expect(try shell.clients(to: host).isEmpty) }
    }
  }

  private func aQuestionForAPasswordIsShown() async throws {
    try await SecureShell.with(user: Self.user, asking: "b") { hosts, shell in
      let drill = try drill(hosts, shell)
      let result = try await drill.started.result()
      #expect(result.code == 4, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host b: "), "\(result.errors)")
      #expect(result.errors.contains("it said: sudo: a password is required"), "\(result.errors)")
      #expect(try drill.journal.allSatisfy { $0.type != "fault.arming" })
      // The others' agents may only just have begun.
      try await hosts.expectNothingLeft(within: .seconds(15))
    }
  }

  /// Whoever of those between drill and agent ends: the agent's input ends with it.
  private func isKilled(
    _ victim: (ProcessIdentity, SecureShell) throws -> ProcessIdentity?
  ) async throws {
    try await SecureShell.with(user: Self.user) { hosts, shell in
      let drill = try drill(hosts, shell)
      try await drill.until("fault.proven")
      let agent = try await hosts.agent(of: "a", in: drill)
      #expect(try hosts.tables > 0)
      #expect(try #require(try victim(agent, shell)).send(Signal.kill))
      try await hosts.expectFaultsEnd(on: 0, within: Hosts.lease - .seconds(1))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("host a: error: there is no agent of 'a'"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }
}
