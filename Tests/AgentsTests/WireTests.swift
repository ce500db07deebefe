import Faults
import FoundationEssentials
import Netlink
import Support
import Testing

@testable import Agents

/// The stream between a controller and an agent, byte by byte.
@Suite struct WireTests {
  private static let messages: [ControllerMessage] = [
    .hello(ProgramIdentity(speaks: 1, version: "0.1.0", build: "0123456789ab", machine: "x86_64")),
    .begin(AgentOrder(node: "db-1", run: "r0", lease: .seconds(5))),
    .ask(
      id: 7,
      .arm(
        Fault(
          id: "cut", run: "r0", node: "db-1", inbound: .drop,
          targets: .init(peers: [.v4(0x0A00_0001), .v6(1, 2)], exempt: [.v4(0x0A00_00FE)]),
          timing: .init(lease: .seconds(30), heartbeat: .milliseconds(500))))),
    .ask(
      id: 9,
      .ask(
        HostQuestion(
          .http(
            method: "POST", url: "https://h/é?a=b", headers: [.init(name: "Authorization", value: "Bearer \"s\"")],
            body: "{}\n"), within: .milliseconds(1500), keeping: 0))),
    .ask(id: 10, .ask(HostQuestion(.tcp(.v6(1, 2), port: 65_535), within: .seconds(1)))),
    .ping(id: 8), .goodbye,
  ]

  private static let answers: [AgentMessage] = [
    .reply(id: 1, .told(.answered(status: 503, beginning: "a\u{0}\u{FFFD}\"", sentBytes: 7, ofBytes: 100 << 20))),
    .reply(id: 2, .told(.connected)), .reply(id: 3, .told(.refused("Connection refused"))),
    .reply(id: 4, .told(.nothing("Timeout was reached"))), .failed(id: 5, .other("pthread_create")),
  ]

  private static let stream: [UInt8] = (try? messages.flatMap { try framed($0) }) ?? []

  private func read(_ bytes: some Sequence<UInt8>) throws -> [ControllerMessage] {
    var reader = FrameReader()
    reader.take(bytes)
    var found: [ControllerMessage] = []
    while let message = try reader.nextMessage(ControllerMessage.self) { found.append(message) }
    try reader.finish()
    return found
  }

