import CKernel
import Glibc
import PassThrough
import Support
import Testing

@testable import Faults

@Suite(.enabled(if: isRoot, "needs root for mounts")) struct PassThroughTests {
  // MARK: Plain

  @Test func filesAreWhatTheyWereBeforeAndStayWhatTheyBecame() async throws {
    try await Prepared.with(before: { try writeFile("\($0)/old", Array("old".utf8)) }) { prepared in
      #expect(try readFile(prepared.file("old")) == Array("old".utf8))
      try writeFile(prepared.file("new"), Array("new".utf8))
      try prepared.directory.unmount()
      #expect(try listDirectory(prepared.path) == ["new", "old"])
      #expect(try readFile(prepared.file("new")) == Array("new".utf8))
    }
  }

  /// What databases do to files, and what the tools around them do.
  @Test func itBehavesAsTheFileSystemBelow() async throws {
    try await Prepared.with { prepared in
      let said = try await prepared.shell(
        """
        mkdir -p d/e; echo one > d/f; ln d/f d/g; ln -s f d/s; cat d/s
        [ "$(stat -c %i d/f)" = "$(stat -c %i d/g)" ] && stat -c 'links %h' d/g
        echo two > d/new; mv d/new d/f; cat d/f d/g; stat -c 'links %h' d/g
        chmod 640 d/f; chown nobody d/f; touch -d 2020-01-01T00:00:00Z d/f; stat -c '%a %U %Y' d/f
        truncate -s 5000 d/f; stat -c %s d/f; fallocate -l 1M d/room; stat -c %s d/room
        dd if=/dev/zero of=d/direct bs=4096 count=4 oflag=direct status=none; stat -c %s d/direct
        echo a > d/log; echo b >> d/log; cat d/log
        mkfifo d/p; stat -c %F d/p; readlink d/s
        flock d/f true && echo locked
        for n in $(seq 300); do : > d/e/name-that-is-not-short-$n; done; ls d/e | wc -l
        cp -a d copy; diff -r --exclude=p d copy && echo same
        rmdir d 2>/dev/null || echo refused
        rm -r d copy; ls -A
        """)
      #expect(
        said == """
          one
          links 2
          two
          one
          links 1
          640 nobody 1577836800
          5000
          1048576
          16384
          a
          b
          fifo
          f
          locked
          300
          same
          refused

          """)
    }
  }

  @Test func filesThatAreOpenOutliveTheirNames() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      #expect(file.write(Array("abc".utf8)) == 3)
      #expect(unlink(prepared.file("f")) == 0)
      #expect(file.write(Array("d".utf8), at: 3) == 1)
      var bytes = [UInt8](repeating: 0, count: 10)
      #expect(pread(file.descriptor, &bytes, 10, 0) == 4)
      #expect(file.sync() == 0)
    }
  }

  @Test func mappingsAreWrittenBack() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      #expect(file.write([UInt8](repeating: 1, count: 8192)) == 8192)
      let memory = mmap(nil, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, file.descriptor, 0)
      try #require(memory != MAP_FAILED)
      memory?.storeBytes(of: 7, toByteOffset: 5000, as: UInt8.self)
      #expect(msync(memory, 8192, MS_SYNC) == 0)
      munmap(memory, 8192)
      try prepared.directory.unmount(lazily: true)
      #expect(try readFile(prepared.file("f"))[5000] == 7)
    }
  }

  /// What a second process hears of the locks of this one (fcntl(2)): of a record that it holds, of one that it does not, of
  /// readers beside readers, and after their end. By process and by open file, and flock beside them.
  @Test func recordLocksExcludeOtherProcesses() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      #expect(file.write([UInt8](repeating: 0, count: 100)) == 100)
      let other = LockAsker(prepared.file("f"), in: prepared.path)

      // Of this process: bytes 10 to 19 for writing, 40 to 49 for reading.
      #expect(file.lock(.process, F_WRLCK, 10, 10) == 0)
      #expect(file.lock(.process, F_RDLCK, 40, 10) == 0)
      #expect(try await other.asks("SETLK WR 15 1") == "EAGAIN")
      #expect(try await other.asks("SETLK RD 19 1") == "EAGAIN")
      #expect(try await other.asks("SETLK WR 20 10") == "locked", "beside it is free")
      #expect(try await other.asks("SETLK RD 45 1") == "locked", "readers do not exclude each other")
      #expect(try await other.asks("SETLK WR 45 1") == "EAGAIN")
      #expect(try await other.asks("GETLK WR 0 100") == "WR 10 10 by \(getpid())", "the first that is in the way")
      #expect(try await other.asks("GETLK RD 30 70") == "free")
      #expect(try await other.asks("OFD_SETLK WR 12 1") == "EAGAIN", "the two kinds exclude each other")

      // Given back in part: the hole is free, both rests are not.
      #expect(file.lock(.process, F_UNLCK, 14, 2) == 0)
      #expect(try await other.asks("SETLK WR 14 2") == "locked")
      #expect(try await other.asks("SETLK WR 13 1") == "EAGAIN")
      #expect(try await other.asks("SETLK WR 16 1") == "EAGAIN")

      // The close of any descriptor of the file ends all locks of the process, as POSIX has it.
      do { _ = try OpenFile(prepared.file("f")) }
      #expect(try await other.asks("SETLK WR 0 100") == "locked")
    }
  }

  @Test func locksOfOpenFilesExcludeEachOtherAlsoWithinAProcess() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      let other = LockAsker(prepared.file("f"), in: prepared.path)
      #expect(file.lock(.openFile, F_WRLCK, 0, 10) == 0)
      do {
        let second = try OpenFile(prepared.file("f"))
        #expect(second.lock(.openFile, F_WRLCK, 5, 1) == -Int(EAGAIN))
        #expect(second.lock(.openFile, F_WRLCK, 10, 1) == 0)
      }
      // Another open file was closed, and this one keeps what it has.
      #expect(try await other.asks("OFD_SETLK WR 5 1") == "EAGAIN")
      #expect(try await other.asks("OFD_GETLK WR 0 100") == "WR 0 10 by -1", "an open file is no process")
      #expect(try await other.asks("SETLK WR 10 1") == "locked", "the other's lock ended with it")
      #expect(file.lock(.openFile, F_UNLCK, 0, 0) == 0)
      #expect(try await other.asks("OFD_SETLK WR 0 100") == "locked")
    }
  }

  /// Who waits for a record gets it when its holder ends, however that ends.
  @Test func aLockEndsWithItsProcess() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      let holder = LockAsker(prepared.file("f"), in: prepared.path)
      let child = try holder.holds("SETLK WR 0 10", saying: prepared.file("held"))
      #expect(try await withinTime { fileExists(prepared.file("held")) })
      #expect(file.lock(.process, F_WRLCK, 0, 10) == -Int(EAGAIN))
      try await child.terminate(Signal.kill)
      #expect(try await withinTime { file.lock(.process, F_WRLCK, 0, 10) == 0 })
    }
  }

  @Test func flockExcludesOtherOpenFiles() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("g"))
      #expect(flock(file.descriptor, LOCK_EX | LOCK_NB) == 0)
      func flocked() async throws -> Int32 {
        try await Blackstart.command("/usr/bin/flock", ["-n", prepared.file("g"), "true"], in: "/").code
      }
      #expect(try await flocked() == 1)
      #expect(flock(file.descriptor, LOCK_UN) == 0)
      #expect(try await flocked() == 0)
    }
  }

  @Test func extendedAttributesAreServedToThoseWhoAsk() async throws {
    var options = PreparedDirectory.Options()
    options.keepsExtendedAttributes = true
    try await Prepared.with(options) { prepared in
      try writeFile(prepared.file("f"), [])
      let file = prepared.file("f")
      #expect(attribute(file, set: "value") == 0)
      #expect(attribute(file) == "value")
    }
    try await Prepared.with { prepared in
      try writeFile(prepared.file("f"), [])
      #expect(attribute(prepared.file("f"), set: "value") == -Int(EOPNOTSUPP))
    }
  }

  // MARK: Disturbed

  @Test func latencyIsAddedToTheOperationsOfARuleAndToNoOthers() async throws {
    try await Prepared.with { prepared in
      let (slow, fast) = (try OpenFile(prepared.file("slow")), try OpenFile(prepared.file("fast")))
      try prepared.arm(
        FileRule(
          paths: PathPattern("slow"), operations: [.fsync], effect: .latency(FileLatency(.milliseconds(80)))))
      for _ in 0..<3 {
        let begun = ContinuousClock.now
        #expect(slow.sync() == 0)
        #expect(ContinuousClock.now - begun >= .milliseconds(80))
      }
      #expect(slow.write([1]) == 1)
      #expect(fast.sync() == 0)
      let last = try prepared.directory.disarm()
      #expect(last.tallies.map(\.hit) == [3])
      #expect(last.tallies.map(\.matched) == [3])
    }
  }

  @Test func errorsComeWithTheirNumberAndNothingIsDone() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      try prepared.arm(
        .diskFull(), FileRule(operations: [.fdatasync], effect: .fail(.inputOutput)),
        FileRule(operations: [.unlink], effect: .fail(.readOnly)))
      #expect(file.write([1]) == -Int(ENOSPC))
      #expect(file.syncData() == -Int(EIO))
      #expect(file.sync() == 0)
      #expect(unlink(prepared.file("f")) == -1 && errno == EROFS)
      #expect(throws: SystemError("open", prepared.file("g"), number: ENOSPC)) { try OpenFile(prepared.file("g")) }
      _ = try prepared.directory.disarm()
      #expect(file.write([1]) == 1)
      #expect(try listDirectory(prepared.path) == ["f"])
    }
  }

  @Test func aTornWriteReachesTheFileInPart() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      #expect(file.write([UInt8](repeating: 1, count: 8192)) == 8192)
      try prepared.arm(FileRule(operations: [.write], effect: .tornWrite(reports: .success)), seed: 5)
      #expect(file.write([UInt8](repeating: 2, count: 8192)) == 8192, "it says that all is well")
      try prepared.directory.unmount(lazily: true)
      let bytes = try readFile(prepared.file("f"))
      let new = bytes.prefix { $0 == 2 }.count
      #expect(new % 512 == 0 && new < 8192)
      #expect(bytes.dropFirst(new).allSatisfy { $0 == 1 } && bytes.count == 8192)
    }
  }

  /// What the page cache has would else be read without the rule's being asked.
  @Test func whatWasCachedIsReadAnewUnderARuleAboutReading() async throws {
    try await Prepared.with { prepared in
      try writeFile(prepared.file("f"), [UInt8](repeating: 1, count: 4096))
      _ = try readFile(prepared.file("f"))
      try prepared.arm(FileRule(operations: [.read], effect: .fail(.inputOutput)))
      #expect(
        try await withinTime { (try? readFile(prepared.file("f"))) == nil },
        "the cache is emptied beside the arming")
    }
  }

  // MARK: Its end

  @Test func itIsPlainAgainWhenTheLeaseEndsAndNobodySpeaks() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      try prepared.arm(
        FileRule(operations: [.fsync], effect: .latency(FileLatency(.seconds(50)))), for: .milliseconds(300))
      let begun = ContinuousClock.now
      #expect(file.sync() == 0)
      #expect(ContinuousClock.now - begun < .seconds(30), "who waits then goes on")
      #expect(file.sync() == 0)
      #expect(try prepared.directory.prolong(until: .max) == false, "what lapsed stays so")
      #expect(try prepared.directory.readBack().isInForce == false)
    }
  }

  @Test func theEndOfItsControllerMakesItPlainAndUnmountsItAndKeepsOpenFilesGood() async throws {
    try await withDirectory("disk") { path in
      let data = "\(path)/data"
      try makeDirectory(data)
      var directory: PreparedDirectory? = try PreparedDirectory(
        data, id: "d", run: path, node: "n", program: Blackstart.program)
      let server = try #require(directory?.server)
      let place = try #require(directory?.place)
      var file: OpenFile? = try OpenFile("\(data)/f")
      try directory?.arm(
        "test", [FileRule(operations: [.fsync], effect: .fail(.inputOutput))], seed: 1,
        until: Timebase.system.monotonic() + 60_000_000_000)
      #expect(file?.sync() == -Int(EIO))
      directory = nil
      #expect(try await withinTime { try !place.isThere() })
      #expect(file?.sync() == 0)
      #expect(file?.write([9]) == 1)
      #expect(try readFile("\(data)/f") == [9], "a new use has the file itself")
      file = nil
      #expect(server.waitUntilGone(limit: .seconds(20)), "it ends with the last open file")
    }
  }

  @Test func theEndOfTheServerBreaksOpenFilesAndAnUndoBringsThePathBack() async throws {
    try await Prepared.with(before: { try writeFile("\($0)/f", [1]) }) { prepared in
      let file = try OpenFile(prepared.file("f"))
      try prepared.directory.server.send(Signal.kill)
      #expect(prepared.directory.server.waitUntilGone(limit: .seconds(20)))
      #expect(try await withinTime { file.sync() == -Int(ENOTCONN) })
      #expect(try await withinTime { prepared.directory.defect()?.contains("ENOTCONN") == true })
      let undo = DiskUndo.unmount(prepared.directory.place)
      #expect(try undo.perform() == .removed)
      #expect(try readFile(prepared.file("f")) == [1])
      #expect(try undo.perform() == .absent)
      #expect(file.sync() == -Int(ENOTCONN), "what was open stays broken")
    }
  }

  @Test func anUndoTouchesNoOtherMount() async throws {
    try await Prepared.with { prepared in
      let other = MountedPlace(path: prepared.path, source: "blackstart-of-somebody-else")
      let result = try DiskUndo.unmount(other).perform()
      #expect(result == .absent)
      #expect(try prepared.directory.place.isThere())
    }
  }

  // MARK: Refusals

  @Test func aMountInUseStaysUnlessItMayBeLeftToItsUsers() async throws {
    try await Prepared.with { prepared in
      let file = try OpenFile(prepared.file("f"))
      #expect { try prepared.directory.unmount() } throws: { "\($0)".contains("still mounted") }
      #expect(try prepared.directory.place.isThere())
      withExtendedLifetime(file) {}
    }
  }

  @Test func whatCannotBePreparedIsRefused() async throws {
    try await withDirectory("disk") { path in
      func why(_ directory: String) -> String {
        do {
          _ = try PreparedDirectory(directory, id: "d", run: path, node: "n", program: Blackstart.program)
          return "nothing was refused"
        } catch { return "\(error)" }
      }
      try writeFile("\(path)/file", [])
      #expect(why("\(path)/none").contains("No such file"))
      #expect(why("\(path)/file").contains("only a directory"))
      #expect(why("/").contains("the root directory cannot be prepared"))
      let file = try OpenFile("\(path)/open")
      #expect(why(path).contains("(pid \(getpid()))"))
      withExtendedLifetime(file) {}
      #expect(try MountTable.now().top(at: path) == nil)
    }
    try await Prepared.with { prepared in
      #expect {
        try PreparedDirectory(prepared.path, id: "e", run: "r", node: "n", program: Blackstart.program)
      } throws: {
        "\($0)".contains("prepared already")
      }
    }
  }
}

/// Sets an extended attribute: 0 or a negative errno.
private func attribute(_ path: String, set value: String) -> Int {
  bs_setxattr(path, "user.test", value, value.utf8.count, 0) == 0 ? 0 : -Int(errno)
}

/// An extended attribute.
private func attribute(_ path: String) -> String {
  var buffer = [UInt8](repeating: 0, count: 100)
  let count = bs_getxattr(path, "user.test", &buffer, buffer.count)
  return count < 0 ? "\(errno)" : String(decoding: buffer[..<count], as: UTF8.self)
}
