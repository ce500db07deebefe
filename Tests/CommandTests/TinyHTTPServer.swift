import Glibc
import Support
import Synchronization
import Testing

/// A real HTTP server on a port of the loopback interface, one request a connection, for what a drill asks and tells outside.
final class TinyHTTPServer: Sendable {
  /// What somebody asked.
  struct Request: Sendable {
    var method: String
    var target: String
    var headers: [String: String]
    var body: String
  }

  /// Status and body of an answer.
  typealias Answer = (status: Int, body: String)

  let port: UInt16
  private let listener: Int32
  private let answer: @Sendable (Request) -> Answer
  private let state = Mutex<[Request]>([])
  private let isStopped = Atomic(false)

  /// Every request so far.
  var requests: [Request] { state.withLock { $0 } }

  private init(_ answer: @escaping @Sendable (Request) -> Answer) throws {
    self.answer = answer
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = withUnsafeMutablePointer(to: &address) { [listener] pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(listener, generic, length) == 0 && listen(listener, 16) == 0
          && getsockname(listener, generic, &length) == 0
      }
    }
    try #require(isBound)
    port = UInt16(bigEndian: address.sin_port)
  }

  /// Serves while `body` runs.
  static func serving<T: Sendable>(
    _ answer: @escaping @Sendable (Request) -> Answer, _ body: (TinyHTTPServer) async throws -> T
  ) async throws -> T {
    let server = try TinyHTTPServer(answer)
    defer { close(server.listener) }
    async let loop: Void = onOwnThread("tiny http") { server.serve() }
    let result: Result<T, any Error>
    do { result = .success(try await body(server)) } catch { result = .failure(error) }
    server.isStopped.store(true, ordering: .releasing)
    try await loop
    return try result.get()
  }

  private func serve() {
    while !isStopped.load(ordering: .acquiring) {
      var entry = pollfd(fd: listener, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 100) > 0 else { continue }
      let connection = accept(listener, nil, nil)
      guard connection >= 0 else { continue }
      defer { close(connection) }
      guard let request = read(connection) else { continue }
      state.withLock { $0.append(request) }
      let (status, body) = answer(request)
      let text =
        "HTTP/1.1 \(status) said\r\nContent-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)"
      var bytes = Array(text.utf8)[...]
      while !bytes.isEmpty {
        let count = bytes.withUnsafeBytes { send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
        guard count > 0 else { break }
        bytes = bytes.dropFirst(count)
      }
    }
  }

  private func read(_ connection: Int32) -> Request? {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      if let request = Self.parse(String(decoding: bytes, as: UTF8.self)) { return request }
      var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
      guard poll(&entry, 1, 2000) > 0 else { return nil }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      bytes += buffer.prefix(count)
    }
  }

  /// A request that is all there.
  private static func parse(_ text: String) -> Request? {
    guard let end = text.firstRange(of: "\r\n\r\n") else { return nil }
    // A line break of HTTP is one character of Swift.
    let lines = text[..<end.lowerBound].split(separator: "\r\n")
    let words = lines.first?.split(separator: " ") ?? []
    guard words.count == 3 else { return nil }
    let headers = Dictionary(
      lines.dropFirst().compactMap { line -> (String, String)? in
        guard let colon = line.firstIndex(of: ":") else { return nil }
        return (line[..<colon].lowercased(), String(line[line.index(after: colon)...].drop { $0 == " " }))
      }, uniquingKeysWith: { $1 })
    let body = String(text[end.upperBound...])
    guard body.utf8.count >= Int(headers["content-length"] ?? "0") ?? 0 else { return nil }
    return Request(method: String(words[0]), target: String(words[1]), headers: headers, body: body)
  }
}
