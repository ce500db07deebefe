import Agents
import Glibc
import Netlink
import Scenarios
import Support
import Synchronization
import Testing

@testable import Drill

/// Probes that are asked from hosts: what their agents are asked, and what counts as an answer.
@Suite struct AskFromHostTests {
  /// An agent that is asked and says what it was told to say.
  private final class Scripted: Agent {
    let node = "b"
    private let says: @Sendable (Int) throws -> HostTold
    private let questions = Mutex<[HostQuestion]>([])

    init(_ says: @escaping @Sendable (Int) throws -> HostTold) { self.says = says }

    var asked: [HostQuestion] { questions.withLock { $0 } }

    func perform(_ request: AgentRequest) async throws -> AgentReply {
      guard case .ask(let question) = request else { throw AgentFailure.other("it is asked for something else") }
      let count = questions.withLock { questions in
        questions.append(question)
        return questions.count
      }
      return .told(try says(count))
    }
  }

  private static let topology = Topology(
    ground: .inventory, regions: [Region(name: "east", roles: []), Region(name: "eu", roles: [])],
    hosts: [
      Host(name: "a", region: "east", roles: [], addresses: ["10.0.0.1", "fd00::1"], agent: ["x"]),
      Host(name: "b", region: "eu", roles: [], addresses: ["10.0.0.2"], agent: ["x"]),
    ])

  private func asker(_ agent: Scripted, _ secrets: [Secret] = []) -> HostAsker {
    HostAsker(site: Site(Self.topology), agents: ["b": agent], secrets: Secrets(secrets))
  }

  private func probe(_ question: ProbeQuestion, _ expect: ProbeExpectation = ProbeExpectation()) -> Probe {
    Probe(
      name: "p", host: "b", every: .seconds(1), timeout: .milliseconds(700), question: question, expect: expect)
  }

  private func http(_ expect: ProbeExpectation = ProbeExpectation()) -> Probe {
    probe(.http(HTTPCall(url: Template("http://10.0.0.1/"))), expect)
  }

  private let tcp = ProbeQuestion.tcp(TCPEndpoint(host: "a", port: 80))

