import Glibc
import Support
import Testing

@testable import Faults

/// A control group of one test with a program in it; both are removed whatever happens.
private struct TestGroup {
  let directory: String
  let child: ChildProcess

  /// Where groups that have `file` can be made on this machine; `nil` for nowhere.
  static func parent(having file: String) -> String? {
    let parents = ["/sys/fs/cgroup/unified", "/sys/fs/cgroup", "/sys/fs/cgroup/cpu", "/sys/fs/cgroup/freezer"]
    for parent in parents {
      let probe = "\(parent)/bs-probe-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      guard mkdir(probe, 0o755) == 0 else { continue }
      defer { rmdir(probe) }
      if fileExists("\(probe)/\(file)"), fileExists("\(probe)/cgroup.procs") { return parent }
    }
    return nil
  }

  static func with<R>(
    having file: String, running script: String = "while :; do :; done", _ body: (TestGroup) async throws -> R
  ) async throws -> R {
    let parent = try #require(Self.parent(having: file))
    let directory = "\(parent)/bs-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard mkdir(directory, 0o755) == 0 else { throw SystemError("mkdir", directory) }
    var request = ProcessRequest("/bin/sh", ["-c", script])
    request.controlGroups = [directory]
    let child = try ChildProcess(request)
    let outcome: Result<R, any Error>
    do {
      outcome = .success(try await body(TestGroup(directory: directory, child: child)))
    } catch { outcome = .failure(error) }
    try await child.terminate(Signal.kill)
    for member in try ControlGroups.members(of: directory) { _ = try ProcessIdentity(of: member)?.send(Signal.kill) }
    #expect(try await eventually(within: .seconds(20)) { rmdir(directory) == 0 })
    return try outcome.get()
  }

  static func put(_ text: String, into file: String) throws {
    let descriptor = open(file, O_WRONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw SystemError("open", file) }
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    guard write(descriptor, bytes, bytes.count) == bytes.count else { throw SystemError("write", file) }
  }

  func line(_ file: String) throws -> String {
    String(decoding: try readFile("\(directory)/\(file)", limit: 4096).prefix { $0 != 10 }, as: UTF8.self)
  }
}

private let quotaFile = ["cpu.max", "cpu.cfs_quota_us"].first { TestGroup.parent(having: $0) != nil }
private let hasFreezer = TestGroup.parent(having: "cgroup.freeze") != nil

