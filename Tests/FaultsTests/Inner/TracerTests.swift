import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

/// Threads that count in a shared file (words 1…), or come and go; counts SIGUSR1 in word 100.
private let subject = """
  #define _GNU_SOURCE
  #include <fcntl.h>
  #include <pthread.h>
  #include <signal.h>
  #include <stdint.h>
  #include <stdlib.h>
  #include <string.h>
  #include <sys/mman.h>
  #include <sys/wait.h>
  #include <unistd.h>
  static volatile int64_t *page;
  static void count(int n) { (void)n; __atomic_add_fetch(&page[100], 1, __ATOMIC_SEQ_CST); }
  static void *busy(void *x) { for (;;) page[(long)x]++; }
  static void *idle(void *x) { for (;;) { page[(long)x]++; usleep(1000); } }
  static void *brief(void *x) { __atomic_add_fetch(&page[1], 1, __ATOMIC_SEQ_CST); return x; }
  int main(int c, char **v) {
    int fd = open(v[1], O_RDWR);
    page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    struct sigaction a = {.sa_handler = count, .sa_flags = SA_RESTART};
    sigaction(SIGRTMIN + 5, &a, 0);
    pthread_t t;
    if (!strcmp(v[2], "threads")) {
      for (long i = 2; i <= 4; i++) pthread_create(&t, 0, busy, (void *)i);
      for (long i = 5; i <= 8; i++) pthread_create(&t, 0, idle, (void *)i);
      page[0] = 1;
      idle((void *)1);
    } else if (!strcmp(v[2], "churn")) {
      page[0] = 1;
      for (;;) { pthread_create(&t, 0, brief, 0); pthread_join(t, 0); }
    } else if (!strcmp(v[2], "forks")) {
      page[0] = 1;
      for (;;) {
        pid_t p = fork();
        if (!p) { for (int i = 0; i < 3; i++) getppid(); page[1]++; _exit(0); }
        waitpid(p, 0, 0);
        usleep(500);
      }
    } else if (!strcmp(v[2], "vfork")) {
      page[0] = 1;
      for (;; usleep(500)) {
        page[1]++;
        if (!page[2] || vfork()) continue;
        for (page[4] = 1; !page[3];) usleep(500);
        page[2] = 0;
        _exit(0);
      }
    } else if (!strcmp(v[2], "sync")) {
      page[0] = 1;
      for (;;) { fdatasync(fd); page[1]++; }
    }
  }
  """

#if arch(x86_64)
  private let (fdatasyncNumber, getppidNumber, getpidNumber): (UInt64, UInt64, UInt64) = (75, 110, 39)
  private let gateCode: [UInt8] = [0x0f, 0x05]
#else
  private let (fdatasyncNumber, getppidNumber, getpidNumber): (UInt64, UInt64, UInt64) = (83, 173, 172)
  private let gateCode: [UInt8] = [0x01, 0x00, 0x00, 0xd4]
#endif

/// An instruction for system calls in the process's vDSO.
private func gateAddress(_ process: ProcessIdentity) throws -> UInt64 {
  let maps = String(decoding: try readFile("/proc/\(process.pid)/maps"), as: UTF8.self)
  let line = try #require(maps.split(separator: "\n").first { $0.hasSuffix("[vdso]") })
  let ends = line.prefix { $0 != " " }.split(separator: "-").compactMap { UInt64($0, radix: 16) }
  let image = try ProcessMemory(of: process).read(ends[0], count: Int(ends[1] - ends[0]))
  let place = try #require((0..<image.count - 4).first { image[$0...].starts(with: gateCode) })
  return ends[0] + UInt64(place)
}

private func program() async throws -> TestProgram { try await .compiled("subject", subject) }

