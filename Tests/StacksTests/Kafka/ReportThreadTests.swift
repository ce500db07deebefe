import Glibc
import Netlink
import Support
import Synchronization
import Testing

@testable import Stacks

/// What a link of this thread's own leads to: `thread-self` names the thread, `thread-self/ns/net` its network namespace.
private func target(of link: String) -> String {
  var buffer = [CChar](repeating: 0, count: 128)
  let count = readlink("/proc/\(link)", &buffer, buffer.count)
  return String(decoding: buffer.prefix(max(0, count)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

/// A client whose callbacks come when a test says so. Its waits have no limit, so that only an interrupt ends them.
private final class ScriptedClient: ReportSource {
  struct State {
    var callbacks: [@Sendable () -> Void] = []
    var serves = 0
    var ends = 0
  }

  let state = Mutex(State())
  private let ends: (read: Int32, write: Int32)

  init() throws {
    var descriptors: [Int32] = [0, 0]
    guard pipe(&descriptors) == 0 else { throw SystemError("pipe", "scripted client") }
    ends = (descriptors[0], descriptors[1])
  }

  deinit {
    Glibc.close(ends.read)
    Glibc.close(ends.write)
  }

  func call(_ callback: @escaping @Sendable () -> Void) {
    state.withLock { $0.callbacks.append(callback) }
    interrupt()
  }

  func serve(milliseconds: Int32) {
    var wait = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
    if poll(&wait, 1, milliseconds == 0 ? 0 : -1) > 0 {
      var byte: UInt8 = 0
      read(ends.read, &byte, 1)
    }
    let callbacks = state.withLock { state in
      defer { state.callbacks = [] }
      state.serves += 1
      return state.callbacks
    }
    for callback in callbacks { callback() }
  }

  func interrupt() {
    var byte: UInt8 = 1
    write(ends.write, &byte, 1)
  }

  func end() { state.withLock { $0.ends += 1 } }
}

@Suite struct ReportThreadTests {
  /// Where the calling task is now.
  private func place(on thread: ReportThread) async -> String {
    await withTaskExecutorPreference(thread) { target(of: "thread-self") }
  }

  @Test func aTaskGoesOnWhereTheCallbackCameThatItWaitedFor() async throws {
    let client = try ScriptedClient()
    let thread = ReportThread(serving: client)
    await withTaskExecutorPreference(thread) {
      let here = target(of: "thread-self")
      for _ in 0..<50 {
        let there = await withCheckedContinuation { continuation in
          client.call { continuation.resume(returning: target(of: "thread-self")) }
        }
        #expect(there == here)
        #expect(target(of: "thread-self") == here)
      }
    }
    thread.leave()
  }

  /// Without the interrupt the thread would wait for ever: this client's waits have no limit.
  @Test func whoComesFromElsewhereEndsTheWait() async throws {
    let client = try ScriptedClient()
    let thread = ReportThread(serving: client)
    try await withDeadline(.seconds(20), "jobs on a thread that waits") {
      for _ in 0..<200 {
        let there = await place(on: thread)
        await withTaskExecutorPreference(globalConcurrentExecutor) {
          #expect(target(of: "thread-self") != there)
        }
      }
    }
    #expect(client.state.withLock(\.serves) > 0)
    thread.leave()
  }

  @Test func aClientThatLeftIsNotServedAnyMoreAndTasksStillRun() async throws {
    let client = try ScriptedClient()
    let thread = ReportThread(serving: client)
    let before = await place(on: thread)
    thread.leave()
    thread.leave()
    let served = client.state.withLock(\.serves)
    for _ in 0..<20 { #expect(await place(on: thread) == before) }
    #expect(client.state.withLock(\.serves) == served)
    #expect(client.state.withLock(\.ends) == 1)
  }

  @Test func aTaskThatRunsThereMayLetTheClientGo() async throws {
    let client = try ScriptedClient()
    let thread = ReportThread(serving: client)
    try await withDeadline(.seconds(20), "leaving from the thread itself") {
      await withTaskExecutorPreference(thread) { thread.leave() }
      _ = await place(on: thread)
    }
    #expect(client.state.withLock(\.ends) == 1)
  }

  @Test func theThreadEndsWithItsExecutor() async throws {
    let ended = try await {
      let thread = ReportThread(serving: try ScriptedClient())
      defer { thread.leave() }
      return await place(on: thread)
    }()
    try await eventually("the end of \(ended)") { access("/proc/\(ended)", F_OK) != 0 }
  }

  /// Whoever waits for a report is woken by it, and that may be a new thread of the pool, which is born where the waking one is: a
  /// thread in a lab's region would let everything that this process starts afterwards begin there.
  @Test(.enabled(if: geteuid() == 0, "needs root for namespaces"))
  func reportsComeInTheProcessesOwnNetworkNamespaceWhereverTheClientIs() async throws {
    let name = "bst-reports-\(getpid())"
    let namespace = try NetworkNamespace.create(named: name)
    defer {
      do throws(NetlinkError) { try NetworkNamespace.delete(named: name) } catch { Issue.record(error) }
    }
    let home = target(of: "self/ns/net")
    let inside = try await onOwnThread("inside", networkNamespace: namespace.fileDescriptor) {
      target(of: "thread-self/ns/net")
    }
    #expect(inside != home)
    // Nobody is there, so that the report says that it timed out.
    let producer = try await KafkaProducer(
      KafkaProperties(bootstrap: ["127.0.0.1:9"]), name: "elsewhere", networkNamespace: namespace.fileDescriptor,
      linger: .zero, deliveryLimit: .milliseconds(300))
    let place = await withCheckedContinuation { continuation in
      producer.send(KafkaRecord(topic: "none", value: [1])) { _ in
        continuation.resume(returning: target(of: "thread-self/ns/net"))
      }
    }
    #expect(place == home)
    await producer.close()
  }
}
