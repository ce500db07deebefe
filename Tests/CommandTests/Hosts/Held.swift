import Faults
import Glibc
import Support
import Testing

/// A drill that holds faults on the first host that leave something by nature: a device, and a stopped process.
struct Held: Sendable {
  let hosts: Hosts
  let drill: RunningDrill
  let agent: ProcessIdentity
  /// The stopped process.
  let program: Int32
  /// The host before the faults.
  let before: NodeSnapshot

  static func with(for hold: String = "60s", _ body: (Held) async throws -> Void) async throws {
    try await Hosts.with { hosts in try await on(hosts, for: hold, body) }
  }

  /// - Parameter more: other faults on the first host that are to be in force: their ids, and the rest of their entries.
  static func on(
    _ hosts: Hosts, for hold: String = "60s", with more: [String: String] = [:], _ body: (Held) async throws -> Void
  ) async throws {
    let program = try await Responder.start(on: "a", 1, of: hosts).untilAnswered().pid
    let before = try NodeSnapshot(of: hosts.nodes[0])
    let drill = try hosts.start(
      hosts.scenario(
        timeline: [
          "{ id: cut, at: 0s, for: \(hold), \(SecureShell.cut) }",
          "{ id: still, at: 0s, for: \(hold), fault: process, region: east, pid: \(program), action: pause, by: stop }",
        ] + more.map { "{ id: \($0), at: 0s, for: \(hold), \($1) }" }), on: "d")
    for fault in ["cut", "still"] + more.keys { try await drill.until("fault.proven") { $0["fault"]?.string == fault } }
    #expect(try Responder.state(of: program) == "T")
    #expect(try NodeSnapshot(of: hosts.nodes[0]).links.contains { $0.contains("kind ifb") })
    try await body(
      Held(
        hosts: hosts, drill: drill, agent: try await hosts.agent(of: "a", in: drill), program: program, before: before
      ))
  }

  /// The guardian of the first host.
  func guardian() throws -> ProcessIdentity {
    let found = inhabitants(of: hosts.nodes[0]).filter { process in
      // One that ends while we look has no command line.
      let bytes = (try? readFile("/proc/\(process.pid)/cmdline")) ?? []
      return bytes.split(separator: 0).dropFirst().first.map { String(decoding: $0, as: UTF8.self) } == "guardian"
    }
    #expect(found.count == 1)
    return try #require(found.first)
  }

  /// The short id of the run: the first part of the name of the directory that its agents note in what they have made.
  func run() throws -> String {
    let names = try listDirectory("\(hosts.directory)/a/faults")
    #expect(names.count == 1)
    return try #require(names.first?.split(separator: ".").dropLast(2).joined(separator: "."))
  }

  /// Kills both, so that neither has time to act for the other.
  ///
  /// - Parameter meanwhile: done while both stand still.
  func killAgentAndGuardian(_ meanwhile: () throws -> Void = {}) throws {
    let guardian = try guardian()
    for process in [guardian, agent] { #expect(try process.send(Signal.stop)) }
    try meanwhile()
    for process in [guardian, agent] { #expect(try process.send(Signal.kill)) }
  }

  /// Finds what both have left, as `recover --list` does, and takes it back, as `recover` does.
  func recover() async throws {
    #expect(try Responder.state(of: program) == "T")
    let state = "\(hosts.directory)/a"
    let list = try await hosts.run(Blackstart.program, ["recover", "--list", "--state", state], on: "a")
    for part in ["abandoned by", "fault cut on node a", "fault still on node a"] {
      #expect(list.output.contains(part), "\(list.output)\n\(list.errors)")
    }
    let recovered = try await hosts.run(Blackstart.program, ["recover", "--state", state], on: "a")
    #expect(recovered.code == 0, "\(recovered.output)\n\(recovered.errors)")
    try await expectAllAsBefore(within: .seconds(1))
    let nothing = try await hosts.run(Blackstart.program, ["recover", "--list", "--state", state], on: "a")
    #expect(nothing.output == "Nothing is held.\n")
  }

  /// Expects that within `limit` the host is as it was: no table, device, journal or process of ours, and nobody stopped.
  func expectAllAsBefore(within limit: Duration) async throws {
    let deadline = ContinuousClock.now + limit
    try await hosts.expectNothingLeft(within: limit, keepsJournals: true)
    while try Responder.state(of: program) == "T" || NodeSnapshot(of: hosts.nodes[0]) != before,
      ContinuousClock.now < deadline
    { try await Task.sleep(for: .milliseconds(20)) }  // nothing tells us of it
    #expect(try Responder.state(of: program) != "T")
    #expect(try NodeSnapshot(of: hosts.nodes[0]).difference(from: before) == [])
  }
}
