@testable import Guards
import Support
import Synchronization
import TestSupport
import Testing

/// A registry that keeps every request as it came and answers by its path.
private final class StagedRegistry: Sendable {
  let peer: Peer
  private let kept = Mutex<[String]>([])

  init() throws { peer = try Peer() }

  var requests: [String] { kept.withLock { $0 } }

  func serve() async {
    await peer.serve { [self] wire in
      var bytes: [UInt8] = []
      while true {
        while headEnd(bytes[...], from: 0) == nil {
          let more = try wire.some()
          if more.isEmpty { return }
          bytes += more
        }
        let end = headEnd(bytes[...], from: 0) ?? 0
        let head = try HTTPRequestHead(bytes[..<end])
        var length = 0
        if case .length(let count) = try head.body { length = count }
        while bytes.count < end + length { bytes += try wire.exactly(1) }
        kept.withLock { $0.append(String(decoding: bytes[..<(end + length)], as: UTF8.self)) }
        bytes.removeFirst(end + length)
        switch head.target {
        case "/chunked":
          try wire.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n")
        case "/close":
          try wire.send("HTTP/1.1 200 OK\r\n\r\nuntil the end")
          return wire.shutAll()
        case "/broken":
          try wire.send("HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc")
          return wire.shutAll()
        case "/gone": return wire.shutAll()
        case "/interim":
          try wire.send("HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        default:
          try wire.send(
            "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nX-Registry: here\r\n\r\n" + (head.method == "HEAD" ? "" : "[]"))
        }
      }
    }
  }
}

private func withRegistryGuard(
  limits: RegistryLimits = RegistryLimits(), plant: GuardPlant? = nil, token: Int64 = 7,
  _ body: @escaping @Sendable (_ port: UInt16, _ registry: StagedRegistry, _ source: StagedSource) throws -> Void,
  log: ([GuardDecision]) throws -> Void = { _ in }
) async throws {
  let registry = try StagedRegistry()
  let source = StagedSource(token)
  try await inTemporaryDirectory { directory in
    try await withAuthority(source, directory, plant: plant) { authority in
      let proxy = try await RegistryGuard(
        RegistrySettings(
          listen: Endpoint(host: "127.0.0.1", port: 0), upstream: Endpoint(host: "127.0.0.1", port: registry.peer.port),
          limits: limits), authority: authority, report: { _ in })
      let serving = Task { await registry.serve() }
      let running = Task { try? await proxy.run() }
      let outcome: Result<Void, any Error>
      do {
        outcome = .success(try await onOwnThread("client") { try body(proxy.endpoint.port, registry, source) })
      } catch {
        outcome = .failure(error)
      }
      serving.cancel()
      running.cancel()
      await serving.value
      await running.value
      try outcome.get()
    }
    try log(try GuardDecision.read("\(directory)/decisions.jsonl").decisions)
  }
}

extension Wire {
  /// Sends a request and reads its whole answer, which must tell its length.
  func ask(_ method: String, _ target: String, _ fields: String = "", body: String = "") throws -> (
    status: Int, body: String
  ) {
    let length = body.isEmpty ? "" : "Content-Length: \(body.utf8.count)\r\n"
    try send("\(method) \(target) HTTP/1.1\r\nHost: r\r\n\(length)\(fields)\r\n\(body)")
    return try answer(to: method)
  }

  func answer(to method: String = "GET") throws -> (status: Int, body: String) {
    var bytes: [UInt8] = []
    while headEnd(bytes[...], from: 0) == nil { bytes += try exactly(1) }
    let head = try HTTPResponseHead(bytes[...])
    switch try head.body(answering: method) {
    case .length(let count): return (head.status, String(decoding: try exactly(count), as: UTF8.self))
    case .chunked:
      var decoder = ChunkDecoder()
      var body: [UInt8] = []
      while !decoder.isDone { body += try decoder.take(try exactly(1)[...]).data }
      return (head.status, String(decoding: body, as: UTF8.self))
    case .untilClose: return (head.status, String(decoding: try toTheEnd(), as: UTF8.self))
    case .none: return (head.status, "")
    }
  }
}

@Suite(.serialized) struct RegistryGuardTests {
  /// No token, a stale, an inflated and an unreadable one, and two at once: 409 with the rule, and the registry hears nothing.
  @Test(arguments: [
    ("", GuardRule.noToken), ("X-Fencing-Token: 6\r\n", .staleToken), ("x-fencing-token: 8\r\n", .inflatedToken),
    ("X-Fencing-Token: 7x\r\n", .malformedToken), ("X-Fencing-Token: 7\r\nX-Fencing-Token: 7\r\n", .malformedToken),
  ])
  func writesWithoutTheCurrentTokenAreRefused(fields: String, rule: GuardRule) async throws {
    try await withRegistryGuard { port, registry, _ in
      let wire = try Wire(port: port)
      for (method, target) in [("POST", "/subjects/a/versions"), ("PUT", "/config"), ("DELETE", "/subjects/a")] {
        let (status, body) = try wire.ask(method, target, fields, body: "{}")
        #expect(status == 409)
        #expect(body.contains("\"rule\":\"\(rule.rawValue)\""))
      }
      #expect(registry.requests.isEmpty)
    } log: { decisions in
      #expect(decisions.map(\.rule) == [rule, rule, rule])
      #expect(decisions.map(\.asked) == ["POST /subjects/a/versions", "PUT /config", "DELETE /subjects/a"])
    }
  }

