import Glibc
import Support
import Testing

/// `blackstart guard admin` and `blackstart guard registry` as programs: what they refuse to start with, and what they let pass when
/// etcd is away. What they decide is tested with the guards.
@Suite struct GuardCommandTests {
  /// Nobody listens there.
  private static let away = "http://127.0.0.1:1"
  private static let registry = ["guard", "registry", "--listen", "127.0.0.1:0", "--registry", "127.0.0.1:9"]
  private static let admin = ["guard", "admin", "--route", "127.0.0.1:0=127.0.0.1:9"]

  @Test(arguments: [
    (["guard", "admin", "--etcd", away, "--state", "s"], "an admin guard needs --route"),
    (["guard", "admin", "--route", "127.0.0.1:0", "--etcd", away, "--state", "s"], "is no pair of addresses"),
    (["guard", "admin", "--route", "127.0.0.1=127.0.0.1:9", "--etcd", away, "--state", "s"], "no address with a port"),
    (
      ["guard", "admin", "--route", "nowhere.invalid:0=127.0.0.1:9", "--etcd", away, "--state", "s"],
      "the host cannot be resolved"
    ),
    (admin + ["--state", "s"], "a guard needs --etcd"), (admin + ["--etcd", away], "a guard needs --state"),
    (admin + ["--etcd", away, "--state", "s", "--threads", "0"], "is no number from 1 to 64"),
    (admin + ["--etcd", away, "--state", "s", "--unknown-requests", "maybe"], "'maybe' is not known"),
    (admin + ["--etcd", away, "--state", "s", "--plant", "weeds"], "there is no plant 'weeds'"),
    (["guard", "registry", "--registry", "127.0.0.1:9", "--etcd", away, "--state", "s"], "needs --listen"),
    (["guard", "registry", "--listen", "127.0.0.1:0", "--etcd", away, "--state", "s"], "needs --registry"),
    (registry + ["--etcd", away, "--state", "s", "--max-age", "-1"], "no number of seconds from 0 to 3600"),
    (registry + ["--etcd", away, "--state", "s", "--max-age", "soon"], "no number of seconds from 0 to 3600"),
    (registry + ["--etcd", away, "--state", "s", "--log", "/nowhere/at/all"], "/nowhere/at/all"),
    (
      admin + ["--etcd", away, "--state", "s", "--certificate", "c.pem"],
      "--certificate and --certificate-key go together"
    ),
    (
      registry + ["--etcd", away, "--state", "s", "--client-ca", "ca.pem"],
      "--client-ca has no effect without --certificate"
    ),
    (
      admin + ["--etcd", away, "--state", "s", "--upstream-name", "b"],
      "--upstream-name has no effect without --upstream-ca"
    ),
    (
      registry + ["--etcd", away, "--state", "s", "--upstream-ca", "/nowhere.pem"],
      "/nowhere.pem: error: the certificate authorities cannot be read"
    ),
  ])
  func `what no guard can be started with is refused, and nothing listens`(
    arguments: [String], message: String
  ) async throws {
    try await withDirectory("guards") { directory in
      let result = try await Blackstart.run(arguments, in: directory)
      #expect(result.code != 0)
      #expect(result.errors.contains(message), "\(result.errors)")
      #expect(!result.output.contains("listening"))
    }
  }

  @Test(arguments: ["admin", "registry"]) func `a port in use is named, and nothing is started`(
    guarded: String
  ) async throws {
    try await withDirectory("guards") { directory in
      try await TinyHTTPServer.serving({ _ in (200, "") }) { taken in
        let place = "127.0.0.1:\(taken.port)"
        let arguments =
          guarded == "admin"
          ? ["guard", "admin", "--route", "\(place)=127.0.0.1:9"]
          : ["guard", "registry", "--listen", place, "--registry", "127.0.0.1:9"]
        let result = try await Blackstart.run(arguments + ["--etcd", Self.away, "--state", "state"], in: directory)
        #expect(result.code == 2)
        #expect(result.errors.contains("\(place): error: cannot listen here: "), "\(result.errors)")
      }
    }
  }

  @Test func `two guards do not share a state`() async throws {
    try await withDirectory("guards") { directory in
      try await withGuard(Self.admin, in: directory) { _ in
        let second = try await Blackstart.run(
          Self.admin + ["--etcd", Self.away, "--state", "\(directory)/state"], in: directory)
        #expect(second.code == 2)
        #expect(second.errors.contains("another guard uses this state directory"), "\(second.errors)")
      }
    }
  }

  @Test func `without etcd a registry guard lets reads pass and no write, whatever its token`() async throws {
    try await withDirectory("guards") { directory in
      try await TinyHTTPServer.serving({ _ in (200, "[]") }) { upstream in
        let arguments = ["guard", "registry", "--listen", "127.0.0.1:0", "--registry", "127.0.0.1:\(upstream.port)"]
        try await withGuard(arguments, in: directory) { port in
          let read = try await ask("GET /subjects", port: port)
          #expect(read.hasPrefix("HTTP/1.1 200 ") && read.hasSuffix("[]"), "\(read)")
          for (header, rule) in [("", "no-token"), ("X-Fencing-Token: 12\r\n", "authority-unknown")] {
            let answer = try await ask("POST /subjects/a/versions", header, body: "{}", port: port)
            #expect(answer.hasPrefix("HTTP/1.1 409 ") && answer.contains("\"rule\":\"\(rule)\""), "\(answer)")
          }
        }
        #expect(upstream.requests.map(\.method) == ["GET"])
      }
      let log = String(decoding: try readFile("\(directory)/state/decisions.jsonl"), as: UTF8.self)
      #expect(log.contains("authority-unknown") && log.contains("no-token"))
    }
  }

