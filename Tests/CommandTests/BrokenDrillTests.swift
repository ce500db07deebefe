import Glibc
import Netlink
import Support
import Testing

/// What breaks beneath a drill ends it with one message and the right status; never with a verdict on what was not drilled.
@Suite("Drills on a broken ground", .serialized, .enabled(if: geteuid() == 0, "a drill needs root"))
struct BrokenDrillTests {
  @Test("a store that dies in the fault phase: status 6, named with its last words")
  func storeDies() async throws {
    try await withDirectory("broken") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until("fault.proven")
      try #require(kill(drill.server("eu", "store"), SIGKILL) == 0)
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.errors)")
      let lines = try lastLines(of: "\(drill.directory)/logs/eu-store.log")
      #expect(result.errors.contains("eu store: error: it ended by signal 9; its last words:\n    "))
      #expect(lines.contains { result.errors.contains("    \($0)\n") }, "none of its log's last lines is quoted")
      #expect(result.errors.contains("another system; all faults are verified gone\n"))
      #expect(result.errors.contains("  fix: read \(drill.directory)/logs/eu-store.log\n"))
      try drill.expectFaultsGone()
      try drill.expectNothingLeft()
      try drill.expectEvidence()
      let lost = try drill.journal.filter { $0.type == "server.ended" }
      #expect(lost.first?.data["region"]?.string == "eu" && lost.first?.data["server"]?.string == "store")
    }
  }

  @Test("an etcd that dies in the baseline: status 6, nothing was injected")
  func etcdDies() async throws {
    try await withDirectory("broken") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until(phase: "baseline")
      try #require(kill(drill.server("ap", "etcd"), SIGKILL) == 0)
      let result = try await drill.started.result()
      #expect(result.code == 6, "\(result.errors)")
      #expect(result.errors.contains("ap etcd: error: it ended by signal 9; its last words:\n    "))
      #expect(try !drill.journal.contains { $0.type == "fault.arming" })
      try drill.expectNothingLeft()
      try drill.expectEvidence()
    }
  }

  @Test("a disk that fills up in the fault phase: status 7, the fault and the lab are taken away all the same")
  func diskFillsUp() async throws {
    try await withDirectory("broken") { directory in
      try await withSmallDisk(at: "\(directory)/disk", size: "6m") { disk in
        let drill = try RunningDrill(in: directory, run: "\(disk)/run")
        try await drill.until("fault.proven")
        let namespace = try drill.namespace("east")
        let tables = ["netns", "exec", namespace, "nft", "list", "tables"]
        #expect(try await Blackstart.command("/usr/sbin/ip", tables, in: directory).output.contains("bs_"))
        // What another program would do to this disk.
        _ = try await Blackstart.command("/bin/dd", ["if=/dev/zero", "of=\(disk)/other", "bs=4k"], in: directory)
        let result = try await drill.started.result()
        #expect(result.code == 7, "\(result.errors)")
        #expect(
          result.errors.contains("\(drill.directory)/journal.jsonl: error: the evidence cannot be kept any more: write")
        )
        #expect(result.errors.contains("No space left on device (28)"))
        #expect(result.errors.contains("all faults are verified gone"))
        #expect(result.errors.contains("  fix: free space"))
        #expect(result.output.contains("INCONCLUSIVE"))
        try drill.expectNothingLeft()

        // With room again, the evidence so far is judged and reported.
        try removeTree("\(disk)/other")
        let report = try await Blackstart.run(["report", drill.directory], in: directory)
        #expect(report.code == 7, "\(report.errors)")
        #expect(fileExists("\(drill.directory)/report.html"))
      }
    }
  }

  /// The system is broken before we break it: somebody has pulled east's cable.
  @Test("a steady state that does not come to hold: status 3, nothing was injected")
  func noSteadyState() async throws {
    try await withDirectory("broken") { directory in
      let drill = try RunningDrill(in: directory)
      try await drill.until("lab.up")
      let pulled = try await Blackstart.command(
        "/usr/sbin/ip", ["-n", drill.namespace("east"), "link", "set", "eth0", "down"], in: directory)
      try #require(pulled.code == 0, "\(pulled.errors)")
      let result = try await drill.started.result()
      #expect(result.code == 3, "\(result.errors)")
      #expect(result.errors.contains("error: the steady state did not hold before the drill ("))
      #expect(
        result.errors.contains("; nothing was injected\n  fix: mend the system or the hypothesis, then run again\n"))
      #expect(result.errors.contains("mirror-lag") || result.errors.contains("leader"))
      #expect(try !drill.journal.contains { $0.type.hasPrefix("fault.") })
      try drill.expectNothingLeft()
      try drill.expectEvidence()
    }
  }

  @Test("a name that is up already, and a port in use inside the lab: each named, and nothing else touched")
  func labsInTheWay() async throws {
    try await withDirectory("broken") { directory in
      let name = "t\(getpid())"
      let state = ["--name", name, "--state", "\(directory)/state"]

      // Somebody listens on the store's port in the region, before the store is started there.
      let raced = try Started(Blackstart.program, ["lab", "up"] + state, in: directory)
      let listener = try await listen(on: 5432, in: "bs-\(name)-eu", beforeTheEndOf: raced.child)
      let refused = try await raced.result()
      close(listener)
      #expect(refused.code == 3, "\(refused.errors)")
      #expect(refused.errors.contains("eu store: error: "))
      #expect(refused.errors.lowercased().contains("address already in use"), "\(refused.errors)")
      #expect(refused.errors.contains("fix: the port is taken inside the region's namespace"), "\(refused.errors)")
      #expect(try listDirectory("\(directory)/state/labs") == [])

      let up = try await Blackstart.run(["lab", "up"] + state, in: directory)
      try #require(up.code == 0, "\(up.errors)")
      let again = try await Blackstart.run(["lab", "up"] + state, in: directory)
      #expect(again.code == 2)
      #expect(
        again.errors == """
          \(directory)/state/labs/\(name): error: there is a lab '\(name)' already; it was not touched
            fix: blackstart lab down --name \(name), or blackstart recover if its run was killed

          """)
      let recover = try await Blackstart.run(["recover", "--state", "\(directory)/state"], in: directory)
      #expect(recover.output == "There was nothing to remove.\n", "a lab that is kept was removed")
      let status = try await Blackstart.run(["lab", "status"] + state, in: directory)
      #expect(status.code == 0, "\(status.output)\(status.errors)")
      let down = try await Blackstart.run(["lab", "down"] + state, in: directory)
      #expect(down.code == 0, "\(down.errors)")
      #expect(try listDirectory("\(directory)/state/labs") == [])
      #expect(try listDirectory("/run/netns").filter { $0.hasPrefix("bs-\(name)-") } == [])
      #expect(try processes(touching: "\(directory)/state") == [])
    }
  }

  /// Opens a listening socket in a namespace as soon as that exists.
  private func listen(on port: UInt16, in name: String, beforeTheEndOf child: ChildProcess) async throws -> Int32 {
    while child.end == nil {
      // Half-made names cannot be opened yet.
      if let namespace = try? NetworkNamespace.open(named: name) {
        return try namespace.run {
          let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
          var address = sockaddr_in()
          address.sin_family = sa_family_t(AF_INET)
          address.sin_port = port.bigEndian
          let bound = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
              bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
          }
          guard descriptor >= 0, bound == 0, Glibc.listen(descriptor, 1) == 0 else {
            throw SystemError("bind", "\(name):\(port)")
          }
          return descriptor
        }
      }
      try await Task.sleep(for: .milliseconds(5))  // nothing tells when a name appears
    }
    throw Missed(type: "namespace \(name)", output: "lab up ended first")
  }

  private func lastLines(of path: String) throws -> [String] {
    String(decoding: try readFile(path), as: UTF8.self).split(separator: "\n").suffix(6).map(String.init)
  }
}
