import Glibc
import PassThrough
import Support
import Testing

@testable import Faults

/// A holder with a guardian of this very build, and what it may disturb.
private struct DiskHolder {
  let directory: String
  let keeper: GuardedUndo
  let disks: NodeDisks
  let holder: InnerFaultHolder

  static func with(_ body: (DiskHolder) async throws -> Void) async throws {
    try await withDirectory("disk") { directory in
      let keeper = try GuardedUndo(stateDirectory: directory, run: "test", program: Blackstart.program) { _ in }
      let disks = NodeDisks(ownPaths: [directory])
      let holder = InnerFaultHolder(node: "n", scope: ProcessScope(disks: disks), undo: keeper) { _ in }
      let outcome: Result<Void, any Error>
      do {
        try await body(DiskHolder(directory: directory, keeper: keeper, disks: disks, holder: holder))
        outcome = .success(())
      } catch { outcome = .failure(error) }
      await holder.close()
      #expect(keeper.close() == [])
      try outcome.get()
    }
  }

  func fault(
    _ effect: DiskDisturbance, of process: ProcessIdentity? = nil, silence: Duration = .seconds(20)
  ) -> InnerFault {
    InnerFault(
      id: "disk", run: "test", node: "n", effect: .disk(effect),
      processes: process.map { ProcessSelector(.process($0), includesDescendants: true) },
      timing: .init(lease: .seconds(60), heartbeat: .milliseconds(100), silence: silence), seed: 3)
  }

  /// Arms it and expects a refusal, whose text it returns.
  func refusal(_ effect: DiskDisturbance) async -> String {
    var fault = self.fault(effect)
    fault.id = "refused"
    do {
      _ = try await holder.arm(fault)
      return "nothing was refused"
    } catch { return "\(error)" }
  }

  /// A file system of its own in a file, mounted for as long as `body` runs.
  func withFileSystem(_ body: (String) async throws -> Void) async throws {
    let (image, mount) = ("\(directory)/image", "\(directory)/mounted")
    try makeDirectory(mount)
    let script = """
      truncate -s 24M \(image); /usr/sbin/mkfs.ext4 -q -m 0 -O ^has_journal \(image); mount -o loop \(image) \(mount)
      """
    let made = try await Blackstart.command("/bin/sh", ["-ec", script], in: "/")
    try #require(made.code == 0, "\(made.errors)")
    let outcome: Result<Void, any Error>
    do { outcome = .success(try await body(mount)) } catch { outcome = .failure(error) }
    let ended = try await Blackstart.command("/bin/umount", ["-l", mount], in: "/")
    #expect(ended.code == 0, "\(ended.errors)")
    try outcome.get()
  }
}

private let hasLoop = isRoot && fileExists("/dev/loop-control") && fileExists("/usr/sbin/mkfs.ext4")