  @Test func `without etcd an admin guard refuses administration in its own version, and the broker sees none of it`()
    async throws
  {
    try await withDirectory("guards") { directory in
      try await TinyHTTPServer.serving({ _ in (200, "") }) { broker in
        try await withGuard(
          ["guard", "admin", "--route", "127.0.0.1:0=127.0.0.1:\(broker.port)"], in: directory
        ) { port in
          let answer = try await onOwnThread("client") {
            try exchange(createTopics, port: port, isWhole: isKafkaResponse)
          }
          // Correlation id, no throttling, one topic `t`, CLUSTER_AUTHORIZATION_FAILED.
          #expect(
            answer.dropFirst(4).starts(with: [0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1, 0x74, 0, 31]), "\(answer)")
        }
        #expect(broker.requests.isEmpty)
      }
      let log = String(decoding: try readFile("\(directory)/state/decisions.jsonl"), as: UTF8.self)
      #expect(log.contains("authority-unknown") && log.contains("\"clientID\":\"x;token=12\""), "\(log)")
    }
  }

  /// Asks the registry guard on `port`, and returns its whole answer.
  private func ask(_ what: String, _ header: String = "", body: String = "", port: UInt16) async throws -> String {
    let request =
      "\(what) HTTP/1.1\r\nHost: registry\r\n\(header)Connection: close\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)"
    return try await onOwnThread("client") {
      String(decoding: try exchange(Array(request.utf8), port: port) { _ in false }, as: UTF8.self)
    }
  }

  /// Runs a guard whose etcd is away while `body` runs, which gets the port it listens on; then it must end well by SIGTERM.
  private func withGuard(
    _ arguments: [String], in directory: String, _ body: (UInt16) async throws -> Void
  ) async throws {
    let output = "\(directory)/said"
    let descriptor = open(output, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let started = try Started(
      Blackstart.program, arguments + ["--etcd", Self.away, "--state", "\(directory)/state", "--max-age", "0"],
      in: directory, output: descriptor)
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(try await port(in: output, of: started))) } catch {
      outcome = .failure(error)
    }
    let end = try await started.child.terminate(grace: .seconds(10))
    let said = try started.saidSoFar
    #expect(end == .exited(0), "\(said)")
    try outcome.get()
  }

  private func port(in file: String, of started: Started) async throws -> UInt16 {
    let deadline = Timebase.system.monotonic() + 20_000_000_000
    while Timebase.system.monotonic() < deadline, started.child.end == nil {
      let text = String(decoding: try readFile(file), as: UTF8.self)
      if let end = text.firstRange(of: " for the"), let place = text[..<end.lowerBound].split(separator: ":").last,
        let port = UInt16(place)
      {
        return port
      }
      try await Task.sleep(for: .milliseconds(20))  // nothing tells a reader that another process has written
    }
    throw Problem(.fail, at: "guard", "it does not listen: \(try started.saidSoFar)")
  }
}

/// CreateTopics 2 of one topic `t`, correlation id 7, client id `x;token=12` (source: the message schemas of Kafka).
private let createTopics: [UInt8] = {
  let client = Array("x;token=12".utf8)
  let header: [UInt8] = [0, 19, 0, 2, 0, 0, 0, 7, 0, UInt8(client.count)] + client
  let topic: [UInt8] = [0, 1, 0x74, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0]
  let body: [UInt8] = [0, 0, 0, 1] + topic + [0, 0, 0x13, 0x88, 0]
  return [0, 0, 0, UInt8(header.count + body.count)] + header + body
}()

/// Whether a response of Kafka is all there: its length stands before it.
private func isKafkaResponse(_ bytes: [UInt8]) -> Bool {
  bytes.count >= 4 && bytes.count >= 4 + Int(bytes[2]) << 8 + Int(bytes[3])
}

/// Sends a request and returns what comes back until it is whole, the connection ends or ten seconds bring nothing.
private func exchange(
  _ request: [UInt8], port: UInt16, isWhole: ([UInt8]) -> Bool
) throws -> [UInt8] {
  let connection = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  defer { close(connection) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let isConnected = withUnsafePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(connection, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
    }
  }
  guard isConnected, send(connection, request, request.count, Int32(MSG_NOSIGNAL)) == request.count else {
    throw SystemError("connect", "port \(port)")
  }
  var answer: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 4096)
  while !isWhole(answer) {
    var entry = pollfd(fd: connection, events: Int16(POLLIN), revents: 0)
    guard poll(&entry, 1, 10_000) > 0 else { break }
    let count = recv(connection, &buffer, buffer.count, 0)
    guard count > 0 else { break }
    answer += buffer.prefix(count)
  }
  return answer
}
