import Faults
import Glibc
import Netlink
import Support
import Testing

@testable import Agents

/// Commands that are to start an agent and do not.
@Suite struct RemoteAgentTests {
  /// As the product does: a command that has ended must not end whoever writes to it.
  init() { signal(SIGPIPE, SIG_IGN) }

  private let program = ProgramIdentity(version: "0.1.0", build: "aaaaaaaaaaaa", machine: "x86_64")

  private func connect(_ command: [String], within limit: Duration = .seconds(10)) async throws -> AgentLost {
    var template = Array("/tmp/bst-agent-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    let directory = String(decoding: template.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { try? removeTree(directory) }
    let order = AgentOrder(node: "n", run: "r", lease: .seconds(2))
    let environment = ["PATH": "/usr/bin:/bin"]
    let error = await #expect(throws: AgentLost.self) {
      _ = try await RemoteAgent.connect(
        order, command: command, environment: environment, log: "\(directory)/log", program: program, within: limit,
        report: { _ in })
    }
    return try #require(error)
  }

  @Test func aCommandThatDoesNotStartIsNamed() async throws {
    let loss = try await connect(["/nowhere/agent", "x"])
    #expect(loss.why.contains("'/nowhere/agent x' cannot be started"))
  }

  @Test func aCommandThatEndsAtOnceIsToldWithItsLastWords() async throws {
    let loss = try await connect(["/bin/sh", "-c", "echo no such host >&2; exit 255"])
    #expect(loss.why.contains("its stream has ended"))
    #expect(loss.said.contains("no such host"))
  }

  @Test func garbageOnStandardOutputIsShown() async throws {
    let loss = try await connect(["/bin/sh", "-c", "echo Welcome; sleep 30"])
    #expect(loss.why.contains("'Welcome'") && loss.why.contains("start file"))
  }

  @Test func aCommandThatSaysNothingIsGivenUpAndEnded() async throws {
    let begun = ContinuousClock.now
    let loss = try await connect(["/bin/sleep", "3600"], within: .seconds(1))
    #expect(loss.why.contains("took longer than 1"))
    #expect(ContinuousClock.now - begun < .seconds(8))
  }

  @Test func anotherVersionIsRefusedWithWhatToDo() async throws {
    let hello = ProgramIdentity(speaks: 9, version: "9.0.0", build: "bbbbbbbbbbbb", machine: "x86_64")
    let bytes = try framed(AgentMessage.hello(hello)).map { String($0, radix: 8) }.map { "\\\($0)" }.joined()
    let loss = try await connect(["/bin/sh", "-c", "printf '\(bytes)'; sleep 30"])
    #expect(loss.why.contains("it speaks version 9 of the agents' protocol"))
    #expect(loss.why.contains("put the same blackstart on both machines"))
  }
}

/// The agent's own side, over pipes.
@Suite struct AgentServiceTests {
  /// As the product does: a controller that is gone must not end the agent, which has faults to end first.
  init() { signal(SIGPIPE, SIG_IGN) }

  private struct Fixed: Agent {
    let node = "n"
    func perform(_ request: AgentRequest) async throws -> AgentReply {
      if case .ask = request {
        // Whoever is asked does not answer for an hour.
        try await Task.sleep(for: .seconds(3600))
        return .told(.connected)
      }
      guard case .clock = request else { throw FaultError(.notHeld, fault: "f", node: node) }
      return .clock(42)
    }
  }

  /// Serves a node that answers clocks alone; feeds it what `talk` writes.
  private func serve(
    left: [String] = [], _ talk: @escaping @Sendable (Int32) async throws -> Void
  ) async throws -> (end: AgentEnd, left: [String], said: [AgentMessage]) {
    var toAgent: [Int32] = [-1, -1]
    var fromAgent: [Int32] = [-1, -1]
    try #require(pipe(&toAgent) == 0 && pipe(&fromAgent) == 0)
    defer { for end in [toAgent[0], fromAgent[0], fromAgent[1]] { close(end) } }
    let service = AgentService(
      input: toAgent[0], output: fromAgent[1], program: program,
      ready: AgentIsReady(process: try .current(), host: "h", peer: nil, stateDirectory: "/s")
    ) { _, _ in ServedNode(agent: Fixed(), end: { left }) }
    let input = toAgent[1]
    async let talking: Void = talk(input)
    let (end, rest) = await service.run()
    try await talking
    close(input)
    var buffer = [UInt8](repeating: 0, count: 1 << 16)
    let count = read(fromAgent[0], &buffer, buffer.count)
    var reader = FrameReader()
    reader.take(buffer[..<max(0, count)])
    var said: [AgentMessage] = []
    while let message = try reader.nextMessage(AgentMessage.self) { said.append(message) }
    return (end, rest, said)
  }

