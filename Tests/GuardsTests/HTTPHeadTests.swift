@testable import Guards
import Testing

private func head(_ text: String) throws -> HTTPRequestHead { try HTTPRequestHead(Array(text.utf8)[...]) }

private func request(_ method: String, _ target: String, _ fields: String = "") throws -> HTTPRequestHead {
  try head("\(method) \(target) HTTP/1.1\r\nHost: r\r\n\(fields)\r\n")
}

@Suite struct HTTPHeadTests {
  /// What two readers could understand differently is refused: that is how a request is smuggled past a guard.
  @Test(arguments: [
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: 5, 5\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: +5\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: 0x5\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nContent-Length: 9999999999999999999\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n", 501),
    ("POST /s HTTP/1.1\r\nHost: r\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", 501),
    ("POST /s HTTP/1.1\r\nHost: r\r\nTransfer-Encoding : chunked\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nTransfer-Encoding\u{b}: chunked\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nX: a\r\n chunked\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nX: a\u{0}b\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\nHost: r\r\nX: a\rb\r\n\r\n", 400),
    ("POST /s HTTP/1.1\nHost: r\n\n", 400), ("POST /s HTTP/1.1\r\nHost: r\n\r\n", 400),
    ("POST  /s HTTP/1.1\r\nHost: r\r\n\r\n", 400), ("POST /s  HTTP/1.1\r\nHost: r\r\n\r\n", 400),
    ("POST /s HTTP/1.1\r\n\r\n", 400), ("POST /s HTTP/1.1\r\nHost: r\r\nHost: s\r\n\r\n", 400),
    ("POST /s HTTP/2.0\r\nHost: r\r\n\r\n", 505), ("POST http://r/s HTTP/1.1\r\nHost: r\r\n\r\n", 400),
    ("POST s HTTP/1.1\r\nHost: r\r\n\r\n", 400), ("P(ST /s HTTP/1.1\r\nHost: r\r\n\r\n", 400),
    ("POST /s HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400), ("POST /ä HTTP/1.1\r\nHost: r\r\n\r\n", 400),
    ("\r\n\r\n", 400),
  ])
  func whatCouldBeReadTwoWaysIsRefused(text: String, status: Int) throws {
    let defect = try #require(throws: HTTPDefect.self) { _ = try head(text).body }
    #expect(defect.status == status, "\(defect.what)")
  }

  @Test func goodHeadsAreRead() throws {
    let post = try request("POST", "/subjects/a/versions?x=1", "Content-Length: 12\r\nX-A:  b c \r\n")
    #expect(try post.body == .length(12))
    #expect(post.fields.all("x-a") == ["b c"])
    #expect(post.keepsAlive)
    #expect(try request("POST", "/s", "Transfer-Encoding: Chunked\r\nConnection: Close\r\n").body == .chunked)
    #expect(try !request("GET", "/s", "Connection: a, close\r\n").keepsAlive)
    #expect(try !head("GET /s HTTP/1.0\r\n\r\n").keepsAlive)
    #expect(try request("GET", "/s", "Connection: x-hop\r\nX-Hop: 1\r\n").fields.betweenHops.contains("x-hop"))
    let text = Array("GET / HTTP/1.1\r\nHost: r\r\n\r\nrest".utf8)
    #expect(headEnd(text[...], from: 0) == text.count - 4)
    #expect(headEnd(text.dropLast(5), from: 0) == nil)
  }

  @Test func answersAreReadAndEndAsTheStandardSays() throws {
    func body(_ text: String, _ method: String = "GET") throws -> HTTPFraming {
      try HTTPResponseHead(Array("HTTP/1.1 \(text)\r\n\r\n".utf8)[...]).body(answering: method)
    }
    #expect(try body("200 OK\r\nContent-Length: 3") == .length(3))
    #expect(try body("200 OK\r\nContent-Length: 3", "HEAD") == .none)
    #expect(try body("204 No Content") == .none)
    #expect(try body("200") == .untilClose)
    #expect(try body("200 OK\r\nTransfer-Encoding: chunked") == .chunked)
    #expect(throws: HTTPDefect.self) { try body("200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: 3") }
    #expect(throws: HTTPDefect.self) { try body("20 OK") }
  }

  @Test(arguments: 1...30)
  func chunkedBodiesAreTakenApartInAnyPieces(piece: Int) throws {
    let bytes = Array("5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nTrailer: 1\r\n\r\nNEXT".utf8)
    var decoder = ChunkDecoder()
    var body: [UInt8] = []
    var used = 0
    while !decoder.isDone {
      let taken = try decoder.take(bytes[used..<min(bytes.count, used + piece)])
      body += taken.data
      used += taken.used
    }
    #expect(String(decoding: body, as: UTF8.self) == "hello world")
    #expect(String(decoding: bytes[used...], as: UTF8.self) == "NEXT")
  }

  @Test(arguments: [
    "\r\n", "x\r\n", "5 \r\n", "5\nhello", "5\r\nhello6\r\n", "5\r\nhelloX\r\n", "123456789\r\n", "-1\r\n", "0\r\n\rx",
    "0\r\nA: b\n\r\n",
    "5;a\nb\r\nhello\r\n", "0x5\r\n", "5\rx",
  ])
  func wrongChunksAreRefused(text: String) {
    #expect(throws: HTTPDefect.self) {
      var decoder = ChunkDecoder()
      _ = try decoder.take(Array(text.utf8)[...])
    }
  }

