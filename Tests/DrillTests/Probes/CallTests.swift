import Glibc
import Netlink
import Scenarios
import Support
import TestSupport
import Testing

@testable import Drill

/// Programs and connections that probes, steps and messages make.
@Suite struct CallTests {
  private func run(_ words: [String], input: String = "", within limit: Duration = .seconds(20)) async throws
    -> ProgramResult
  {
    try await withTemporaryDirectory("calls", remove: { try removeTree($0) }) { directory in
      try await runProgram(
        words, input: Array(input.utf8), output: "\(directory)/out", networkNamespace: nil, within: limit,
        clock: ContinuousClock())
    }
  }

  @Test func aProgramReadsItsInputAndItsOutputIsKept() async throws {
    let result = try await run(["cat"], input: "T+5: east is lost")
    #expect(result.end == .exited(0) && result.output == "T+5: east is lost")
    #expect(try await run(["sh", "-c", "echo no >&2; exit 3"]).end == .exited(3))
  }

  /// Arguments are not a shell's: what looks like one stays a word.
  @Test func noShellSeesTheWords() async throws {
    #expect(try await run(["echo", "$HOME; ls"]).output == "$HOME; ls\n")
  }

  /// A child that only SIGKILL ends goes with its group: at the deadline, when the caller is cancelled, and after the leader.
  @Test(arguments: ["deadline", "cancelled", "leader"])
  func nothingOfTheGroupIsLeft(way: String) async throws {
    try await withTemporaryDirectory("group", remove: { try removeTree($0) }) { directory in
      let note = "\(directory)/pid"
      let rest = way == "leader" ? "" : "; wait"
      let words = ["sh", "-c", "trap '' TERM HUP; sleep 86400 & echo $! > \(note).new; mv \(note).new \(note)\(rest)"]
      let task = Task {
        try await runProgram(
          words, output: "\(directory)/out", networkNamespace: nil, within: .seconds(way == "deadline" ? 2 : 60),
          clock: ContinuousClock())
      }
      if way == "cancelled" {
        while !fileExists(note) { try await Task.sleep(for: .milliseconds(10)) }
        task.cancel()
      }
      let result = await task.result
      switch (way, result) {
      case ("leader", .success(let result)): #expect(result.end == .exited(0))
      case ("deadline", .failure(let error)): #expect(error is DeadlineExceeded)
      case ("cancelled", .failure(let error)): #expect(error is CancellationError)
      default: Issue.record("\(way): \(result)")
      }
      let text = String(decoding: try readFile(note), as: UTF8.self).filter(\.isNumber)
      let pid = try #require(Int32(text))
      // An orphan is collected by init, not by us; that takes a moment.
      let deadline = ContinuousClock.now + .seconds(10)
      while isAlive(pid), ContinuousClock.now < deadline { try await Task.sleep(for: .milliseconds(10)) }
      #expect(!isAlive(pid))
    }
  }

  private func isAlive(_ pid: Int32) -> Bool {
    guard let stat = try? readFile("/proc/\(pid)/stat") else { return false }
    return !String(decoding: stat, as: UTF8.self).contains(") Z ")
  }

  @Test func whatIsNoProgramIsNamed() async throws {
    await #expect(throws: SystemError.self) { try await run(["no-such-program-at-all"]) }
    await #expect(throws: SystemError.self) { try await run([]) }
  }

  @Test func aSecretIsReadWhereItIsAndAMissingOneIsNamedOnly() async throws {
    try await withTemporaryDirectory("secrets", remove: { try removeTree($0) }) { directory in
      try writeFile("\(directory)/s", Array("hush\n".utf8))
      let secrets = Secrets([
        Secret(name: "file", source: .file("\(directory)/s")), Secret(name: "gone", source: .file("\(directory)/none")),
        Secret(name: "unset", source: .environment("BLACKSTART_TEST_UNSET")),
      ])
      #expect(try secrets.fill(Template("Bearer ${secret:file}; ${fact:leader}")) == "Bearer hush; ${fact:leader}")
      for name in ["gone", "unset", "unknown"] {
        let refusal = try #require(try problem { _ = try secrets.value(name) })
        #expect(refusal.what.contains("'\(name)'") && !refusal.what.contains("hush"))
      }
    }
  }

  @Test func aPortIsOpenOrNot() async throws {
    let loopback = try #require(IPAddress("127.0.0.1"))
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let bound = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
        bind(listener, generic, length) == 0 && getsockname(listener, generic, &length) == 0
      }
    }
    try #require(bound)
    let port = UInt16(bigEndian: address.sin_port)
    // Bound but not listening: nobody else has the port, and it refuses.
    #expect(try await connectTCP(loopback, port: port, within: .seconds(5), networkNamespace: nil) != nil)
    try #require(listen(listener, 1) == 0)
    #expect(try await connectTCP(loopback, port: port, within: .seconds(5), networkNamespace: nil) == nil)
  }
}
