import Glibc
import Support
import Testing
import TestSupport

private func scratch(_ body: (String) async throws -> Void) async throws {
  try await withTemporaryDirectory("process", remove: { try removeTree($0) }, body)
}

private func shell(_ script: String) -> ProcessRequest { ProcessRequest("/bin/sh", ["-c", script]) }

@Test func aProcessTellsHowItEnded() async throws {
  #expect(try await ChildProcess(shell("exit 7")).wait() == .exited(7))
  #expect(try await ChildProcess(shell("kill -9 $$")).wait() == .signalled(9))
  #expect("\(ProcessEnd.exited(7)), \(ProcessEnd.signalled(9))" == "exited with status 7, ended by signal 9")
}

@Test func whatCannotBeStartedNamesTheStep() async throws {
  #expect(throws: SystemError("execve", "/nonexistent/program", number: ENOENT)) {
    try ChildProcess(ProcessRequest("/nonexistent/program"))
  }
  #expect(throws: SystemError("execve", "/etc/passwd", number: EACCES)) {
    try ChildProcess(ProcessRequest("/etc/passwd"))
  }
  var request = shell("true")
  request.directory = "/nonexistent"
  #expect(throws: SystemError("chdir", "/bin/sh", number: ENOENT)) { try ChildProcess(request) }
  request = shell("true")
  request.logPath = "/nonexistent/log"
  #expect(throws: SystemError("open", "/nonexistent/log", number: ENOENT)) { try ChildProcess(request) }
  request = shell("true")
  request.user = (uid: UInt32.max, gid: 65534)  // no such user can be: (uid_t) -1
  #expect(throws: SystemError("setuid", "/bin/sh", number: EINVAL)) { try ChildProcess(request) }
}

@Test func aDescriptorThatIsNoNamespaceIsRefused() async throws {
  let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
  defer { close(file) }
  var request = shell("true")
  request.networkNamespace = file
  #expect(throws: SystemError("setns", "/bin/sh", number: EINVAL)) { try ChildProcess(request) }
}

@Test func outputGoesToTheLogWithTheGivenEnvironmentUserAndDirectory() async throws {
  try #require(getuid() == 0, "becoming another user needs root")
  try await scratch { directory in
    chmod(directory, 0o755)
    var request = shell("echo out $COLOUR; echo err >&2; id -u; id -g; id -G; pwd; cat; ls -l /proc/self/fd | wc -l")
    request.environment["COLOUR"] = "blue"
    request.user = (uid: 65534, gid: 65534)
    request.directory = directory
    request.logPath = "\(directory)/log"
    try writeFile("\(directory)/log", Array("before\n".utf8))
    #expect(try await ChildProcess(request).wait() == .exited(0))
    // ls: "total 0", descriptors 0–2 and the one of its own listing
    let expected = "before\nout blue\nerr\n65534\n65534\n65534\n\(directory)\n5\n"
    #expect(try String(decoding: readFile("\(directory)/log"), as: UTF8.self) == expected)
  }
}

@Test func standardInputAndOutputMayBeOurs() async throws {
  var toChild: [Int32] = [0, 0]
  var fromChild: [Int32] = [0, 0]
  #expect(pipe(&toChild) == 0 && pipe(&fromChild) == 0)
  var request = ProcessRequest("/bin/cat")
  request.standardInput = toChild[0]
  request.standardOutput = fromChild[1]
  let child = try ChildProcess(request)
  close(toChild[0])
  close(fromChild[1])
  #expect(write(toChild[1], "hello", 5) == 5)
  close(toChild[1])
  #expect(await child.wait() == .exited(0))
  var buffer = [UInt8](repeating: 0, count: 16)
  #expect(read(fromChild[0], &buffer, 16) == 5)
  close(fromChild[0])
}

/// Its end of input would never come if another child, started meanwhile, held our end of the pipe.
@Test func aChildInheritsNothingOfOurs() async throws {
  var ends: [Int32] = [0, 0]
  #expect(pipe(&ends) == 0)  // not even close-on-exec
  let child = try ChildProcess(shell("sleep 30"))
  defer { close(ends[0]) }
  close(ends[1])
  var byte: UInt8 = 0
  #expect(read(ends[0], &byte, 1) == 0)
  try await child.terminate()
}

