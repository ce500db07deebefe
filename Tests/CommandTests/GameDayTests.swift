import Glibc
import Support
import Testing

/// A game day: somebody sits at the terminal and confirms each step, somebody else decides from another process, and the drill asks
/// and tells real servers outside the lab.
@Suite("Game days", .serialized, .enabled(if: geteuid() == 0, "a drill needs root"))
struct GameDayTests {
  /// A short drill in which ap loses sight of east, with a probe of every kind, a runbook that two people decide about, and
  /// messages to a webhook. Nothing moves.
  private func scenario(port: UInt16) throws -> String {
    var text = String(decoding: try readFile(Blackstart.scenario), as: UTF8.self)
    let start = try #require(text.firstRange(of: "timeline:")).lowerBound
    let end = try #require(text.firstRange(of: "safety:")).lowerBound
    text = """
      \(text[..<start])secrets: { hook: { env: PATH } }
      probes:
        health: { http: { url: "http://127.0.0.1:\(port)/health" }, every: 300ms, expect: { contains: fine } }
        sick: { http: { url: "http://127.0.0.1:\(port)/sick" }, every: 300ms }
        queue: { prometheus: { url: "http://127.0.0.1:\(port)", query: "sum(up{job=\\"a\\"})" }, every: 300ms, expect: { min: 3 } }
        deaf: { prometheus: { url: "http://127.0.0.1:1", query: up }, every: 300ms, timeout: 500ms }
        program: { command: { argv: [cat, /proc/sys/kernel/hostname], region: ap }, every: 500ms }
        authority: { metric: { metric: leader, is: east } }
        store: { region: ap, tcp: { host: eu, port: 5432 }, every: 500ms }
        fence: { sql: { store: east, query: "select mode from es.fence" }, expect: { text: rw } }
      timeline:
        - { id: blind, at: 0s, for: 4s, fault: partition, region: ap, from: [east] }
      runbook:
        after: { fault: blind, state: begun }
        steps:
          - { id: look, decides: { person: ada }, do: { wait: { for: 100ms } }, verify: { probe: health }, timeout: 60s }
          - { id: tell, do: { http: { url: "http://127.0.0.1:\(port)/step", body: "${secret:hook}" } }, timeout: 10s }
      communications:
        - id: page
          due: 60s
          after: { fault: blind }
          audience: on call
          sink: { webhook: { url: "http://127.0.0.1:\(port)/hook", headers: { X-Key: "${secret:hook}" } } }
          text: "T+1: ${fact:faults}; ${fact:leader} writes"
        - { id: lost, due: 30s, after: { fault: blind }, sink: { webhook: { url: "http://127.0.0.1:\(port)/gone" } }, text: x }
      recovery: { within: 20s }
      checklist: [{ item: no-duplicates }, { item: write-authority-stays }]
      \(text[end...])
      """
    return text
  }

  private static let answer: @Sendable (TinyHTTPServer.Request) -> TinyHTTPServer.Answer = { request in
    switch request.target {
    case "/health": (200, "fine\n")
    case "/sick": (503, "no")
    case "/hook", "/step": (204, "")
    case "/gone": (410, "")
    default:
      request.target.hasPrefix("/api/v1/query?query=")
        ? (
          200,
          #"{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1700000000.1,"3.5"]}]}}"#
        ) : (404, "")
    }
  }