  @Test func randomBytesNeverCrashTheReaders() {
    var random = SystemRandomNumberGenerator()
    let alphabet = Array("GET POST/HTTP/1.1\r\n\r\n:;0123456789abcdefTransfer-Encoding chunked\u{0}".utf8)
    for _ in 0..<20_000 {
      let bytes = (0..<Int.random(in: 0...80, using: &random)).compactMap { _ in alphabet.randomElement(using: &random)
      }
      _ = try? HTTPRequestHead(bytes[...])
      _ = try? HTTPResponseHead(bytes[...])
      var decoder = ChunkDecoder()
      _ = try? decoder.take(bytes[...])
    }
  }

  /// Only what is known to change nothing passes without a token.
  @Test(arguments: [
    ("GET", "/subjects", RegistryRules.Kind.read), ("HEAD", "/subjects", .read), ("POST", "/subjects/a", .read),
    ("POST", "/subjects/a?deleted=true", .read), ("POST", "/subjects/a/", .read),
    ("POST", "/apis/ccompat/v7/subjects/a", .read), ("POST", "/compatibility/subjects/a/versions/latest", .read),
    ("POST", "/compatibility/subjects/a/versions", .read),
    ("POST", "/apis/ccompat/v7/compatibility/subjects/a/versions/1", .read),
    ("POST", "/subjects/a/versions", .write), ("POST", "/subjects", .write), ("PUT", "/config", .write),
    ("DELETE", "/subjects/a", .write), ("DELETE", "/config/a", .write), ("PATCH", "/subjects/a", .write),
    ("BREW", "/subjects", .write), ("POST", "/exporters", .write), ("POST", "/other/subjects/a", .write),
    ("POST", "/subjects/a%2Fversions", .write), ("POST", "/subjects/a%252Fversions", .write),
    ("POST", "/subjects//versions", .write), ("POST", "/subjects/..", .write),
    ("POST", "/compatibility/../subjects/a/versions", .write), ("POST", "/subjects/a;x/", .write),
    ("POST", "/subjects/a\\versions", .write), ("POST", "/apis/registry/v3/search/artifacts", .write),
    ("GET", "/mode", .mode(ofSubject: false)), ("PUT", "/mode", .mode(ofSubject: false)),
    ("PUT", "/apis/ccompat/v7/mode/a", .mode(ofSubject: true)),
  ])
  func writesAreToldFromReads(method: String, target: String, kind: RegistryRules.Kind) throws {
    let rules = RegistryRules(bases: RegistryRules.usualBases, servesMode: true)
    #expect(rules.kind(try request(method, target)) == kind)
  }

  @Test func aReadThatClaimsToBeAnotherMethodIsAWrite() throws {
    let rules = RegistryRules(bases: [""], servesMode: false)
    #expect(rules.kind(try request("GET", "/subjects", "X-HTTP-Method-Override: DELETE\r\n")) == .write)
    #expect(rules.kind(try request("POST", "/subjects/a", "X-HTTP-Method: PUT\r\n")) == .write)
    #expect(rules.kind(try request("PUT", "/mode")) == .write)
  }
}