@Test func waitingReturnsNilWhenTheCallerIsCancelled() async throws {
  let child = try ChildProcess(shell("sleep 30"))
  let waiter = Task { await child.wait() }
  waiter.cancel()
  #expect(await waiter.value == nil)
  #expect(child.end == nil)
  #expect(child.identity.isAlive)
  try await child.terminate()
  #expect(await child.wait() == .signalled(15))
  #expect(!child.identity.isAlive)
  try child.send(Signal.kill)  // gone: fine
}

@Test func terminateKillsWhatDoesNotListen() async throws {
  try await scratch { directory in
    let child = try ChildProcess(shell("trap '' TERM; touch \(directory)/ready; while :; do sleep 0.05; done"))
    while !fileExists("\(directory)/ready") { await Task.yield() }
    #expect(try await child.terminate(grace: .milliseconds(50)) == .signalled(9))
  }
}

@Test func terminateFinishesThoughItsCallerIsCancelled() async throws {
  try await scratch { directory in
    let child = try ChildProcess(shell("trap '' TERM; touch \(directory)/ready; while :; do sleep 0.05; done"))
    while !fileExists("\(directory)/ready") { await Task.yield() }
    let task = Task { try await child.terminate(grace: .milliseconds(50)) }
    task.cancel()
    #expect(try await task.value == .signalled(9))
  }
}

@Test func aStoppedProcessIsEndedToo() async throws {
  let child = try ChildProcess(shell("sleep 30"))
  try child.send(Signal.stop)
  // The signal is sent when the call returns, and the process stops when it is next scheduled.
  func state() throws -> Substring? {
    String(decoding: try readFile("/proc/\(child.identity.pid)/stat"), as: UTF8.self).split(separator: ") ").last?
      .prefix(1)
  }
  while try state() != "T" { await Task.yield() }
  #expect(try await child.terminate(grace: .milliseconds(20)) == .signalled(9))
}

@Test func aProcessNobodyHoldsIsStillCollected() async throws {
  let identity = try ChildProcess(shell("exit 0")).identity
  let stat = "/proc/\(identity.pid)/stat"
  // A zombie would keep its entry for ever.
  while let now = ProcessIdentity(of: identity.pid), now == identity { await Task.yield() }
  #expect(ProcessIdentity(of: identity.pid) != identity, "\(stat)")
}

@Test func theParentDeathSignalReachesAChildThatChangedItsUser() async throws {
  try #require(getuid() == 0, "becoming another user needs root")
  var request = shell("sleep 30")
  request.user = (uid: 65534, gid: 65534)
  request.parentDeathSignal = Signal.kill
  let fixed = request
  let child = try await onOwnThread("short-lived") { try ChildProcess(fixed) }
  #expect(await child.wait() == .signalled(9))
}

@Test func anIdentityWithAnotherStartTimeIsNeverSignalled() async throws {
  let child = try ChildProcess(shell("sleep 30"))
  let reused = ProcessIdentity(pid: child.identity.pid, startTicks: child.identity.startTicks + 1)
  #expect(!reused.isAlive)
  #expect(try reused.send(Signal.kill) == false)
  #expect(reused.waitUntilGone(limit: .seconds(1)))
  #expect(child.identity.isAlive)
  #expect(!child.identity.waitUntilGone(limit: .milliseconds(5)))
  #expect(try child.identity.send(Signal.kill))
  #expect(await child.wait() == .signalled(9))
  #expect(child.identity.waitUntilGone(limit: .seconds(1)))
  #expect(try child.identity.send(Signal.kill) == false)
  #expect(ProcessIdentity(of: -1) == nil)
}

@Test func identitiesSurviveTheirJSON() throws {
  let identity = try #require(ProcessIdentity(of: getpid()))
  #expect(try decodeJSON(ProcessIdentity.self, from: encodeJSON(identity)) == identity)
  #expect(identity.isAlive)
}

@Test func aProcessNameWithParenthesesAndSpacesIsRead() async throws {
  try await scratch { directory in
    let name = "\(directory)/a) R (b c"
    try writeFile(name, try readFile("/bin/sleep"), mode: 0o755)
    let child = try ChildProcess(ProcessRequest(name, ["30"]))
    #expect(child.identity.startTicks > 0)
    #expect(child.identity.isAlive)
    try await child.terminate()
  }
}

