import Events
import FoundationEssentials
import Glibc
import Testing

/// Where the child of a test shall record to. `nil`: this is no such child.
private let recordTo = ProcessInfo.processInfo.environment["BLACKSTART_TEST_RECORD_TO"]

private func now() -> Int64 {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}

@Suite struct RecorderKillTests {
  /// Runs in a process of its own, which the test below kills.
  @Test(.enabled(if: recordTo != nil, "records for ever; only the test that kills it starts it"))
  func `child that records until it is killed`() throws {
    let path = try #require(recordTo)
    let recorder = try HistoryRecorder(path: path, runID: "killed", clock: now, wall: now)
    let (node, partition) = (recorder.node("east"), recorder.partition("orders-0"))
    let parent = getppid()
    var sequence: UInt64 = 0
    // Should the test die first, nobody else would end this one.
    while getppid() == parent {
      let ticket = recorder.invoke(
        Operation(
          .append, process: 0, event: EventID(producer: 0, sequence: sequence), keySequence: sequence, node: node,
          region: node, checksum: sequence &* 0x9E37_79B9_7F4A_7C15, partition: partition))
      recorder.complete(ticket, .ok, position: Int64(sequence))
      // Slower than the disk, so that nothing is dropped.
      if sequence % 100 == 99 { usleep(1000) }
      sequence += 1
    }
  }

  @Test(.enabled(if: recordTo == nil, "this is the child"))
  func `after kill -9 of a recording process the file opens to its last whole block`() async throws {
    try await withDirectory { directory in
      for round in 0..<3 {
        let path = directory + "/history-\(round).bsh"
        let child = try spawnChild(recordingTo: path)
        defer { reap(child) }
        // Some blocks first, then any moment.
        try waitUntil(limitSeconds: 60) {
          guard size(path) > 0 else { return false }
          return try History(path: path).index.count > round
        }
        usleep(UInt32(37_000 * round))
        #expect(kill(child, SIGKILL) == 0)
        reap(child)

        let history = try History(path: path)
        guard case .cut(let offset, let reason) = history.end else { throw HistoryError.closed }
        #expect(Int(offset) <= size(path))
        #expect(!reason.isEmpty)
        #expect(history.header?.runID == "killed")
        #expect(history.dropped == 0)
        #expect(history.index.count > round)
        #expect(history.operations.map(\.event.sequence) == Array(0..<UInt64(history.operations.count)))
        #expect(history.operations.allSatisfy { $0.outcome == .ok && $0.position == Int64($0.event.sequence) })
        let file = try HistoryFile(path: path)
        let (index, isRebuilt) = (file.index, file.isRebuilt)
        #expect(index == history.index)
        #expect(isRebuilt)
      }
    }
  }

  private func size(_ path: String) -> Int {
    var status = stat()
    return stat(path, &status) == 0 ? Int(status.st_size) : 0
  }

  /// This very program, told to run nothing but the child above.
  private func spawnChild(recordingTo path: String) throws -> pid_t {
    let own = try #require(realpath("/proc/self/exe", nil))
    defer { free(own) }
    let arguments = [
      String(cString: own), "--testing-library", "swift-testing", "--filter", "RecorderKillTests",
    ]
    var words = arguments.map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    let inherited = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    var environment = (inherited + ["BLACKSTART_TEST_RECORD_TO=\(path)"]).map { strdup($0) } + [nil]
    defer { for word in environment { free(word) } }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    for descriptor in Int32(0)...2 {
      posix_spawn_file_actions_addopen(&actions, descriptor, "/dev/null", O_RDWR, 0)
    }
    var child = pid_t()
    try #require(posix_spawn(&child, own, &actions, nil, &words, &environment) == 0)
    return child
  }

  private func reap(_ child: pid_t) {
    var status: Int32 = 0
    // A child that was reaped before is nobody's, and kill finds nothing: its number is free only after the wait.
    if waitpid(child, &status, WNOHANG) == 0 {
      kill(child, SIGKILL)
      waitpid(child, &status, 0)
    }
  }

  private func waitUntil(limitSeconds: Int64, _ condition: () throws -> Bool) throws {
    let end = now() + limitSeconds * 1_000_000_000
    while try !condition() {
      try #require(now() < end, "the child recorded nothing in \(limitSeconds) s")
      usleep(2000)
    }
  }
}