  @Test(
    "each step is confirmed at the terminal, one is decided by somebody else; probes and messages reach real servers")
  func gameDay() async throws {
    try await withDirectory("game") { directory in
      try await TinyHTTPServer.serving(Self.answer) { server in
        try writeFile("\(directory)/s.yaml", Array(try scenario(port: server.port).utf8))
        let terminal = try Terminal()
        let drill = try RunningDrill(
          in: directory, scenario: "s.yaml", arguments: ["--step", "--speed", "60"], input: terminal.program)
        // The lab is up before anybody is asked; then the fault, then the step that is ada's.
        try await drill.asked("arm blind: ")
        #expect(try !drill.journal.contains { $0.type == "fault.arming" })
        terminal.type("what?\n")
        try await drill.asked("Enter or q > ")
        terminal.type("\n")
        try await drill.until("runbook.step") { $0["step"]?.string == "look" && $0["state"]?.string == "approving" }
        let decision = try await Blackstart.run(["approve", "run", "look", "--by", "ada"], in: directory)
        #expect(decision.code == 0 && decision.output == "look: approved by ada\n", "\(decision)")
        try await drill.until("runbook.step") { $0["detail"]?.string == "approved by ada" }
        for step in ["look: wait", "tell: http"] {
          // The question of the step itself, and not the one about who decides.
          try await drill.asked("runbook step \(step)\n")
          terminal.type("yes\n")
        }
        let result = try await drill.started.result()
        // One message was refused and one probe never had data: not a PASS, and both are named.
        #expect(result.code == 7, "\(result.errors)\n\(result.output)")
        let conduct = try await verdict(of: drill)
        #expect(conduct["runbook"]?.kind == "pass")
        #expect(conduct["message page"]?.kind == "pass")
        #expect(conduct["message lost"]?.headline.contains("410") == true)
        #expect(conduct["probe deaf"]?.kind == "inconclusive")
        for probe in ["health", "queue", "program", "authority", "store", "fence"] {
          let seen = try #require(conduct["probe \(probe)"])
          #expect(
            seen.kind == "pass" && !seen.headline.hasPrefix("0 passed") && seen.headline.contains("0 failed"),
            "\(probe): \(seen)")
        }
        #expect(conduct["probe sick"]?.headline.hasPrefix("0 passed") == true)
        try expectRequests(server)
        let confirmed = try drill.journal.filter { $0.type == "step.confirmed" }.compactMap { $0.data["what"]?.string }
        #expect(confirmed.map { $0.prefix(12) } == ["arm blind: c", "runbook step", "runbook step"])
        // What the environment holds stands nowhere in the evidence.
        let secret = "/usr/sbin:/usr/bin:/sbin:/bin"
        for name in ["journal.jsonl", "plan.json", "verdict.json", "report.html", "junit.xml", "metrics.prom"] {
          #expect(
            try !String(decoding: readFile("\(drill.directory)/\(name)"), as: UTF8.self).contains(secret), "\(name)")
        }
        try drill.expectFaultsGone()
        try drill.expectNothingLeft()
        try await replays(drill, in: directory)
      }
    }
  }

  /// What the servers outside were really asked and told.
  private func expectRequests(_ server: TinyHTTPServer) throws {
    let requests = server.requests
    #expect(requests.contains { $0.method == "GET" && $0.target == "/health" })
    #expect(requests.contains { $0.target == "/api/v1/query?query=sum%28up%7Bjob%3D%22a%22%7D%29" })
    let hook = try #require(requests.first { $0.target == "/hook" })
    #expect(hook.method == "POST" && hook.body.contains("T+1: ") && hook.body.contains("east writes"), "\(hook)")
    #expect(hook.headers["x-key"] == "/usr/sbin:/usr/bin:/sbin:/bin")
    #expect(requests.count { $0.target == "/hook" } == 1)
    #expect(requests.contains { $0.target == "/step" && $0.body == "/usr/sbin:/usr/bin:/sbin:/bin" })
  }

  private struct Said { var kind: String, headline: String }

  private func verdict(of drill: RunningDrill) async throws -> [String: Said] {
    let verdict = try decodeJSON(JSONValue.self, from: readFile("\(drill.directory)/verdict.json"))
    let conduct = verdict["conduct"]?.array ?? []
    return Dictionary(
      conduct.compactMap { entry in
        guard let name = entry["name"]?.string, let kind = entry["kind"]?.string else { return nil }
        return (name, Said(kind: kind, headline: entry["headline"]?.string ?? ""))
      }, uniquingKeysWith: { $1 })
  }

  /// The same plan, the same seed; a person may say no to it, and then nothing is armed.
  private func replays(_ drill: RunningDrill, in directory: String) async throws {
    let terminal = try Terminal()
    let started = try Started(
      Blackstart.program,
      ["replay", "run", "--step", "--run-dir", "again", "--state", "\(directory)/state"], in: directory,
      input: terminal.program)
    let again = RunningDrill(directory: "\(directory)/again", state: "\(directory)/state", started: started)
    try await again.asked("arm blind: ")
    terminal.type("q\n")
    let result = try await started.result()
    #expect(result.code == 6, "\(result.errors)")
    #expect(result.errors.contains("stopped by the operator before: arm blind"))
    #expect(try readFile("\(directory)/again/plan.json") == readFile("\(drill.directory)/plan.json"))
    let seeds = try [drill, again].map { try $0.journal.first?.data["seed"]?.integer }
    #expect(seeds[0] != nil && seeds[0] == seeds[1])
    #expect(try !again.journal.contains { $0.type == "fault.arming" })
    try again.expectNothingLeft()
  }
}

/// A terminal that a test types into (pty(7)).
final class Terminal: Sendable {
  /// The end that the program reads from.
  let program: Int32
  private let person: Int32

  init() throws {
    person = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
    // TIOCSPTLCK and TIOCGPTN (ioctl_tty(2)): unlock it, and which one it is.
    var (lock, number): (Int32, Int32) = (0, 0)
    try #require(person >= 0 && ioctl(person, 0x4004_5431, &lock) == 0 && ioctl(person, 0x8004_5430, &number) == 0)
    program = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
    try #require(program >= 0)
  }

  deinit {
    close(program)
    close(person)
  }

  func type(_ text: String) {
    let bytes = Array(text.utf8)
    #expect(write(person, bytes, bytes.count) == bytes.count)
  }
}