// MARK: time namespaces

@Test(
  arguments: [
    (0, "0 0"), (1, "0 1"), (86_400_500_000_000, "86400 500000000"), (-1, "-1 999999999"),
    (-1_000_000_000, "-1 0"), (-1_500_000_000, "-2 500000000"), (Int64.min, "-9223372037 145224192"),
  ] as [(Int64, String)])
func offsetsAreWrittenAsTheKernelReadsThem(nanoseconds: Int64, text: String) {
  #expect(TimeOffsets(monotonicNanoseconds: nanoseconds).kernelText == "monotonic \(text)\nboottime 0 0\n")
}

@Test func offsetsAreToldToPeople() {
  #expect("\(TimeOffsets(monotonicNanoseconds: 5_000_000_000))" == "monotonic +5s")
  #expect(
    "\(TimeOffsets(monotonicNanoseconds: -250_000_000, boottimeNanoseconds: 3_600_000_000_000))"
      == "monotonic −250ms, boottime +1h")
  #expect(TimeOffsets().isZero)
}

/// A real program reads both clocks from its first instruction on as they were asked for, its children too, and the time of
/// day as it is; we and what we start otherwise stay in our own time.
@Test(
  .enabled(if: geteuid() == 0, "time namespaces need root"),
  arguments: [
    TimeOffsets(monotonicNanoseconds: 86_400_500_000_000, boottimeNanoseconds: 604_800_000_000_000),
    TimeOffsets(monotonicNanoseconds: -2_000_000_000, boottimeNanoseconds: 0),
  ])
func aProcessSeesOtherClocksThanWe(offsets: TimeOffsets) async throws {
  try await scratch { directory in
    func clocks(_ request: ProcessRequest) async throws -> [Int64] {
      let log = "\(directory)/\(request.timeOffsets == nil ? "ours" : "theirs")"
      var request = request
      request.logPath = log
      #expect(await (try ChildProcess(request)).wait() == .exited(0))
      return String(decoding: try readFile(log), as: UTF8.self).split(whereSeparator: \.isWhitespace)
        .compactMap { Int64($0) }
    }
    func now(_ clock: clockid_t) -> Int64 {
      var value = timespec()
      clock_gettime(clock, &value)
      return Int64(value.tv_sec) * 1_000_000_000 + Int64(value.tv_nsec)
    }
    let program = """
      import os, time
      print(time.clock_gettime_ns(time.CLOCK_MONOTONIC), time.clock_gettime_ns(time.CLOCK_BOOTTIME),
            time.clock_gettime_ns(time.CLOCK_REALTIME), flush=True)
      if os.fork() == 0:
          print(time.clock_gettime_ns(time.CLOCK_MONOTONIC), flush=True)
          os._exit(0)
      os.wait()
      """
    var request = ProcessRequest("/usr/bin/python3", ["-I", "-c", program])
    request.timeOffsets = offsets
    let before = [CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME].map { now($0) }
    let seen = try await clocks(request)
    let after = [CLOCK_MONOTONIC, CLOCK_BOOTTIME, CLOCK_REALTIME].map { now($0) }
    try #require(seen.count == 4)
    let expected = [offsets.monotonicNanoseconds, offsets.boottimeNanoseconds, 0]
    for (index, offset) in expected.enumerated() {
      #expect((before[index]...after[index]).contains(seen[index] - offset))
    }
    #expect((before[0]...after[0]).contains(seen[3] - offsets.monotonicNanoseconds))
    request.timeOffsets = nil
    let ours = try await clocks(request)
    #expect(ours[0] >= after[0] && ours[0] <= now(CLOCK_MONOTONIC))
  }
}

@Test(.enabled(if: geteuid() == 0, "time namespaces need root"))
func clocksThatCannotBeAreRefusedByName() throws {
  var request = shell("true")
  // No clock can be before its start.
  request.timeOffsets = TimeOffsets(monotonicNanoseconds: -9_000_000_000_000_000_000)
  #expect(throws: SystemError("timens_offsets", "/bin/sh", number: ERANGE)) { try ChildProcess(request) }
}