  @Test func theNameOfAHostIsItsFirstAddressAndOthersAreNotLookedUp() async throws {
    let agent = Scripted { _ in .connected }
    let asker = asker(agent)
    #expect(try await asker.ask(probe(tcp), from: "b") == .yes("connected"))
    #expect(try await asker.ask(probe(.tcp(TCPEndpoint(host: "fd00::9", port: 1))), from: "b") == .yes("connected"))
    #expect(
      agent.asked == [
        HostQuestion(.tcp(try #require(IPAddress("10.0.0.1")), port: 80), within: .milliseconds(700)),
        HostQuestion(.tcp(try #require(IPAddress("fd00::9")), port: 1), within: .milliseconds(700)),
      ])
    let error = await #expect(throws: Problem.self) {
      try await asker.ask(probe(.tcp(TCPEndpoint(host: "db.example.org", port: 1))), from: "b")
    }
    #expect(error?.what.contains("names are not looked up") == true && agent.asked.count == 2)
  }

  /// What is refused is an answer; what is not told is none, and says from where and why.
  @Test func whatAHostWasToldIsJudgedAsIfItWereAskedFromHere() async throws {
    func told(_ what: HostTold, _ probe: Probe) async throws -> ProbeAnswer {
      probe.expect.judge(try await asker(Scripted { _ in what }).ask(probe, from: "b"))
    }
    #expect(try await told(.refused("Connection refused"), probe(tcp)) == .failed("Connection refused"))
    #expect(try await told(.nothing("Timeout was reached"), http()) == .noData("from b: Timeout was reached"))
    let whole = HostTold.answered(status: 200, beginning: "all ok", sentBytes: 6, ofBytes: 6)
    #expect(try await told(whole, http(ProbeExpectation(contains: "ok"))) == .passed("all ok"))
    #expect(try await told(whole, http(ProbeExpectation(contains: "no"))) == .failed("'all ok' does not contain 'no'"))
    #expect(try await told(whole, http(ProbeExpectation(status: [503]))) == .failed("status 200"))
  }

  /// Of a body that is not sent to its end, nothing is claimed that its end could change.
  @Test func theBeginningOfABodyIsNotTakenForAllOfIt() async throws {
    func told(_ expect: ProbeExpectation, _ status: Int = 200) async throws -> ProbeAnswer {
      let told = HostTold.answered(status: status, beginning: "ok, and", sentBytes: 7, ofBytes: 100 << 20)
      return expect.judge(try await asker(Scripted { _ in told }).ask(http(expect), from: "b"))
    }
    #expect(try await told(ProbeExpectation()) == .passed("status 200"))
    #expect(try await told(ProbeExpectation(), 500) == .failed("status 500"))
    #expect(try await told(ProbeExpectation(contains: "ok")) == .passed("ok, and"))
    let open = "the body has 104857600 bytes, and what is expected is not in the first 7, which are sent"
    #expect(try await told(ProbeExpectation(contains: "end")) == .noData(open))
    #expect(try await told(ProbeExpectation(text: "ok, and")) == .noData(open))
  }

  /// A body that nobody looks at stays on the host.
  @Test func onlyWhatIsExpectedIsSent() async throws {
    let agent = Scripted { _ in .answered(status: 200, beginning: "", sentBytes: 0, ofBytes: 5) }
    #expect(try await asker(agent).ask(http(), from: "b") == .httpBeginning(status: 200, "", sentBytes: 0, ofBytes: 5))
    _ = try await asker(agent).ask(http(ProbeExpectation(contains: "x")), from: "b")
    #expect(agent.asked.map(\.kept) == [0, HostQuestion.mostKeptBytes])
  }

  @Test func aSampleOfPrometheusIsAskedFromAHost() async throws {
    let answer = #"{"status":"success","data":{"resultType":"scalar","result":[1,"7"]}}"#
    let query = ProbeQuestion.prometheus(PrometheusQuery(url: Template("http://10.0.0.9:9090"), query: "up == 1"))
    let agent = Scripted { count in
      .answered(status: 200, beginning: answer, sentBytes: answer.utf8.count, ofBytes: answer.utf8.count * count)
    }
    #expect(try await asker(agent).ask(probe(query), from: "b") == .value("7"))
    guard case .none(let why) = try await asker(agent).ask(probe(query), from: "b") else {
      Issue.record("a part is taken for all of it")
      return
    }
    #expect(why.hasPrefix("from b: the answer has"))
    #expect(
      agent.asked.first?.what
        == .http(method: "GET", url: "http://10.0.0.9:9090/api/v1/query?query=up%20%3D%3D%201", headers: [], body: nil))
  }

  /// The way there says nothing of what is asked: neither passed nor failed. Whoever takes the lost agent's place is asked as before.
  @Test func aLostAgentIsNoDataAndItsSuccessorIsAsked() async throws {
    let agent = Scripted { count in
      switch count {
      case 1: throw AgentLost(node: "b", why: "its stream has ended")
      case 2: throw DeadlineExceeded(what: "a question asked on b", limit: .seconds(3))
      default: .connected
      }
    }
    let asker = asker(agent)
    #expect(
      try await asker.ask(probe(tcp), from: "b") == .none("from b: there is no agent of 'b': its stream has ended"))
    #expect(
      try await asker.ask(probe(tcp), from: "b") == .none("from b: a question asked on b took longer than 3.00 s"))
    #expect(try await asker.ask(probe(tcp), from: "b") == .yes("connected"))
    #expect(try await asker.ask(probe(tcp), from: "c") == .none("there is no agent of 'c'"))
  }

  @Test func aCancelledQuestionIsNoAnswer() async throws {
    let asker = asker(Scripted { _ in throw CancellationError() })
    await #expect(throws: CancellationError.self) { try await asker.ask(probe(tcp), from: "b") }
  }

  /// Secrets are filled in for the agent, and one that is missing is named only.
  @Test func secretsGoToTheAgentAlone() async throws {
    let agent = Scripted { _ in .nothing("refused") }
    let path = "/tmp/bst-secret-\(getpid())"
    try writeFile(path, Array("hush\n".utf8))
    defer { unlink(path) }
    let call = HTTPCall(
      method: .post, url: Template("http://h/${secret:s}"),
      headers: [.init(name: "A", value: Template("Bearer ${secret:s}"))], body: Template("[${secret:s}]"))
    let probe = probe(.http(call))
    let answer = try await asker(agent, [Secret(name: "s", source: .file(path))]).ask(probe, from: "b")
    #expect(
      agent.asked.first?.what
        == .http(
          method: "POST", url: "http://h/hush", headers: [.init(name: "A", value: "Bearer hush")], body: "[hush]"))
    #expect(answer == .none("from b: refused"))
    let error = await #expect(throws: Problem.self) {
      try await asker(agent, [Secret(name: "s", source: .file("\(path)-none"))]).ask(probe, from: "b")
    }
    #expect(error?.what.contains("'s'") == true)
  }
}