  private let program = ProgramIdentity(version: "0.1.0", build: "aaaaaaaaaaaa", machine: "x86_64")

  private func say(_ messages: [ControllerMessage], to input: Int32) throws {
    let bytes = try messages.flatMap { try framed($0) }
    #expect(write(input, bytes, bytes.count) == bytes.count)
  }

  private func greeting(lease: Duration = .seconds(30)) -> [ControllerMessage] {
    [.hello(program), .begin(AgentOrder(node: "n", run: "r", lease: lease))]
  }

  @Test func requestsAreAnsweredAndTheEndIsToldWithWhatIsLeft() async throws {
    let (end, left, said) = try await serve(left: ["table x"]) { input in
      try say(greeting() + [.ask(id: 1, .clock), .ask(id: 2, .disarm(fault: "f"))], to: input)
      try await Task.sleep(for: .milliseconds(200))  // the answers are to come before the end
      try say([.goodbye], to: input)
    }
    #expect(end == .goodbye && left == ["table x"])
    #expect(said.first == .hello(program))
    #expect(said.contains(.reply(id: 1, .clock(42))))
    #expect(said.contains(.failed(id: 2, .fault(FaultError(.notHeld, fault: "f", node: "n")))))
    #expect(said.last == .closed(left: ["table x"]))
  }

  /// Others are answered meanwhile, and the end of the service is the question's end.
  @Test func aQuestionThatTakesItsTimeKeepsNobodyWaiting() async throws {
    let begun = ContinuousClock.now
    let slow = AgentRequest.ask(HostQuestion(.tcp(.v4(1), port: 1), within: .seconds(3600)))
    let (end, left, said) = try await serve { input in
      try say(greeting() + [.ask(id: 1, slow), .ask(id: 2, slow), .ask(id: 3, .clock), .ping(id: 4)], to: input)
      try await Task.sleep(for: .milliseconds(200))  // the answers are to come before the end
      try say([.goodbye], to: input)
    }
    #expect(end == .goodbye && left == [])
    #expect(said.contains(.reply(id: 3, .clock(42))))
    #expect(said.contains { if case .pong(id: 4, _) = $0 { true } else { false } })
    #expect(!said.contains(.reply(id: 1, .told(.connected))))
    #expect(said.last == .closed(left: []))
    #expect(ContinuousClock.now - begun < .seconds(30))
  }

  /// So does the end of the controller, in whatever way.
  @Test func aQuestionEndsWithASilentController() async throws {
    let slow = AgentRequest.ask(HostQuestion(.tcp(.v4(1), port: 1), within: .seconds(3600)))
    let begun = ContinuousClock.now
    let (end, _, _) = try await serve {
      try say(greeting(lease: .milliseconds(300)) + [.ask(id: 1, slow)], to: $0)
    }
    #expect(end == .silent && ContinuousClock.now - begun < .seconds(30))
  }

  @Test func theEndOfInputEndsTheService() async throws {
    var toAgent: [Int32] = [-1, -1]
    try #require(pipe(&toAgent) == 0)
    close(toAgent[1])
    let null = open("/dev/null", O_WRONLY)
    defer { for end in [toAgent[0], null] { close(end) } }
    let service = AgentService(
      input: toAgent[0], output: null, program: program,
      ready: AgentIsReady(process: try .current(), host: "h", peer: nil, stateDirectory: "/s")
    ) { _, _ in ServedNode(agent: Fixed(), end: { [] }) }
    #expect(await service.run().end == .inputEnded)
  }

  @Test func aControllerThatIsSilentForItsLeaseIsTakenForGone() async throws {
    let begun = ContinuousClock.now
    let (end, _, _) = try await serve { try say(greeting(lease: .milliseconds(300)), to: $0) }
    #expect(end == .silent)
    #expect(ContinuousClock.now - begun < .seconds(5))
  }

  @Test func anotherBuildIsRefused() async throws {
    let other = ProgramIdentity(version: "0.1.0", build: "cccccccccccc", machine: "x86_64")
    let (end, _, said) = try await serve { try say([.hello(other)], to: $0) }
    guard case .refused(let why) = end else {
      Issue.record("it was served: \(end)")
      return
    }
    #expect(why.contains("another build"))
    #expect(said.last == .refused(why))
  }

  @Test func requestsBeforeTheGreetingAndGarbageEndTheService() async throws {
    let early = try await serve { try say([.ask(id: 1, .clock)], to: $0) }
    #expect(early.end == .refused("it was asked before it was told what to serve"))
    let garbage = try await serve { input in
      let text = Array("GET / HTTP/1.1\r\n".utf8)
      #expect(write(input, text, text.count) == text.count)
    }
    #expect(garbage.end == .broken(.foreign(at: 0, "GET / HTTP/1.1")))
  }
}