  @Test func aFrameIsItsMarkItsLengthAndItsContent() throws {
    #expect(
      try Frame.bytes(of: [0x7B, 0x7D]) == [
        0x42, 0x53, 0x41, 0x01,  // BSA, version 1 of the form
        0x00, 0x00, 0x00, 0x02,  // two bytes follow
        0x7B, 0x7D,
      ])
  }

  @Test func whatWasSentIsRead() throws {
    #expect(try read(Self.stream) == Self.messages)
  }

  @Test func whatAHostWasToldIsRead() throws {
    var reader = FrameReader()
    for message in Self.answers { reader.take(try framed(message)) }
    for message in Self.answers { #expect(try reader.nextMessage(AgentMessage.self) == message) }
    try reader.finish()
  }

  /// The longest body that is ever sent, of what takes the most bytes in JSON.
  @Test func theLongestAnswerFitsIntoAFrame() throws {
    let text = String(repeating: "\u{1}", count: HostQuestion.mostKeptBytes)
    let bytes = try framed(
      AgentMessage.reply(
        id: .max, .told(.answered(status: 200, beginning: text, sentBytes: text.utf8.count, ofBytes: .max))))
    #expect(bytes.count < Frame.limitBytes / 16)
  }

  @Test func howTheBytesAreCutIntoPiecesDoesNotMatter() throws {
    for size in [1, 2, 7, 8, 9, 64] {
      var reader = FrameReader()
      var found: [ControllerMessage] = []
      for start in stride(from: 0, to: Self.stream.count, by: size) {
        reader.take(Self.stream[start..<min(start + size, Self.stream.count)])
        while let message = try reader.nextMessage(ControllerMessage.self) { found.append(message) }
      }
      try reader.finish()
      #expect(found == Self.messages)
    }
  }

  /// A stream may end between two messages, and nowhere else.
  @Test func everyTruncationOfAMessageThrows() throws {
    let one = try framed(Self.messages[2])
    for count in 1..<one.count {
      let error = #expect(throws: FrameError.self) { try read(one[..<count]) }
      #expect(error == .truncated(at: 0, have: count))
    }
    #expect(try read([UInt8]()) == [])
  }

  @Test func whatSomebodyElseWritesIsToldByItsFirstLine() throws {
    let good = try framed(Self.messages[5])
    let error = #expect(throws: FrameError.self) { try read(good + Array("Welcome to db-1!\nLast login".utf8)) }
    #expect(error == .foreign(at: good.count, "Welcome to db-1!"))
    #expect("\(try #require(error))".contains("start file"))
  }

  @Test func aLengthBeyondTheLimitIsRefusedBeforeAnythingIsKept() throws {
    let error = #expect(throws: FrameError.self) { try read(Frame.mark + [0xFF, 0xFF, 0xFF, 0xFF]) }
    #expect(error == .tooLong(bytes: 0xFFFF_FFFF))
    func longest() throws { _ = try Frame.bytes(of: [UInt8](repeating: 0, count: Frame.limitBytes + 1)) }
    let own = #expect(throws: FrameError.self) { try longest() }
    #expect(own == .tooLong(bytes: Frame.limitBytes + 1))
  }

  @Test func aFrameWithSomethingElseInItIsNoMessage() throws {
    for content in ["", "{}", "[]", "{\"ask\":{}}", "{\"ping\":{\"id\":-1}}", "\u{0}"] {
      let bytes = try Frame.bytes(of: Array(content.utf8))
      #expect(throws: FrameError.self) { try read(bytes) }
    }
  }

  /// `BLACKSTART_FUZZ` is the number of mutations, 500 where it is not set.
  @Test func noStreamTrapsTheReader() throws {
    let rounds = Int(ProcessInfo.processInfo.environment["BLACKSTART_FUZZ"] ?? "") ?? 500
    var random = SeededRandom(seed: 20_261_128, for: "wire")
    var refused = 0
    for _ in 0..<rounds {
      var bad = Self.stream
      for _ in 0...(random.next() % 4) where !bad.isEmpty {
        let place = Int(random.next() % UInt64(bad.count))
        switch random.next() % 5 {
        case 0: bad[place] ^= 1 << UInt8(random.next() % 8)
        case 1: bad[place] = UInt8(truncatingIfNeeded: random.next())
        case 2: bad.removeLast(bad.count - place)
        case 3: bad.remove(at: place)
        default: bad.insert(UInt8(truncatingIfNeeded: random.next()), at: place)
        }
      }
      do { #expect(try read(bad).count <= Self.messages.count) } catch {
        refused += 1
        #expect("\(error)".contains { $0.isNumber }, "'\(error)' names no place")
      }
    }
    #expect(refused > rounds / 4)
  }
}

/// What is asked from a host.
@Suite struct HostQuestionTests {
  private let question = HostQuestion(
    .http(
      method: "POST", url: "http://hush/", headers: [.init(name: "Authorization", value: "Bearer hush")], body: "hush"),
    within: .seconds(1))

  /// Whatever prints a request prints no secret.
  @Test func noTextOfAQuestionHasWhatIsInIt() throws {
    for text in [
      "\(question)", "\(AgentRequest.ask(question))", String(reflecting: ControllerMessage.ask(id: 1, .ask(question))),
    ] {
      #expect(!text.contains("hush") && text.contains("a question by HTTP (POST)"), "\(text)")
    }
  }

  /// A message from elsewhere may say anything.
  @Test func noMessageMakesAQuestionLongerThanAnyMayBe() throws {
    func read(_ time: String, _ kept: String) throws -> HostQuestion {
      let text = #"{"keptBytes":\#(kept),"timeoutNanoseconds":\#(time),"what":{"tcp":{"_0":"10.0.0.1","port":1}}}"#
      return try decodeJSON(HostQuestion.self, from: Array(text.utf8))
    }
    let longest = try read("\(Int64.max)", "\(Int.max)")
    #expect(longest.timeout == HostQuestion.longestTimeout && longest.kept == HostQuestion.mostKeptBytes)
    let least = try read("\(Int64.min)", "-1")
    #expect(least.timeout == .nanoseconds(1) && least.kept == 0)
    #expect(HostQuestion(.tcp(.v4(1), port: 1), within: .seconds(Int64.max)).timeout == HostQuestion.longestTimeout)
    #expect(throws: (any Error).self) { try decodeJSON(HostQuestion.self, from: Array(#"{"what":{"tcp":{}}}"#.utf8)) }
  }
}

