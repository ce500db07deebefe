import Guards
import KafkaWire
import Support
import TestSupport
import Testing

@Suite(.serialized) struct AdminGuardTests {
  /// No token, a stale one, an inflated one, none that can be read: refused, and the broker never hears of it.
  @Test(arguments: [
    ("test", GuardRule.noToken), ("a;token=6", .staleToken), ("a;token=8", .inflatedToken),
    ("a;token=x", .malformedToken),
  ])
  func administrationWithoutTheCurrentTokenIsRefused(client: String, rule: GuardRule) async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      try wire.send(deletion(5, client: client))
      #expect(try wire.frame() == refusal(5))
      #expect(broker.requests.isEmpty)
    } log: { decisions in
      #expect(decisions.map(\.rule) == [rule])
      #expect(decisions.first?.asked == "DeleteTopics 1")
      #expect(decisions.first?.clientID == client)
      #expect(decisions.first?.origin == "admin")
    }
  }

  @Test func withTheCurrentTokenItReachesTheBrokerAsItWasSent() async throws {
    try await withGuard { port, broker, source in
      let wire = try Wire(port: port)
      try wire.send(deletion(5, client: "a;token=7"))
      #expect(number(try wire.frame()) == 5)
      #expect(broker.requests == [Array(deletion(5, client: "a;token=7").dropFirst(4))])
      source.become(8)  // the reign ends while the connection stands
      try wire.send(deletion(6, client: "a;token=7"))
      #expect(try wire.frame() == refusal(6))
      #expect(broker.requests.count == 1)
    }
  }

  @Test func aSilentAuthorityClosesAdministrationAndNotData() async throws {
    try await withGuard { port, broker, source in
      source.become(.fails)
      let wire = try Wire(port: port)
      try wire.send(metadata(1))
      #expect(number(try wire.frame()) == 1)
    }
    try await inTemporaryDirectory { directory in
      let source = StagedSource(7)
      source.become(.hangs)
      try await withAuthority(source, directory) { authority in
        #expect(await authority.judge(question("7")).rule == .authorityUnknown)
      }
    }
  }

  @Test func thePlantedGuardLetsEverythingPass() async throws {
    try await withGuard(plant: .pass) { port, broker, _ in
      let wire = try Wire(port: port)
      try wire.send(deletion(5))
      #expect(number(try wire.frame()) == 5)
      #expect(broker.requests.count == 1)
    } log: {
      #expect($0.map(\.rule) == [.planted])
    }
  }

  /// Refusals keep their place among the answers, also when everything arrives at once and in pieces.
  @Test(arguments: [1, 3, 7, 100_000])
  func answersKeepTheirOrder(piece: Int) async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      var bytes: [UInt8] = []
      for id in Int32(1)...30 {
        switch id % 5 {
        case 0: bytes += deletion(id)
        case 1: bytes += deletion(id, client: "x;token=7")
        case 2: bytes += produce(id, acks: 0, bytes: 50)
        default: bytes += metadata(id, client: id % 2 == 0 ? nil : "m")
        }
      }
      for start in stride(from: 0, to: bytes.count, by: piece) {
        try wire.send(Array(bytes[start..<min(bytes.count, start + piece)]))
      }
      for id in Int32(1)...30 where id % 5 != 2 {
        let frame = try wire.frame()
        #expect(number(frame) == id)
        if id % 5 == 0 { #expect(frame == refusal(id)) }
      }
      #expect(broker.requests.count == 24)
    }
  }

  /// Thousands of refused requests in one piece are answered one by one.
  @Test func floodsOfRefusedRequestsAreAnswered() async throws {
    try await withGuard { port, _, _ in
      let wire = try Wire(port: port)
      let count = Int32(2000)
      try wire.send((1...count).flatMap { deletion($0) })
      for id in 1...count { #expect(try wire.frame() == refusal(id)) }
    } log: {
      #expect($0.count == 2000)
    }
  }

  /// Large requests and responses take the way through the kernel, and arrive as they were sent.
  @Test func largeRequestsPassUntouched() async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      for (id, size) in [(Int32(1), 5 << 20), (2, 200_000), (3, 128 << 10), (4, 10)] {
        let sent = produce(id, acks: 1, bytes: size)
        try wire.send(sent)
        let frame = try wire.frame()
        #expect(number(frame) == id)
        #expect(Array(frame.dropFirst(4)) == Array(sent.dropFirst(4)))
      }
      try wire.send(deletion(5))
      #expect(try wire.frame() == refusal(5))
      // The client closes its half; what it sent last still arrives.
      try wire.send(metadata(6))
      wire.shutWriting()
      #expect(number(try wire.frame()) == 6)
      #expect(try wire.some().isEmpty)
    }
  }

  /// Requests that are not known, between brokers, or not well-formed end the connection, and are written down.
  @Test(arguments: [
    (request(500, 0, 1), GuardRule.unknownRequest), (request(20, 99, 1), .unknownVersion),
    (request(58, 0, 1), .betweenBrokers), (request(58, 0, 1, client: "a;token=7"), .betweenBrokers),
    (request(17, 0, 1), .malformedRequest), (big(Int32(-5)), .malformedRequest), (big(Int32.max), .malformedRequest),
    (big(Int32(3)), .malformedRequest),
    (big(Int32(10)) + request(3, 0, 1, client: "long name").dropFirst(4), .malformedRequest),
    (request(20, 1, 1, body: [0, 0, 0, 9]), .noToken), (request(500, 0, 1, client: "a;token=6"), .staleToken),
  ])
  func whatIsNotKnownEndsTheConnection(bytes: [UInt8], rule: GuardRule) async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      try wire.send(bytes)
      #expect(try wire.toTheEnd().isEmpty)
      #expect(broker.requests.isEmpty)
    } log: {
      #expect($0.first?.rule == rule)
    }
  }

  @Test func whatIsNotKnownPassesWithTheTokenOrWhenTold() async throws {
    try await withGuard { port, broker, _ in
      let wire = try Wire(port: port)
      try wire.send(request(500, 0, 1, client: "a;token=7"))
      #expect(number(try wire.frame()) == 1)
    }
    var policy = AdminPolicy()
    (policy.unknownRequests, policy.unknownVersions, policy.betweenBrokers) = (.pass, .pass, .pass)
    try await withGuard(policy: policy) { port, broker, _ in
      let wire = try Wire(port: port)
      for (id, key, version) in [(Int32(1), Int16(500), Int16(0)), (2, 20, 99), (3, 58, 0)] {
        try wire.send(request(key, version, id))
        #expect(number(try wire.frame()) == id)
      }
    }
  }

  @Test func aBrokerThatIsDownEndsTheConnection() async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        let unused = try freePort()
        let proxy = try await AdminGuard(
          routes: [
            AdminRoute(listen: Endpoint(host: "127.0.0.1", port: 0), broker: Endpoint(host: "127.0.0.1", port: unused))
          ],
          authority: authority, report: { _ in })
        let running = Task { try? await proxy.run() }
        let rest = try await onOwnThread("client") { try Wire(port: proxy.routes[0].listen.port).toTheEnd() }
        #expect(rest.isEmpty)
        running.cancel()
        await running.value
      }
    }
  }

  @Test func addressesAreExplicit() {
    for text in ["9092", ":9092", "host", "host:", "host:99999", "::1:9092", ""] {
      #expect(throws: Problem.self) { try Endpoint(text) }
    }
    #expect((try? Endpoint("[::1]:9092"))?.host == "::1")
    #expect((try? Endpoint("a.b:0"))?.description == "a.b:0")
  }
}
