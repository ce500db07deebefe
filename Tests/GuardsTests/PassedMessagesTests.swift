import Testing

@testable import Guards

/// What the registry guard makes of a message on its way, byte for byte.
@Suite struct PassedMessagesTests {
  private let upstream = Endpoint(host: "10.0.0.7", port: 8080)

  private func lines(_ text: String...) -> [UInt8] { Array(text.map { "\($0)\r\n" }.joined().utf8) }

  private func request(_ text: String...) throws -> HTTPRequestHead {
    try HTTPRequestHead(Array((text + [""]).map { "\($0)\r\n" }.joined().utf8)[...])
  }

  private func response(_ text: String...) throws -> HTTPResponseHead {
    try HTTPResponseHead(Array((text + [""]).map { "\($0)\r\n" }.joined().utf8)[...])
  }

  @Test func whatBelongsToOneConnectionGoesNoFurther() throws {
    let head = try request(
      "POST /subjects/a/versions HTTP/1.1", "Host: registry", "Connection: keep-alive, X-Mine", "X-Mine: 1",
      "Keep-Alive: 5", "TE: trailers", "Proxy-Authorization: Basic eA==", "Upgrade: h2c", "Expect: 100-continue",
      "Content-Length: 2", "X-Fencing-Token: 12")
    #expect(
      passedOn(head, Array("{}".utf8), to: upstream)
        == lines(
          "POST /subjects/a/versions HTTP/1.1", "host: registry", "x-fencing-token: 12", "content-length: 2",
          "via: 1.1 blackstart", "") + Array("{}".utf8))
  }

  /// A chunked body was read whole: its length is said, never its encoding.
  @Test func aChunkedRequestIsGivenItsLength() throws {
    let head = try request("PUT /config HTTP/1.1", "host: r", "Transfer-Encoding: chunked")
    #expect(
      passedOn(head, [1, 2, 3], to: upstream)
        == lines("PUT /config HTTP/1.1", "host: r", "content-length: 3", "via: 1.1 blackstart", "") + [1, 2, 3])
  }

  @Test(arguments: [("GET", false), ("HEAD", false), ("DELETE", false), ("POST", true), ("PUT", true)])
  func aRequestWithoutABodySaysSoWhereItCouldHaveOne(method: String, says: Bool) throws {
    let head = try request("\(method) / HTTP/1.0")
    let length = says ? ["content-length: 0"] : []
    let expected = ["\(method) / HTTP/1.1", "host: 10.0.0.7:8080"] + length + ["via: 1.0 blackstart", "", ""]
    #expect(passedOn(head, [], to: upstream) == Array(expected.joined(separator: "\r\n").utf8))
  }

  @Test func anAnswerSaysHowItsBodyEnds() throws {
    let asked = try request("GET / HTTP/1.1", "host: r")
    let head = try response(
      "HTTP/1.1 200 OK", "Content-Type: a/b", "Content-Length: 5", "Connection: close", "Trailer: X")
    #expect(
      passedBack(head, to: asked, .length(5), keepsAlive: true)
        == lines("HTTP/1.1 200 OK", "content-type: a/b", "content-length: 5", "connection: keep-alive", ""))
    #expect(
      passedBack(head, to: asked, .none, keepsAlive: false)
        == lines("HTTP/1.1 200 OK", "content-type: a/b", "content-length: 5", "connection: close", ""),
      "the length of what HEAD would have got")
    let open = try response("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
    for framing in [HTTPFraming.chunked, .untilClose] {
      #expect(
        passedBack(open, to: asked, framing, keepsAlive: true)
          == lines("HTTP/1.1 200 OK", "transfer-encoding: chunked", "connection: keep-alive", ""))
    }
    #expect(
      passedBack(open, to: try request("GET / HTTP/1.0"), .chunked, keepsAlive: false)
        == lines("HTTP/1.1 200 OK", "connection: close", ""), "HTTP/1.0 knows no chunks")
  }
}
