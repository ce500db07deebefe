import Faults
import Glibc
import Support
import Testing

/// Probes that the agents of hosts ask, with real traffic between the hosts. The drill runs in a fourth place, from whose address no
/// fault keeps anything.
@Suite(.serialized, .enabled(if: geteuid() == 0, "needs root for namespaces")) struct ProbesFromHostsTests {
  private static let secret = "hush-4711"

  /// Side by side, for they wait more than they work.
  @Test func theyFeelFaultsAndSayWhyTheyDoNotAnswer() async throws {
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "cut") { try await aHostFeelsACutThatTheDrillDoesNot() }
      group.addTask(name: "own cut") { try await aHostThatIsCutOffSeesNothing() }
      group.addTask(name: "wrong expectation") { try await aWrongExpectationIsSeenBeforeAnythingIsArmed() }
      group.addTask(name: "silence") { try await anAgentThatHangsIsNoDataThatNamesItsHost() }
      group.addTask(name: "death") { try await theDeathOfTheAgentThatAsksEndsTheDrill() }
      try await group.waitForAll()
    }
  }

  private func answers(of probe: String, in drill: RunningDrill) throws -> [(sequence: Int, outcome: String)] {
    try drill.journal.enumerated().filter { $1.type == "probe.answered" && $1.data["probe"]?.string == probe }
      .map { ($0, $1.data["outcome"]?.string ?? "") }
  }

  private func place(of type: String, in drill: RunningDrill) throws -> Int {
    try #require(try drill.journal.firstIndex { $0.type == type }, "no \(type)")
  }

  private func aHostFeelsACutThatTheDrillDoesNot() async throws {
    try await Hosts.with { hosts in
      let scenario = hosts.scenario(
        asking: "host: b, tcp: { host: a, port: 8080 }", controllers: ["10.77.0.4"]
      ).replacing("probes:\n", with: "probes:\n  near: { tcp: { host: a, port: 8080 }, every: 250ms, timeout: 10s }\n")
      let drill = try hosts.start(scenario, on: "d")
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      let begun = try place(of: "fault.arming", in: drill)
      let ended = try place(of: "fault.gone", in: drill)
      let felt = try answers(of: "reached", in: drill)
      #expect(felt.contains { $0.sequence < begun && $0.outcome == "passed" }, "\(felt)")
      #expect(felt.contains { begun < $0.sequence && $0.sequence < ended && $0.outcome != "passed" }, "\(felt)")
      #expect(felt.last?.outcome == "passed", "\(felt)")
      // From the drill's own machine it was there all the time.
      #expect(try answers(of: "near", in: drill).map(\.outcome) == ["passed"])
      let near = try #require(
        try drill.journal.first { $0.type == "probe.summary" && $0.data["probe"]?.string == "near" })
      #expect(near.data["failed"]?.integer == 0 && near.data["withoutData"]?.integer == 0)
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// The host's own faults are not kept from what its agent asks, while the drill goes on speaking to that agent. What is asked is
  /// served by somebody who wants a secret and says it again; neither the host nor the drill keeps it anywhere.
  private func aHostThatIsCutOffSeesNothing() async throws {
    try await Hosts.with { hosts in
      try writeFile("\(hosts.directory)/secret", Array(Self.secret.utf8))
      try await serve(on: "a", of: hosts)
      let question = """
        host: b, http: { url: 'http://10.77.0.1:8082/', headers: { Authorization: 'Bearer ${secret:door}' } }, expect: { contains: come in }
        """
      let scenario = hosts.scenario(
        fault: "fault: partition, region: eu, from: all", asking: question, controllers: ["10.77.0.4"]
      ).replacing(
        "probes:\n",
        with: "secrets: { door: { file: '\(hosts.directory)/secret' } }\nprobes:\n")
      let drill = try hosts.start(scenario, on: "d")
      let result = try await drill.started.result()
      #expect(result.code == 0, "\(result.output)\n\(result.errors)")
      let felt = try drill.journal.filter { $0.type == "probe.answered" }
      let outcomes = felt.map { $0.data["outcome"]?.string }
      #expect(outcomes.contains("passed") && outcomes.contains("no-data") && outcomes.last == "passed", "\(outcomes)")
      let without = try #require(felt.first { $0.data["outcome"]?.string == "no-data" })
      #expect(without.data["what"]?.string?.hasPrefix("from b: ") == true, "\(without)")
      try drill.expectFaultsGone()
      for place in ["run", "own", "a", "b", "c"] { try expectNoSecret(in: "\(hosts.directory)/\(place)") }
      #expect(!(result.output + result.errors).contains(Self.secret))
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  private func aWrongExpectationIsSeenBeforeAnythingIsArmed() async throws {
    try await Hosts.with { hosts in
      try await serve(on: "a", of: hosts)
      let question = "host: b, http: { url: 'http://10.77.0.1:8082/' }, expect: { status: [200] }"
      // Without its secret nobody is let in.
      let drill = try hosts.start(hosts.scenario(asking: question, controllers: ["10.77.0.4"]), on: "d")
      let result = try await drill.started.result()
      #expect(result.code == 3, "\(result.output)\n\(result.errors)")
      let answered = try #require(try drill.journal.first { $0.type == "probe.answered" })
      #expect(answered.data["outcome"]?.string == "failed" && answered.data["what"]?.string == "status 403")
      #expect(try drill.journal.allSatisfy { $0.type != "fault.arming" })
      try await hosts.expectNothingLeft(within: .seconds(1))
    }
  }

  /// What is not heard of the host is neither passed nor failed.
  private func anAgentThatHangsIsNoDataThatNamesItsHost() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(
        hosts.scenario(for: "60s", asking: "host: c, tcp: { host: a, port: 8080 }", controllers: ["10.77.0.4"]), on: "d"
      )
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "c", in: drill).send(Signal.stop))
      let silent = try await drill.until("probe.answered") { $0["outcome"]?.string == "no-data" }
      let what = silent.data["what"]?.string ?? ""
      #expect(what.hasPrefix("from c: ") && what.contains("on c took longer than"), "\(what)")
      let result = try await drill.started.result()
      #expect([4, 6].contains(result.code), "\(result.code) \(result.output)\n\(result.errors)")
      let lost = try drill.journal.filter { $0.type == "host.lost" }.map { $0.data["node"]?.string }
      #expect(lost.allSatisfy { $0 == "c" })
      try await hosts.expectNothingLeft(within: .seconds(3), keepsJournals: true)
    }
  }

  private func theDeathOfTheAgentThatAsksEndsTheDrill() async throws {
    try await Hosts.with { hosts in
      let drill = try hosts.start(
        hosts.scenario(for: "60s", asking: "host: b, tcp: { host: a, port: 8080 }", controllers: ["10.77.0.4"]), on: "d"
      )
      try await drill.until("fault.proven")
      #expect(try await hosts.agent(of: "b", in: drill).send(Signal.kill))
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.output)\n\(result.errors)")
      #expect(result.errors.contains("there is no agent of 'b'"))
      try drill.expectFaultsGone()
      try await hosts.expectNothingLeft(within: .seconds(1), keepsJournals: true)
    }
  }

  /// A door on port 8082 of a host that opens to who knows the secret. It ends with the host.
  private func serve(on host: String, of hosts: Hosts) async throws {
    let program = """
      import http.server
      class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
          knows = self.headers.get("Authorization") == "Bearer \(Self.secret)"
          body = b"come in with \(Self.secret)" if knows else b"stay out"
          self.send_response(200 if knows else 403)
          self.send_header("Content-Length", str(len(body)))
          self.end_headers()
          self.wfile.write(body)
        def log_message(self, *_):
          pass
      http.server.ThreadingHTTPServer(("", 8082), Handler).serve_forever()

      """
    try writeFile("\(hosts.directory)/door.py", Array(program.utf8))
    // `-I -S`: nothing of this machine's own Python gets in.
    _ = try Started(
      "/usr/bin/nsenter",
      Array(hosts.enter(host).dropFirst()) + ["/usr/bin/python3", "-I", "-S", "\(hosts.directory)/door.py"],
      in: hosts.directory)
    let deadline = ContinuousClock.now + .seconds(20)
    while try await hosts.run("/usr/bin/curl", ["-s", "-m", "1", "http://127.0.0.1:8082/"], on: host).code != 0 {
      try #require(ContinuousClock.now < deadline, "port 8082 of \(host) does not answer")
      try await Task.sleep(for: .milliseconds(50))  // a program that starts tells nobody
    }
  }

  /// Looks into every file below a directory.
  private func expectNoSecret(in directory: String) throws {
    let secret = Array(Self.secret.utf8)
    for name in try listDirectory(directory) {
      let path = "\(directory)/\(name)"
      var status = stat()
      guard lstat(path, &status) == 0 else { continue }  // it has just ended
      if status.st_mode & S_IFMT == S_IFDIR { try expectNoSecret(in: path) }
      guard status.st_mode & S_IFMT == S_IFREG else { continue }
      #expect(try readFile(path).firstRange(of: secret) == nil, "\(path)")
    }
  }
}
