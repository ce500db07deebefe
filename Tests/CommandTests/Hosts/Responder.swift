import Glibc
import Support
import Testing

/// A program on port 8081 of a host that tells its number and what time it has, started again whenever it ends.
struct Responder: Sendable {
  private let hosts: Hosts
  private let host: String
  private let address: String

  /// One answer.
  struct Answer: Sendable, Hashable {
    var pid: Int32
    /// Seconds since 1970.
    var time: Double
  }

  private static let program = """
    import http.server, os, time
    class Handler(http.server.BaseHTTPRequestHandler):
      def do_GET(self):
        body = f"{os.getpid()} {time.time()}".encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
      def log_message(self, *_):
        pass
    http.server.HTTPServer(("", 8081), Handler).serve_forever()

    """

  /// Starts it on a host and waits for its first answer. It ends with the host.
  static func start(on host: String, _ number: Int, of hosts: Hosts) async throws -> Responder {
    let command = try command(in: hosts)
    _ = try Started(
      "/usr/bin/nsenter",
      Array(hosts.enter(host).dropFirst()) + ["/bin/sh", "-c", "while :; do \(command); done"], in: hosts.directory)
    return try await found(on: host, number, of: hosts)
  }

  /// What starts it once, without a shell.
  static func command(in hosts: Hosts) throws -> String {
    let path = "\(hosts.directory)/responder.py"
    try writeFile(path, Array(program.utf8))
    // `-I -S`: nothing of this machine's own Python gets in.
    return "/usr/bin/python3 -I -S \(path)"
  }

  /// The one that somebody else has started on a host, once it answers.
  static func found(on host: String, _ number: Int, of hosts: Hosts) async throws -> Responder {
    let responder = Responder(hosts: hosts, host: host, address: "10.77.0.\(number)")
    _ = try await responder.untilAnswered()
    return responder
  }

  /// Asks it from its own host; `nil`: no answer within a second.
  func ask() async throws -> Answer? {
    let result = try await hosts.run("/usr/bin/curl", ["-s", "-m", "1", "http://\(address):8081/"], on: host)
    let words = result.output.split(separator: " ")
    guard result.code == 0, words.count == 2, let pid = Int32(words[0]), let time = Double(words[1]) else { return nil }
    return Answer(pid: pid, time: time)
  }

  /// Asks until it answers.
  func untilAnswered() async throws -> Answer {
    let deadline = ContinuousClock.now + .seconds(20)
    while true {
      if let answer = try await ask() { return answer }
      try #require(ContinuousClock.now < deadline, "port 8081 of \(host) does not answer")
      try await Task.sleep(for: .milliseconds(50))  // a program that starts tells nobody
    }
  }

  /// The kernel's letter for the state of a process: `T` and `t` stand still.
  static func state(of pid: Int32) throws -> Character? {
    let text = String(decoding: try readFile("/proc/\(pid)/stat"), as: UTF8.self)
    return text.split(separator: ")").last?.first { $0 != " " }
  }
}

/// Seconds since 1970, by this machine's clock.
func wallSeconds() -> Double { Double(Timebase.system.wall()) / 1e9 }