@Suite struct ControlGroupTests {
  @Test(.enabled(if: quotaFile != nil, "no group with a processor limit can be made here"))
  func aThrottledGroupIsHeldUpAndGetsItsValueBack() async throws {
    let file = try #require(quotaFile)
    try await TestGroup.with(having: file) { group in
      let before = try group.line(file)
      try await InnerScratch.with { scratch in
        _ = try await scratch.holder.arm(
          scratch.fault(.throttle(processorPermille: 100), .process(group.child.identity)))
        #expect(try group.line(file).hasPrefix("10000"))
        #expect(
          try await eventually(within: .seconds(10)) {
            scratch.events.all.contains { if case .biting = $0.kind { true } else { false } }
          })
        let outcome = try await scratch.holder.disarm("f")
        #expect((outcome.counters.inner?.hits ?? 0) > 0)
        #expect(try group.line(file) == before)
      }
    }
  }

  /// The memory controller of version 2 alone has it; where that of version 1 has the memory, a guest kernel tests this.
  @Test(.enabled(if: TestGroup.parent(having: "memory.high") != nil, "no group with memory.high can be made here"))
  func aSqueezedGroupIsSlowedDownAndGetsItsMemoryBack() async throws {
    let script = "while :; do head -c 48M /dev/zero | tail -c 48M > /dev/null; done"
    try await TestGroup.with(having: "memory.high", running: script) { group in
      try await InnerScratch.with { scratch in
        _ = try await scratch.holder.arm(
          scratch.fault(
            .squeeze(memoryBytes: 16 << 20), .process(group.child.identity), descendants: true, lease: .seconds(60)))
        #expect(try group.line("memory.high") == "\(16 << 20)")
        #expect(
          try await eventually(within: .seconds(40)) {
            scratch.events.all.contains { if case .biting = $0.kind { true } else { false } }
          })
        let outcome = try await scratch.holder.disarm("f")
        #expect((outcome.counters.inner?.particulars["times above memory.high"] ?? 0) > 0)
        #expect(group.child.end == nil, "it is slowed down and never killed")
        #expect(try group.line("memory.high") == "max")
      }
    }
  }

  @Test(.enabled(if: hasFreezer, "no group that can be frozen can be made here"))
  func aFrozenGroupStandsStillAndIsThawedByItsUndoAlone() async throws {
    try await TestGroup.with(having: "cgroup.freeze") { group in
      try await InnerScratch.with { scratch in
        _ = try await scratch.holder.arm(scratch.fault(.pause(.freezer), .process(group.child.identity)))
        #expect(try group.line("cgroup.freeze") == "1")
        // As the guardian or recover would, from the record alone.
        let record = try #require(scratch.keeper.all.first?.record)
        let lines = try record.undo(in: nil)
        #expect(lines == ["removed value '1' in \(group.directory)/cgroup.freeze"])
        #expect(try group.line("cgroup.freeze") == "0")
        #expect(try record.undo(in: nil).allSatisfy { $0.hasPrefix("nothing to remove") })
        #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil })
      }
    }
  }

  @Test(.enabled(if: hasFreezer, "no group that can be frozen can be made here"))
  func aGroupWithStrangersIsRefusedAndSoIsTheRoot() async throws {
    try await TestGroup.with(having: "cgroup.freeze") { group in
      try await InnerScratch.with { scratch in
        let stranger = try scratch.start()
        try TestGroup.put("\(stranger.identity.pid)", into: "\(group.directory)/cgroup.procs")
        let shared = await #expect(throws: FaultError.self) {
          try await scratch.holder.arm(scratch.fault(.pause(.freezer), .process(group.child.identity)))
        }
        #expect("\(shared.map { "\($0)" } ?? "")".contains("was not chosen"))
        #expect(try group.line("cgroup.freeze") == "0")
        try await stranger.terminate(Signal.kill)
      }
    }
  }

  @Test func aValueThatSomebodyElseWroteIsLeftAlone() throws {
    let directory = "/tmp/bst-value-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try makeDirectory(directory)
    let file = "\(directory)/cpu.max"
    try writeFile(file, Array("max 100000\n".utf8))
    let value = try ControlGroupValue(file, ours: "10000 100000")
    // What seems to be back is written all the same: a look that showed nothing of ours may have been wrong.
    var times = [timeval(tv_sec: 1, tv_usec: 0), timeval(tv_sec: 1, tv_usec: 0)]
    #expect(utimes(file, &times) == 0)
    #expect(try value.restore() == .absent)
    var information = stat()
    #expect(stat(file, &information) == 0 && information.st_mtim.tv_sec > 1)
    try TestGroup.put("77000 100000", into: file)
    #expect(try value.restore() == .foreign("it shows '77000 100000'"))
    try removeTree(directory)
    // A group of the same name that was made later is another one; one that is gone has nothing to give back.
    #expect(try value.restore() == .absent)
  }

  @Test func hierarchiesAreFoundByWhatIsMounted() throws {
    let groups = ControlGroups(
      mountInformation: """
        30 1 0:26 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct
        31 1 0:27 / /sys/fs/cgroup/unified rw,nosuid - cgroup2 cgroup2 rw
        32 1 0:28 / /tmp rw - tmpfs tmpfs rw
        """)
    #expect(groups.version2 == "/sys/fs/cgroup/unified")
    #expect(groups.version1("cpu") == "/sys/fs/cgroup/cpu,cpuacct")
    #expect(groups.version1("freezer") == nil)
    let lines = ControlGroupLine.all(in: Array("4:cpu,cpuacct:/a/b\n0::/\n".utf8))
    #expect(groups.directory(of: lines, controller: "cpu") == "/sys/fs/cgroup/cpu,cpuacct/a/b")
    #expect(groups.directory(of: lines, controller: nil) == nil)
  }
}