  @Test func writesWithTheCurrentTokenAndAllReadsReachTheRegistry() async throws {
    try await withRegistryGuard { port, registry, source in
      let wire = try Wire(port: port)
      #expect(try wire.ask("GET", "/subjects").status == 200)
      #expect(try wire.ask("HEAD", "/subjects").body.isEmpty)
      #expect(try wire.ask("POST", "/subjects/a", body: "{\"schema\":\"x\"}").status == 200)
      let written = try wire.ask(
        "POST", "/subjects/a/versions", "X-Fencing-Token: 7\r\nConnection: X-Hop\r\nX-Hop: 1\r\n", body: "{\"a\":1}")
      #expect(written.body == "[]")
      source.become(8)
      #expect(try wire.ask("DELETE", "/subjects/a", "X-Fencing-Token: 7\r\n").status == 409)
      #expect(registry.requests.count == 4)
      let last = try #require(registry.requests.last)
      #expect(last.hasSuffix("\r\n\r\n{\"a\":1}"))
      #expect(last.contains("x-fencing-token: 7\r\n"))
      #expect(!last.lowercased().contains("x-hop"))
    }
  }

  /// The planted comparison as text lets the leader of reign 9 write under reign 10; the real guard does not.
  @Test(arguments: [(GuardPlant?.none, 409), (.comparesText, 200)])
  func theOldLeaderGetsInOnlyWhenTokensAreText(plant: GuardPlant?, status: Int) async throws {
    try await withRegistryGuard(plant: plant, token: 10) { port, registry, _ in
      let wire = try Wire(port: port)
      let answer = try wire.ask("PUT", "/config", "X-Fencing-Token: 9\r\n", body: "{}")
      #expect(answer.status == status)
      #expect(registry.requests.count == (status == 200 ? 1 : 0))
    }
  }