/// Who may work with whom.
@Suite struct ProgramIdentityTests {
  private let own = ProgramIdentity(speaks: 1, version: "0.1.0", build: "aaaaaaaaaaaa", machine: "x86_64")

  @Test func theSameProgramAgrees() { #expect(own.disagreement(with: own) == nil) }

  @Test func anotherProtocolVersionOrBuildIsNamed() {
    var other = own
    other.speaks = 2
    #expect(other.disagreement(with: own) == "it speaks version 2 of the agents' protocol, this is 1")
    other = own
    other.version = "0.2.0"
    #expect(other.disagreement(with: own) == "it is version 0.2.0, this is 0.1.0")
    other = own
    other.build = "bbbbbbbbbbbb"
    #expect(other.disagreement(with: own)?.contains("another build") == true)
  }

  @Test func buildsForOtherMachinesAreComparedByVersion() {
    var other = own
    other.build = "bbbbbbbbbbbb"
    other.machine = "aarch64"
    #expect(other.disagreement(with: own) == nil)
    other.version = "0.2.0"
    #expect(other.disagreement(with: own) != nil)
  }
}

/// What another machine dates, in our time.
@Suite struct RemoteClockTests {
  @Test func boundsHoldWhateverTheWayThereTook() {
    // Theirs is 1000 behind ours; 30 on the way there, 70 back.
    var clock = RemoteClock(sent: 5000, answered: 4030, received: 5100)
    #expect(clock.least == 970 && clock.most == 1070)
    #expect(clock.earliest(10_000) == 10_970 && clock.latest(10_000) == 11_070)
    clock.take(sent: 6000, answered: 5005, received: 6010)
    #expect(clock.least == 995 && clock.most == 1005)
    // A slower answer tells less, and takes nothing back.
    clock.take(sent: 7000, answered: 6400, received: 7900)
    #expect(clock.least == 995 && clock.most == 1005)
  }

  @Test func aClockThatWasSteppedIsReadAnew() {
    var clock = RemoteClock(sent: 5000, answered: 4030, received: 5100)
    clock.take(sent: 6000, answered: 100, received: 6010)
    #expect(clock.least == 5900 && clock.most == 5910)
  }

  @Test func aTimeThatNoClockShowsOverflowsNothing() {
    var clock = RemoteClock(sent: 0, answered: .min, received: .max >> 2)
    clock.take(sent: 1, answered: .max, received: 2)
    _ = (clock.earliest(.max), clock.latest(.min))
  }

  @Test func noForceIsClaimedThatIsNotSure() throws {
    let clock = RemoteClock(sent: 5000, answered: 4030, received: 5100)
    let outcome = FaultOutcome(
      end: .disarmed, provenFromNanoseconds: 100, provenUntilNanoseconds: 900, goneAtNanoseconds: 950,
      counters: FaultCounters())
    guard case .ended(let ours) = AgentReply.ended(outcome).translated(by: clock) else {
      Issue.record("another reply")
      return
    }
    #expect(ours.provenFromNanoseconds == 1170 && ours.provenUntilNanoseconds == 1870)
    #expect(ours.goneAtNanoseconds == 2020)
  }
}

/// Where a connection comes from.
@Suite struct PeerTests {
  @Test func thePeerIsTheFirstWordOfSSHConnection() {
    let environment = Array("HOME=/root\0SSH_CONNECTION=10.0.0.9 51000 10.0.0.1 22\0PATH=/bin\0".utf8)
    #expect(sshPeer(inEnvironment: environment) == "10.0.0.9")
    #expect(sshPeer(inEnvironment: Array("HOME=/root\0".utf8)) == nil)
    #expect(sshPeer(inEnvironment: Array("SSH_CONNECTION=\0".utf8)) == nil)
  }
}
