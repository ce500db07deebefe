import Glibc
import Support
import Testing
import TestSupport

private actor Counter {
  let executor: ThreadExecutor
  var threads: Set<Int> = []

  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(_ executor: ThreadExecutor) { self.executor = executor }

  func touch() -> String {
    threads.insert(Int(bitPattern: UInt(pthread_self())))
    return threadNamespace()
  }
}

/// Device and inode of the namespace that this thread is in.
private func threadNamespace() -> String { linkTarget("/proc/thread-self/ns/net") }

private func linkTarget(_ path: String) -> String {
  var buffer = [UInt8](repeating: 0, count: 64)
  let count = buffer.withUnsafeMutableBytes { bytes in
    bytes.withMemoryRebound(to: CChar.self) { text in
      text.baseAddress.map { readlink(path, $0, text.count) } ?? -1
    }
  }
  return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
}

/// A process in a network namespace of its own, and a descriptor of that namespace.
private func withNamespace(_ body: (Int32, String) async throws -> Void) async throws {
  let holder = try ChildProcess(ProcessRequest("/usr/bin/unshare", ["--net", "sleep", "60"]))
  let path = "/proc/\(holder.identity.pid)/ns/net"
  let ours = linkTarget("/proc/self/ns/net")
  while linkTarget(path) == ours { await Task.yield() }
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  do {
    try await body(descriptor, linkTarget(path))
  } catch {
    close(descriptor)
    try await holder.terminate(Signal.kill)
    throw error
  }
  close(descriptor)
  try await holder.terminate(Signal.kill)
}

@Test func anActorRunsOnOneThreadInItsNamespace() async throws {
  try #require(getuid() == 0, "entering a namespace needs root")
  try await withNamespace { descriptor, name in
    let ours = threadNamespace()
    let counter = Counter(try ThreadExecutor(name: "a-name-longer-than-fifteen", networkNamespace: descriptor))
    for _ in 0..<100 { #expect(await counter.touch() == name) }
    #expect(await counter.threads.count == 1)
    #expect(name != ours)
    #expect(threadNamespace() == ours)
    counter.executor.stop()
    counter.executor.stop()
  }
}

@Test func jobsOfManyTasksAllRun() async throws {
  let counter = Counter(try ThreadExecutor(name: "busy"))
  await withTaskGroup(of: Void.self) { group in
    for _ in 0..<500 { group.addTask { _ = await counter.touch() } }
  }
  #expect(await counter.threads.count == 1)
  counter.executor.stop()
}

@Test func aThreadThatMayNotEnterLeavesNothing() throws {
  let file = open("/etc/passwd", O_RDONLY | O_CLOEXEC)
  defer { close(file) }
  #expect(throws: SystemError("setns", "x", number: EINVAL)) { try ThreadExecutor(name: "x", networkNamespace: file) }
  #expect(throws: SystemError("setns", "x", number: EBADF)) { try ThreadExecutor(name: "x", networkNamespace: 9999) }
}

@Test func singleCallsRunInTheirNamespaceAndGiveTheirErrorBack() async throws {
  try #require(getuid() == 0, "entering a namespace needs root")
  try await withNamespace { descriptor, name in
    let seen = try await onOwnThread("once", networkNamespace: descriptor) { threadNamespace() }
    #expect(seen == name)
    await #expect(throws: SystemError.self) {
      try await onOwnThread("once", networkNamespace: descriptor) { throw SystemError("x", number: EPERM) }
    }
  }
}

@Test func aChildProcessEntersTheNamespace() async throws {
  try #require(getuid() == 0, "entering a namespace needs root")
  try await withNamespace { descriptor, name in
    try await withTemporaryDirectory("spawn", remove: { try removeTree($0) }) { directory in
      var request = ProcessRequest("/bin/readlink", ["/proc/self/ns/net"])
      request.networkNamespace = descriptor
      request.logPath = "\(directory)/log"
      let child = try ChildProcess(request)
      #expect(await child.wait() == .exited(0))
      let log = try readFile("\(directory)/log")
      #expect(String(decoding: log, as: UTF8.self) == "\(name)\n")
    }
  }
}

@Test func aManualClockWakesThoseWhoseTimeHasCome() async throws {
  let clock = ManualClock()
  let early = Task { try await clock.sleep(for: .seconds(1)) }
  let late = Task { try await clock.sleep(for: .seconds(3)) }
  await clock.untilSleeping(2)
  clock.advance(by: .seconds(1))
  try await early.value
  #expect(clock.sleeperCount == 1)
  late.cancel()
  await #expect(throws: CancellationError.self) { try await late.value }
  try await clock.sleep(for: .zero)
  #expect(clock.now.offset == .seconds(1))
}