  /// Bodies in chunks leave the guard as one piece with a length, so that no second reader can split them otherwise.
  @Test func chunkedWritesArriveWithALength() async throws {
    try await withRegistryGuard { port, registry, _ in
      let wire = try Wire(port: port)
      try wire.send(
        "POST /subjects/a/versions HTTP/1.1\r\nHost: r\r\nX-Fencing-Token: 7\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"
      )
      try wire.send("2;x=y\r\nde\r\n0\r\n\r\n")
      #expect(try wire.answer().status == 200)
      let last = try #require(registry.requests.last)
      #expect(last.contains("content-length: 5\r\n") && last.hasSuffix("\r\n\r\nabcde"))
      #expect(!last.lowercased().contains("transfer-encoding"))
      try wire.send("POST /subjects/a HTTP/1.1\r\nHost: r\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
      #expect(String(decoding: try wire.exactly(25), as: UTF8.self) == "HTTP/1.1 100 Continue\r\n\r\n")
      try wire.send("{}")
      #expect(try wire.answer().status == 200)
    }
  }

  /// A second request hidden behind the first is never carried out, and the connection ends.
  @Test func whatIsSmuggledOrSentAheadIsNotCarriedOut() async throws {
    let hidden = "DELETE /subjects/a HTTP/1.1\r\nHost: r\r\nX-Fencing-Token: 7\r\n\r\n"
    for (text, statuses) in [
      ("GET /subjects HTTP/1.1\r\nHost: r\r\n\r\n" + hidden, [200]),
      (
        "POST /subjects/a HTTP/1.1\r\nHost: r\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
          + hidden, [400]
      ),
      ("POST /subjects/a HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n" + hidden, [501]),
    ] {
      try await withRegistryGuard { port, registry, _ in
        let wire = try Wire(port: port)
        try wire.send(text)
        for status in statuses { #expect(try wire.answer().status == status) }
        #expect(try wire.toTheEnd().isEmpty)
        #expect(!registry.requests.contains { $0.hasPrefix("DELETE") })
      }
    }
  }

  @Test func largeAndSlowRequestsAreRefused() async throws {
    var limits = RegistryLimits()
    (limits.headBytes, limits.bodyBytes, limits.head, limits.idle) = (1000, 100, .milliseconds(200), .seconds(20))
    try await withRegistryGuard(limits: limits) { port, registry, _ in
      let long = String(repeating: "a", count: 1000)
      let start = "POST /subjects/a HTTP/1.1\r\nHost: r\r\n"
      for (text, status) in [
        ("GET /\(long) HTTP/1.1\r\nHost: r\r\n\r\n", 431), ("\(start)Content-Length: 101\r\n\r\n", 413),
        ("\(start)Transfer-Encoding: chunked\r\n\r\n65\r\n\(long.prefix(101))", 413),
        ("GET /subjects HTTP/1.1\r\nHo", 408),
      ] {
        let wire = try Wire(port: port)
        try wire.send(text)
        let answer = try wire.answer()
        #expect(answer.status == status)
      }
      #expect(registry.requests.isEmpty)
    } log: {
      #expect($0.allSatisfy { $0.rule == .malformedRequest } && $0.count == 4)
    }
  }

  @Test func answersOfEveryShapeArePassedOn() async throws {
    try await withRegistryGuard { port, _, _ in
      let wire = try Wire(port: port)
      #expect(try wire.ask("GET", "/chunked").body == "abcde")
      #expect(try wire.ask("GET", "/interim").body == "ok")
      #expect(try wire.ask("GET", "/close").body == "until the end")
      #expect(try wire.ask("GET", "/broken").status == 502)
      #expect(try wire.ask("GET", "/gone").status == 502)
      #expect(try wire.ask("GET", "/subjects").status == 200)
      let old = try Wire(port: port)
      try old.send("GET /chunked HTTP/1.0\r\n\r\n")
      #expect(String(decoding: try old.toTheEnd(), as: UTF8.self).hasSuffix("\r\n\r\nabcde"))
    }
  }

  @Test func aRegistryThatIsDownIsABadGatewayAndTooManyConnectionsAre503() async throws {
    try await inTemporaryDirectory { directory in
      try await withAuthority(StagedSource(7), directory) { authority in
        var limits = RegistryLimits()
        limits.connections = 1
        let unused = try freePort()
        let proxy = try await RegistryGuard(
          RegistrySettings(
            listen: Endpoint(host: "127.0.0.1", port: 0), upstream: Endpoint(host: "127.0.0.1", port: unused),
            limits: limits),
          authority: authority, report: { _ in })
        let running = Task { try? await proxy.run() }
        try await onOwnThread("client") {
          let wire = try Wire(port: proxy.endpoint.port)
          #expect(try wire.ask("GET", "/subjects").status == 502)
          #expect(try wire.ask("PUT", "/config", "X-Fencing-Token: 7\r\n", body: "{}").status == 502)
          #expect(try Wire(port: proxy.endpoint.port).answer().status == 503)
        }
        running.cancel()
        await running.value
      }
    }
  }

  /// `/mode` is the guard's own: frozen, not even the current token writes; only it can thaw.
  @Test func freezingStandsInForAMissingMode() async throws {
    try await withRegistryGuard { port, registry, _ in
      let wire = try Wire(port: port)
      let token = "X-Fencing-Token: 7\r\n"
      #expect(try wire.ask("GET", "/mode").body == "{\"mode\":\"READWRITE\"}")
      #expect(try wire.ask("PUT", "/mode", body: "{\"mode\":\"READONLY\"}").status == 409)
      #expect(try wire.ask("PUT", "/mode", token, body: "{\"mode\":\"IMPORT\"}").status == 422)
      #expect(try wire.ask("PUT", "/mode/a", token, body: "{\"mode\":\"READONLY\"}").status == 422)
      #expect(try wire.ask("PUT", "/mode", token, body: "{\"mode\":\"READONLY\"}").status == 200)
      #expect(try wire.ask("GET", "/mode").body == "{\"mode\":\"READONLY\"}")
      let refused = try wire.ask("PUT", "/config", token, body: "{}")
      #expect(refused.status == 422 && refused.body.contains("\"rule\":\"frozen\""))
      #expect(try wire.ask("GET", "/subjects").status == 200)
      #expect(try wire.ask("PUT", "/mode", token, body: "{\"mode\":\"READWRITE\"}").status == 200)
      #expect(try wire.ask("PUT", "/config", token, body: "{}").status == 200)
      #expect(registry.requests.count == 2)
    }
  }
}