@Suite(.enabled(if: isRoot, "needs root to trace")) struct TracerTests {
  @Test func everyThreadStandsStillAndGoesOn() async throws {
    try await program().run(["threads"]) { child, file in
      let tracer = try TracerThread("tracer-test")
      let identity = child.identity
      for _ in 0..<5 {
        let (count, before, after) = try await tracer.run { tracer in
          let traced = try tracer.seize(identity)
          try traced.stop()
          let before = file.words(1, 8)
          usleep(3_000)
          let after = file.words(1, 8)
          let count = traced.threads.count
          traced.detach()
          return (count, before, after)
        }
        #expect(count == 8)
        #expect(before == after)
        #expect(try await eventually(within: .seconds(5)) { zip(file.words(1, 8), after).allSatisfy { $0 > $1 } })
      }
      #expect(try TraceableProcess(identity).tracer == 0)
    }
  }

  @Test func threadsThatComeAndGoAreAllCaught() async throws {
    try await program().run(["churn"]) { child, file in
      let identity = child.identity
      for _ in 0..<100 {
        let (before, after) = try TracerThread.once { tracer in
          let traced = try tracer.seize(identity)
          try traced.stop()
          let before = file.word(1)
          usleep(200)
          return (before, file.word(1))
        }
        #expect(before == after)
      }
      #expect(child.end == nil)
      let now = file.word(1)
      #expect(try await eventually(within: .seconds(5)) { file.word(1) > now })
    }
  }

  @Test func noSignalIsLostWhileStoppedOrTraced() async throws {
    try await program().run(["threads"]) { child, file in
      let identity = child.identity
      let sent = 60
      try TracerThread.once { tracer in
        for round in 0..<sent {
          let traced = try tracer.seize(identity)
          if round % 2 == 0 { kill(identity.pid, 39) }
          try traced.stop()
          if round % 2 == 1 { kill(identity.pid, 39) }
          traced.detach()
        }
      }
      #expect(try await eventually(within: .seconds(5)) { file.word(100) == sent })
    }
  }

  @Test func aProcessThatJobControlStoppedStaysStopped() async throws {
    try await program().run(["threads"]) { child, file in
      try child.send(Signal.stop)
      let identity = child.identity
      func state() throws -> Character? {
        String(decoding: try readFile("/proc/\(identity.pid)/stat"), as: UTF8.self).split(separator: ")").last?
          .first { $0 != " " }
      }
      #expect(try await eventually(within: .seconds(5)) { try state() == "T" })
      try TracerThread.once { tracer in
        let traced = try tracer.seize(identity)
        try traced.stop()
        traced.detach()
      }
      #expect(try await eventually(within: .seconds(5)) { try state() == "T" })
      let before = file.words(1, 8)
      usleep(2_000)
      #expect(file.words(1, 8) == before)
      try child.send(Signal.resume)
      #expect(try await eventually(within: .seconds(5)) { file.word(1) > before[0] })
    }
  }

  @Test func aProcessThatIsKilledInItsStopReportsItsEndToItsParent() async throws {
    try await program().run(["threads"]) { child, _ in
      let tracer = try TracerThread("tracer-test")
      let identity = child.identity
      let ended = try await tracer.run { tracer in
        let watch = Watch()
        let traced = try tracer.seize(identity, options: .threads, observer: watch)
        try traced.stop()
        return watch
      }
      try child.send(Signal.kill)
      #expect(await child.wait() == .signalled(Signal.kill))
      #expect(try await eventually(within: .seconds(5)) { ended.hasEnded })
    }
  }

  /// What the thread dies of does not matter to what it traced: it goes on.
  @Test func theEndOfTheTracerLetsEverythingGo() async throws {
    try await program().run(["threads"]) { child, file in
      let identity = child.identity
      try TracerThread.once { tracer in
        try tracer.seize(identity).stop()  // and no detach
      }
      let before = file.words(1, 8)
      #expect(try await eventually(within: .seconds(5)) { zip(file.words(1, 8), before).allSatisfy { $0 > $1 } })
      #expect(try TraceableProcess(identity).tracer == 0)
    }
  }

  @Test func systemCallsAreSeenOneByOneAndChildrenFollowed() async throws {
    for (mode, call) in [("sync", fdatasyncNumber), ("forks", getppidNumber)] {
      try await program().run([mode]) { child, file in
        let tracer = try TracerThread("tracer-test")
        let identity = child.identity
        let watch = try await tracer.run { tracer in
          let watch = Watch()
          let traced = try tracer.seize(identity, options: [.threads, .children], observer: watch)
          try traced.stop(within: .seconds(5))  // a disk that is busy may take long
          traced.stopAtSystemCalls(true)
          traced.resume()
          return watch
        }
        #expect(try await eventually(within: .seconds(10)) { watch.entries(of: call) >= 12 })
        let before = file.word(1)
        #expect(try await eventually(within: .seconds(10)) { file.word(1) > before + 2 })
        try await tracer.run { $0.detachAll() }
        #expect(try await eventually(within: .seconds(5)) { file.word(1) > before + 5 })
        // A thread that waits for a disk cannot be stopped, and is let go a moment later.
        #expect(try await eventually(within: .seconds(5)) { try TraceableProcess(identity).tracer == 0 })
        #expect(child.end == nil)
      }
    }
  }

  @Test func callsMadeInItsNameLeaveNoTrace() async throws {
    try await program().run(["threads"]) { child, file in
      let identity = child.identity
      let gate = try gateAddress(identity)
      for _ in 0..<20 {
        let pid = try TracerThread.once { tracer in
          let traced = try tracer.seize(identity)
          try traced.stop()
          let call = RemoteCall(process: traced, thread: try RemoteCall.thread(of: traced), gate: gate)
          return try call.systemCall(getpidNumber, [])
        }
        #expect(pid == Int64(identity.pid))
      }
      let before = file.words(1, 8)
      #expect(try await eventually(within: .seconds(5)) { zip(file.words(1, 8), before).allSatisfy { $0 > $1 } })
      #expect(child.end == nil)
    }
  }

  @Test func whatIsScheduledRunsWhenItIsDueWhileNothingHappens() async throws {
    try await program().run(["threads"]) { child, file in
      let tracer = try TracerThread("tracer-test")
      let identity = child.identity
      let flag = Flag()
      let before = try await tracer.run { tracer in
        let traced = try tracer.seize(identity, options: .threads)
        try traced.stop()
        tracer.schedule(at: tracer.timebase.monotonic() + 20_000_000) {
          flag.set()
          traced.detach()
        }
        return file.words(1, 8)
      }
      #expect(try await eventually(within: .seconds(5)) { flag.isSet })
      #expect(try await eventually(within: .seconds(5)) { zip(file.words(1, 8), before).allSatisfy { $0 > $1 } })
    }
  }

  @Test func whatCannotBeTracedIsRefusedWithTheReason() async throws {
    try await program().run(["threads"]) { child, _ in
      let identity = child.identity
      func refusal(_ process: ProcessIdentity) -> TraceError.Reason? {
        do {
          try TracerThread.once { tracer in _ = try tracer.seize(process) }
          return nil
        } catch { return (error as? TraceError)?.reason }
      }
      #expect(refusal(try .current()) == .ourselves)
      #expect(
        refusal(ProcessIdentity(pid: identity.pid, startTicks: identity.startTicks + 1)) == .reused)
      #expect(refusal(ProcessIdentity(pid: 0x3f_ffff, startTicks: 1)) == .gone)
      if let kernelThread = ProcessIdentity(of: 2) { #expect(refusal(kernelThread) == .kernelThread) }
      let other = try TracerThread("tracer-test")
      try await other.run { tracer in _ = try tracer.seize(identity) }
      #expect(refusal(identity) == .tracedAlready(by: getpid()))
    }
  }

  /// A thread that waits for its vfork child comes to no stop, as one that gets no processor does. It is let go when it does, and
  /// whoever wants the process again meanwhile waits for that.
  @Test func aProcessThatDidNotStopInTimeIsTracedAgainWhenItHas() async throws {
    try await program().run(["vfork"]) { child, file in
      let identity = child.identity
      file.set(2, 1)
      #expect(try await eventually(within: .seconds(10)) { file.word(4) == 1 })
      try TracerThread.once { tracer in
        let first = try tracer.seize(identity)
        let failure = #expect(throws: TraceError.self) { try first.stop() }
        #expect(failure?.reason == .didNotStop(thread: identity.pid))
        file.set(3, 1)
        let second = try tracer.seize(identity)
        try second.stop()
        second.detach()
      }
      let seen = file.word(1)
      #expect(try await eventually(within: .seconds(10)) { file.word(1) > seen + 2 })
    }
  }

  /// Between the moment at which it gives its memory back and its end it has no program, as threads of the kernel have none.
  @Test func aProcessThatIsAboutToEndIsNoThreadOfTheKernel() async throws {
    for _ in 0..<150 {
      let child = try ChildProcess(ProcessRequest("/bin/true"))
      var reason: TraceError.Reason?
      while reason == nil {
        do { try TraceableProcess(child.identity).checkTraceable() } catch { reason = error.reason }
      }
      #expect(reason == .gone)
      _ = await child.wait()
    }
  }

  @Test func kindsOfProcessesAreToldApartByTheirHeadersAlone() throws {
    let process = try ProcessIdentity.current()
    func facts(_ status: String, _ header: [UInt8]) -> TraceableProcess {
      TraceableProcess(ProcessIdentity(pid: 1, startTicks: 1), status: status, programHeader: header)
    }
    let ours = TraceableProcess.otherMachine(Array(try readFile("/proc/\(process.pid)/exe").prefix(64)))
    #expect(ours == nil)
    let narrow: [UInt8] = [0x7f, 0x45, 0x4c, 0x46, 1] + [UInt8](repeating: 0, count: 59)
    #expect(throws: TraceError.self) { try facts("TracerPid:\t0\n", narrow).checkTraceable() }
    #expect(throws: TraceError.self) { try facts("TracerPid:\t7\n", []).checkTraceable() }
    #expect(throws: TraceError.self) { try facts("Seccomp:\t2\n", []).checkUnfiltered() }
    #expect(facts("Seccomp:\t2\nThreads:\t9\n", []).seccomp == 2)
    #expect(facts("Seccomp:\t2\nThreads:\t9\n", []).threadCount == 9)
  }
}

private final class Flag: Sendable {
  private let value = Mutex(false)
  var isSet: Bool { value.withLock { $0 } }
  func set() { value.withLock { $0 = true } }
}

/// Lets everything pass, and counts system calls.
private final class Watch: Tracer.Observer, Sendable {
  private struct State {
    var entries: [UInt64: Int] = [:]
    var hasEnded = false
  }
  private let state = Mutex(State())

  var hasEnded: Bool { state.withLock(\.hasEnded) }
  func entries(of call: UInt64) -> Int { state.withLock { $0.entries[call] ?? 0 } }

  func stopped(_ thread: Int32, _ stop: TraceStop, of process: TracedProcess) {
    if stop == .systemCall, let call = try? process.systemCall(of: thread), call.phase == .entry {
      state.withLock { $0.entries[call.number, default: 0] += 1 }
    }
    process.pass(thread, stop)
  }

  func ended(_ process: TracedProcess) { state.withLock { $0.hasEnded = true } }
}
