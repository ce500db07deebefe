import Agents
import Glibc
import Netlink
import Support
import Testing

@testable import Drill

/// What an agent asks for a drill, with real connections.
@Suite struct AnswerTests {
  /// A listener on a port of this machine's loopback that nobody else has.
  private struct Listener: Sendable {
    let descriptor: Int32
    let port: UInt16

    /// - Parameter backlog: how many may wait to be accepted; `nil`: nobody listens, and its kernel refuses.
    static func with(backlog: Int32? = 16, _ body: (Listener) async throws -> Void) async throws {
      let listener = try Listener(backlog: backlog)
      defer { close(listener.descriptor) }
      try await body(listener)
    }

    private init(backlog: Int32?) throws {
      let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      var address = sockaddr_in()
      address.sin_family = sa_family_t(AF_INET)
      address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
      var length = socklen_t(MemoryLayout<sockaddr_in>.size)
      let isOpen = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          bind(made, generic, length) == 0 && (backlog.map { listen(made, $0) } ?? 0) == 0
            && getsockname(made, generic, &length) == 0
        }
      }
      try #require(isOpen)
      descriptor = made
      port = UInt16(bigEndian: address.sin_port)
    }

    /// Waits for a connection, which is the caller's.
    func take() async throws -> Int32 {
      try await onOwnThread("server") { [descriptor] in accept(descriptor, nil, nil) }
    }

    /// Answers one request with a head and so many bytes.
    func answer(_ head: String, bytes: Int) async throws {
      try await onOwnThread("server") { [descriptor] in
        let connection = accept(descriptor, nil, nil)
        defer { close(connection) }
        var request = [UInt8](repeating: 0, count: 4096)
        _ = recv(connection, &request, request.count, 0)
        func send(_ bytes: [UInt8]) -> Bool {
          var sent = 0
          while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes {
              Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
            }
            guard count > 0 else { return false }
            sent += count
          }
          return true
        }
        guard send(Array("HTTP/1.1 \(head)\r\nContent-Length: \(bytes)\r\n\r\n".utf8)) else { return }
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 16)
        var left = bytes
        while left > 0, send(left < block.count ? Array(block[..<left]) : block) { left -= min(left, block.count) }
      }
    }
  }

  private func get(_ listener: Listener, within limit: Duration = .seconds(60), keeping kept: Int = 1 << 16)
    -> HostQuestion
  {
    HostQuestion(
      .http(method: "GET", url: "http://127.0.0.1:\(listener.port)/", headers: [], body: nil), within: limit,
      keeping: kept)
  }

  @Test func aShortAnswerIsWhole() async throws {
    try await Listener.with { listener in
      async let served: Void = listener.answer("503 No", bytes: 5)
      #expect(
        try await answer(get(listener)) == .answered(status: 503, beginning: "xxxxx", sentBytes: 5, ofBytes: 5))
      try await served
    }
  }

  /// All of it is waited for, and next to nothing of it is kept: neither here nor on its way.
  @Test(arguments: [0, 7, 1 << 16]) func ofAHugeAnswerTheBeginningIsKept(kept: Int) async throws {
    let all = 100 << 20
    try await Listener.with { listener in
      async let served: Void = listener.answer("200 OK", bytes: all)
      guard case .answered(200, let text, let sent, let bytes) = try await answer(get(listener, keeping: kept)) else {
        Issue.record("no answer")
        return
      }
      try await served
      #expect(sent == kept && text.utf8.count == kept && bytes == all)
    }
  }

  @Test func anAnswerThatIsNotThereInTimeIsNone() async throws {
    try await Listener.with { listener in
      let told = try await answer(get(listener, within: .milliseconds(300)))
      #expect(told == .nothing("Timeout was reached"))
    }
  }

  /// The service of an agent ends, and with it what it still asks.
  @Test(arguments: ["http", "tcp"]) func aQuestionEndsWithItsTask(kind: String) async throws {
    try await Listener.with(backlog: 0) { listener in
      let loopback = try #require(IPAddress("127.0.0.1"))
      var question = get(listener, within: .seconds(600))
      var crowd: [Int32] = []
      var taken: Int32?
      defer { for one in crowd + [taken].compactMap(\.self) { close(one) } }
      if kind == "tcp" {
        question = HostQuestion(.tcp(loopback, port: listener.port), within: .seconds(600))
        // Until its queue is full: then its kernel answers nobody any more.
        for _ in 0..<8 { crowd.append(beginConnection(to: listener.port)) }
      }
      let begun = ContinuousClock.now
      let task = Task { [question] in try await answer(question) }
      if kind == "http" {
        taken = try await listener.take()
      } else {
        try await Task.sleep(for: .milliseconds(300))  // it is to be under way
      }
      task.cancel()
      let result = await task.result
      #expect(throws: CancellationError.self) { try result.get() }
      #expect(ContinuousClock.now - begun < .seconds(60))
    }
  }

  /// Begins a connection and lets it be.
  private func beginConnection(to port: UInt16) -> Int32 {
    let made = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    address.sin_port = port.bigEndian
    withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = connect(made, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    return made
  }

  @Test func aPortIsOpenOrRefuses() async throws {
    let loopback = try #require(IPAddress("127.0.0.1"))
    func ask(_ listener: Listener) async throws -> HostTold {
      try await answer(HostQuestion(.tcp(loopback, port: listener.port), within: .seconds(30)))
    }
    try await Listener.with { listener in
      let told = try await ask(listener)
      #expect(told == .connected)
    }
    try await Listener.with(backlog: nil) { listener in
      let told = try await ask(listener)
      #expect(told == .refused(errnoText(ECONNREFUSED)))
    }
  }
}
