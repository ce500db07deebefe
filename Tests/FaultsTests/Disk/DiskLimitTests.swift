import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

/// What is written for a limit, and what is read of it; and on a machine with a controller of disks, that it holds.
@Suite struct DiskLimitTests {
  // MARK: Encoding

  @Test func aLineOfVersion2KeepsWhatIsNotOurs() {
    let limit = DiskLimit("/data", writeBytes: 1_048_576, writes: 50)
    #expect(limit.line(inPlaceOf: "") == "rbps=max wbps=1048576 riops=max wiops=50")
    #expect(
      limit.line(inPlaceOf: "rbps=2000 wbps=9 riops=max wiops=max") == "rbps=2000 wbps=1048576 riops=max wiops=50")
    #expect(DiskLimit("/data", reads: 1).line(inPlaceOf: "what=ever rbps") == "rbps=max wbps=max riops=1 wiops=max")
  }

  @Test func version1HasAFileForEachLimit() {
    let limit = DiskLimit("/data", readBytes: 4096, writeBytes: 8192, reads: 1, writes: 2)
    #expect(
      limit.files.map { "\($0.name) \($0.value)" } == [
        "blkio.throttle.read_bps_device 4096", "blkio.throttle.write_bps_device 8192",
        "blkio.throttle.read_iops_device 1", "blkio.throttle.write_iops_device 2",
      ])
    #expect(DiskLimit("/data", writes: 2).files.map(\.name) == ["blkio.throttle.write_iops_device"])
  }

  @Test func whatWentThroughIsReadInBothVersions() {
    let two = DiskTraffic(
      ioStat: "8:0 rbytes=1 wbytes=1 rios=1 wios=1\n254:0 rbytes=10 wbytes=20 rios=3 wios=4 dbytes=0 dios=0\n",
      device: "254:0")
    #expect((two.readBytes, two.writeBytes, two.reads, two.writes) == (10, 20, 3, 4))
    let one = DiskTraffic(
      bytes: "254:0 Read 10\n254:0 Write 20\n254:0 Total 30\nTotal 30\n", operations: "254:0 Read 3\n254:0 Write 4\n",
      device: "254:0")
    #expect(one == two)
    #expect(DiskTraffic(bytes: "Total 0\n", operations: "", device: "254:0") == DiskTraffic())
  }

  /// Who has less to do than it may is not held up, and is not counted.
  @Test func onlyWhatComesNearALimitWasHeldUp() {
    let limit = DiskLimit("/data", writes: 100)
    var now = DiskTraffic()
    now.writes = 45
    #expect(now.isHeldUp(by: limit, since: DiskTraffic(), for: 500_000_000))
    now.writes = 20
    #expect(!now.isHeldUp(by: limit, since: DiskTraffic(), for: 500_000_000))
    now.reads = 1_000_000
    #expect(!now.isHeldUp(by: limit, since: DiskTraffic(), for: 500_000_000), "reads have no limit")
    #expect(!now.isHeldUp(by: limit, since: now, for: 500_000_000))
  }

  @Test func mistakesAreNamed() {
    #expect(DiskLimit("/data").mistake?.contains("neither bytes nor operations") == true)
    #expect(DiskLimit("/data", writes: 0).mistake?.contains("freeze the file system") == true)
    #expect(DiskLimit("/data", writeBytes: 512).mistake?.contains("less than one page") == true)
    #expect(DiskLimit("/data", writes: 1 << 32).mistake?.contains("more than the kernel counts") == true)
    #expect(DiskLimit("/data", readBytes: 4096).mistake == nil)
  }

  @Test func numbersOfDevicesAreWrittenAsTheKernelDoes() throws {
    #expect(BlockDevice.text(0xfe00) == "254:0")
    #expect(BlockDevice.text(0x801) == "8:1")
    #expect(BlockDevice.text(0x1111_0370) == "259:70000")
    #expect(throws: SystemError.self) { try BlockDevice.holding("/proc") }
    #expect(throws: SystemError.self) { try BlockDevice.holding("/no/such/path") }
  }

  /// Where nobody has said where data are, the disks are those that the chosen processes write to.
  @Test func aProcessWritesToTheDisksOfWhatItHasOpenForWriting() throws {
    #expect(BlockDevice.isForWriting(Array("pos:\t0\nflags:\t0100002\nmnt_id:\t29\n".utf8)))
    #expect(BlockDevice.isForWriting(Array("flags:\t02001\n".utf8)))
    for text in ["", "flags:\t0100000\n", "flags:\tread\n", "pos:\t2\n"] {
      #expect(!BlockDevice.isForWriting(Array(text.utf8)), "\(text)")
    }
    #expect(try BlockDevice.written(by: 4_000_000) == [])
  }

  /// A line of its own in a file of many, and what somebody else wrote into it.
  @Test func aLineIsGivenBackAndOthersAreLeftAlone() throws {
    let directory = "/tmp/bst-limit-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try makeDirectory(directory)
    let file = "\(directory)/io.max"
    // One line, for here a write is not about one line, as in the kernel, but begins at the first.
    try writeFile(file, Array("254:0 rbps=7 wbps=max riops=max wiops=max\n".utf8))
    let value = try ControlGroupValue(
      file, key: "254:0", neutral: DiskLimit.noLine, ours: { DiskLimit("/data", writes: 5).line(inPlaceOf: $0) })
    #expect(value.original == "rbps=7 wbps=max riops=max wiops=max")
    #expect(value.ours == "rbps=7 wbps=max riops=max wiops=5")
    #expect(try value.restore() == .absent)
    try writeFile(file, Array("254:0 rbps=1 wbps=1 riops=1 wiops=1\n".utf8))
    #expect(try value.restore() == .foreign("it shows 'rbps=1 wbps=1 riops=1 wiops=1'"))
    try writeFile(
      file, Array("8:0 rbps=1 wbps=max riops=max wiops=max\n254:0 rbps=7 wbps=max riops=max wiops=max\n".utf8))
    #expect(try value.current() == value.original)
    let other = try ControlGroupValue(file, key: "9:0", neutral: "0", ours: { _ in "5" })
    #expect(other.original == "")
    #expect("\(other)" == "value '9:0 5' in \(file)")
    let written = try decodeJSON(ControlGroupValue.self, from: encodeJSON(value))
    #expect(written == value, "the guardian gets it as JSON")
    try removeTree(directory)
  }

  // MARK: A real disk

  /// A program that writes 4 KiB and syncs, over and over, in a group of its own that can be limited, to a file system of
  /// its own: on one that it shared, others would wait for its part of the journal. And a count of its rounds.
  private struct Writer {
    let group: String
    let child: ChildProcess
    let mount: String

    static func with(_ body: (Writer) async throws -> Void) async throws {
      let parent = try #require(DiskLimitTests.diskGroups)
      let name = "bs-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
      let (group, directory) = ("\(parent)/\(name)", "/var/tmp/\(name)")
      let mount = "\(directory)/mounted"
      try makeDirectory(mount)
      try await shell(
        """
        truncate -s 24M \(directory)/image; /usr/sbin/mkfs.ext4 -q -m 0 -O ^has_journal \(directory)/image
        mount -o loop \(directory)/image \(mount)
        """)
      guard mkdir(group, 0o755) == 0 else { throw SystemError("mkdir", group) }
      let script = """
        while :; do dd if=/dev/zero of=data bs=4096 count=10 oflag=dsync conv=notrunc status=none; echo >> rounds; done
        """
      var request = ProcessRequest("/bin/sh", ["-c", script])
      request.directory = mount
      request.controlGroups = [group]
      let child = try ChildProcess(request)
      let outcome: Result<Void, any Error>
      do { outcome = .success(try await body(Writer(group: group, child: child, mount: mount))) } catch {
        outcome = .failure(error)
      }
      try await child.terminate(Signal.kill)
      for member in try ControlGroups.members(of: group) { _ = try ProcessIdentity(of: member)?.send(Signal.kill) }
      #expect(try await eventually(within: .seconds(20)) { rmdir(group) == 0 })
      try await shell("umount -l \(mount)")
      try removeTree(directory)
      try outcome.get()
    }

    private static func shell(_ script: String) async throws {
      let shell = try ChildProcess(ProcessRequest("/bin/sh", ["-ec", script]))
      #expect(await shell.wait() == .exited(0), "\(script)")
    }

    func rounds() -> Int { (try? readFile("\(mount)/rounds").count) ?? 0 }
  }

  /// Where groups can be made whose use of a disk can be limited.
  static let diskGroups: String? = ["/sys/fs/cgroup", "/sys/fs/cgroup/unified", "/sys/fs/cgroup/blkio"].first {
    let probe = "\($0)/bs-probe-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    guard geteuid() == 0, mkdir(probe, 0o755) == 0 else { return false }
    defer { rmdir(probe) }
    return fileExists("\(probe)/io.max") || fileExists("\(probe)/blkio.throttle.write_iops_device")
  }

  private static let hasDisk =
    diskGroups != nil && fileExists("/dev/loop-control") && fileExists("/usr/sbin/mkfs.ext4")

  @Test(.enabled(if: Self.hasDisk, "no group with a disk limit, or no loop device, can be had here"))
  func aLimitedProgramIsHeldUpAndGetsItsDiskBack() async throws {
    try await Writer.with { writer in
      #expect(try await eventually(within: .seconds(20)) { writer.rounds() > 1 })
      let device = try BlockDevice.holding(writer.mount)
      let reports = InnerEvents()
      let keeper = PromiseLog()
      let holder = InnerFaultHolder(node: "n", scope: ProcessScope(), undo: keeper) { reports.add($0) }
      let fault = InnerFault(
        id: "slow", run: "test", node: "n", effect: .disk(.limit(DiskLimit(writer.mount, writes: 20))),
        processes: ProcessSelector(.process(writer.child.identity), includesDescendants: true),
        timing: .init(lease: .seconds(60), heartbeat: .milliseconds(300)))
      let receipt = try await holder.arm(fault)
      #expect(receipt.mechanisms.map(\.mechanism) == [.diskLimit])
      #expect(receipt.evidence.allSatisfy { $0.contains("shows '\(device) ") }, "\(receipt.evidence)")
      let before = writer.rounds()
      let begun = ContinuousClock.now
      #expect(
        try await eventually(within: .seconds(30)) {
          reports.all.contains { if case .biting = $0.kind { true } else { false } }
        })
      // A round is 10 writes or more, so 0.5 s at 20 a second; the one that was under way counts too.
      let most = Int((ContinuousClock.now - begun) / .milliseconds(500)) + 2
      #expect(writer.rounds() - before <= most)
      let outcome = try await holder.disarm("slow")
      #expect(outcome.counters.inner?.hits ?? 0 > 0)
      #expect(outcome.end == .disarmed)
      let after = writer.rounds()
      #expect(try await eventually(within: .seconds(20)) { writer.rounds() > after + 2 })
      for name in ["io.max", "blkio.throttle.write_iops_device"] where fileExists("\(writer.group)/\(name)") {
        #expect(try !String(decoding: readFile("\(writer.group)/\(name)"), as: UTF8.self).contains(device))
      }
      await holder.close()
      withExtendedLifetime(keeper) {}
    }
  }

  /// As the guardian or `recover` would, from the record alone.
  @Test(.enabled(if: Self.hasDisk, "no group with a disk limit, or no loop device, can be had here"))
  func itsUndoAloneGivesTheDiskBack() async throws {
    try await Writer.with { writer in
      try await InnerScratch.with { scratch in
        let fault = InnerFault(
          id: "slow", run: "test", node: "n", effect: .disk(.limit(DiskLimit(writer.mount, writeBytes: 1 << 20))),
          processes: ProcessSelector(.process(writer.child.identity), includesDescendants: true),
          timing: .init(lease: .seconds(60), heartbeat: .milliseconds(300)))
        _ = try await scratch.holder.arm(fault)
        let record = try #require(scratch.keeper.all.first?.record)
        #expect(try record.undo(in: nil).allSatisfy { $0.hasPrefix("removed value") })
        #expect(try record.undo(in: nil).allSatisfy { $0.hasPrefix("nothing to remove") })
        #expect(try await eventually(within: .seconds(10)) { scratch.events.end != nil }, "it is noticed")
      }
    }
  }
}