@Suite(.enabled(if: isRoot, "needs root for mounts")) struct DiskFaultTests {
  // MARK: Files

  @Test func rulesLiveOnHeartbeatsAndEndWithTheFault() async throws {
    try await DiskHolder.with { world in
      try await Prepared.with { prepared in
        world.disks.add(prepared.directory)
        defer { world.disks.remove(prepared.directory) }
        let file = try OpenFile(prepared.file("f"))
        let rules = DirectoryRules(prepared.path, [FileRule(operations: [.fsync], effect: .fail(.inputOutput))])
        let receipt = try await world.holder.arm(world.fault(.files(rules), silence: .seconds(5)))
        #expect(receipt.evidence.first?.contains("read back") == true)
        #expect(receipt.mechanisms[0].mechanism == .passThrough)
        #expect(file.sync() == -Int(EIO))
        let outcome = try await world.holder.disarm("disk")
        #expect(outcome.end == .disarmed)
        #expect(outcome.counters.inner?.hits == 1)
        #expect(file.sync() == 0)
        #expect(try prepared.directory.readBack().fault == nil)
      }
    }
  }

  @Test func theEndOfThePassThroughIsNoticedAndItsPathComesBack() async throws {
    try await DiskHolder.with { world in
      try await Prepared.with { prepared in
        world.disks.add(prepared.directory)
        defer { world.disks.remove(prepared.directory) }
        try writeFile(prepared.file("f"), [1])
        let rules = DirectoryRules(prepared.path, [.diskFull()])
        _ = try await world.holder.arm(world.fault(.files(rules)))
        try prepared.directory.server.send(Signal.kill)
        #expect(prepared.directory.server.waitUntilGone(limit: .seconds(20)))
        #expect(try await withinTime { try !prepared.directory.place.isThere() }, "the next heartbeat unmounts it")
        #expect(try readFile(prepared.file("f")) == [1])
        guard case .vanished(let what) = try await world.holder.disarm("disk").end else {
          Issue.record("nobody noticed")
          return
        }
        #expect(what.contains("ENOTCONN"))
      }
    }
  }

  @Test func whatIsNotPreparedOrNotAllowedIsRefused() async throws {
    try await DiskHolder.with { world in
      let rule = FileRule(operations: [.write], effect: .tornWrite(reports: .success))
      let torn = DirectoryRules(world.directory, [rule])
      #expect(await world.refusal(.files(torn)).contains("leaves damage that outlives the fault"))
      let full = DirectoryRules(world.directory, [.diskFull()])
      #expect(await world.refusal(.files(full)).contains("is not prepared for disk faults"))
      #expect(await world.refusal(.files(DirectoryRules("data/x", [.diskFull()]))).contains("is not absolute"))
      let named = await world.refusal(.files(DirectoryRules("store", [.diskFull()])))
      #expect(named.contains("the data directory of the store is not prepared"))
      #expect(await world.refusal(.files(DirectoryRules("/data", []))).contains("no rule"))
      let open = CallLatency([.open], FileLatency(.milliseconds(1)))
      #expect(await world.refusal(.calls(open)).contains("can be made late"))
    }
  }

  // MARK: File systems

  @Test(.enabled(if: hasLoop, "needs a loop device and mkfs.ext4"))
  func aFullFileSystemRefusesWhatNeedsRoomUntilTheFaultEnds() async throws {
    try await DiskHolder.with { world in
      try await world.withFileSystem { mount in
        let file = try OpenFile("\(mount)/f")
        let megabyte = [UInt8](repeating: 1, count: 1 << 20)
        #expect(file.write(megabyte) == 1 << 20)
        _ = try await world.holder.arm(world.fault(.fill(DiskFilling(mount))))
        #expect(file.write(megabyte, at: 1 << 20) < 1 << 20, "at most what is left of a block group")
        #expect(file.write(megabyte, at: 4 << 20) == -Int(ENOSPC))
        let outcome = try await world.holder.disarm("disk")
        #expect(outcome.counters.inner?.particulars["bytes taken"] ?? 0 > 1 << 20)
        #expect(file.write(megabyte, at: 4 << 20) == 1 << 20)
        #expect(try listDirectory(mount).filter { $0.hasPrefix(".blackstart") } == [])
        #expect(await world.refusal(.fill(DiskFilling(mount, atMostBytes: 4096))).contains("no more than"))
      }
    }
  }

  @Test(.enabled(if: hasLoop, "needs a loop device and mkfs.ext4"))
  func aFrozenFileSystemMakesWritersWaitUntilTheFaultEnds() async throws {
    try await DiskHolder.with { world in
      try await world.withFileSystem { mount in
        _ = try await world.holder.arm(world.fault(.freeze(path: mount)))
        let writer = try Started("/bin/sh", ["-c", "echo x > \(mount)/f"], in: world.directory)
        try await Task.sleep(for: .milliseconds(200))  // what does not happen sends no event
        #expect(writer.child.end == nil)
        let outcome = try await world.holder.disarm("disk")
        #expect(outcome.evidence?.first?.contains("refuses a second thaw") == true)
        #expect(try await writer.result().code == 0)
        #expect(try readFile("\(mount)/f") == Array("x\n".utf8))
      }
    }
  }

  /// What the guardian does when the agent is gone, and what `recover` does after both.
  @Test(.enabled(if: hasLoop, "needs a loop device and mkfs.ext4"))
  func whoeverIsLeftThawsAndRemovesWhatIsOursAndNothingElse() async throws {
    try await DiskHolder.with { world in
      try await world.withFileSystem { mount in
        let device = try #require(try MountTable.now().top(at: mount)?.device)
        let system = FrozenSystem(path: mount, device: device)
        #expect(try system.freeze())
        #expect(try DiskUndo.thaw(FrozenSystem(path: mount, device: "0:0")).perform().isForeign)
        #expect(try DiskUndo.thaw(system).perform() == .removed)
        #expect(try DiskUndo.thaw(system).perform() == .absent)

        let filler = FillerFile(in: mount, run: "test", fault: "disk")
        try filler.create()
        try filler.grow(from: try filler.size(), by: 1 << 20)
        let user = try OpenFile(filler.path)
        #expect(try DiskUndo.removeFiller(filler).perform() == .removed)
        var information = stat()
        #expect(fstat(user.descriptor, &information) == 0 && information.st_size == 0, "its room is free at once")
        #expect(try DiskUndo.removeFiller(filler).perform() == .absent)
        try writeFile(filler.path, Array("somebody's own file, longer than nothing".utf8))
        #expect(try DiskUndo.removeFiller(filler).perform().isForeign)
        #expect(fileExists(filler.path))
      }
    }
  }

  @Test func fileSystemsThatThisProgramNeedsAreRefused() async throws {
    try await DiskHolder.with { world in
      #expect(await world.refusal(.freeze(path: "/")).contains("it is the root file system"))
      #expect(await world.refusal(.freeze(path: world.directory)).contains("cannot be stopped"))
      #expect(await world.refusal(.fill(DiskFilling(world.directory))).contains("cannot be filled"))
      #expect(await world.refusal(.freeze(path: "\(world.directory)/none")).contains("No such file"))
    }
  }

  // MARK: System calls

  @Test func callsOfARunningProcessAreLateAndThoseOfItsChildrenToo() async throws {
    try await DiskHolder.with { world in
      let script = """
        while :; do dd if=/dev/zero of=data bs=512 count=1 conv=fsync status=none; echo >> rounds; done
        """
      let program = try Started("/bin/sh", ["-c", script], in: world.directory)
      func rounds() throws -> Int { (try? readFile("\(world.directory)/rounds").count) ?? 0 }
      #expect(try await withinTime { try rounds() > 0 })
      let late = CallLatency([.fsync], FileLatency(.milliseconds(200)))
      let receipt = try await world.holder.arm(world.fault(.calls(late), of: program.child.identity))
      #expect(receipt.mechanisms[0].mechanism == .traceCalls)
      #expect(receipt.counters.reached == 1)
      let armed = try rounds()
      let start = ContinuousClock.now
      try await Task.sleep(for: .milliseconds(900))  // time itself is what is measured
      let made = try rounds() - armed
      let most = Int((ContinuousClock.now - start) / .milliseconds(200)) + 2
      #expect(made <= most, "\(made) rounds with 200 ms each")
      let outcome = try await world.holder.disarm("disk")
      #expect(outcome.counters.inner?.hits ?? 0 > 0)
      #expect(tracerOf(program.child.identity.pid) == nil)
      let after = try rounds()
      #expect(try await withinTime { try rounds() > after + 3 }, "it runs on as before")
      try await program.child.terminate(Signal.kill)
    }
  }
}

extension UndoAction.Result {
  fileprivate var isForeign: Bool {
    if case .foreign = self { return true }
    return false
  }
}
