import Dispatch
import Events
import FoundationEssentials
import Glibc
import Synchronization
import Testing

/// A clock that rises by one with every reading.
private final class Counter: Sendable {
  private let value = Mutex(Int64(1000))
  func next() -> Int64 {
    value.withLock {
      $0 += 1
      return $0
    }
  }
}

private func recorder(
  _ directory: String, capacity: Int = 1 << 16, onBatch: (@Sendable ([Operation]) -> Void)? = nil
) throws -> HistoryRecorder {
  let clock = Counter()
  return try HistoryRecorder(
    path: directory + "/history.bsh", runID: "run-1", clock: clock.next, wall: { 42 }, capacity: capacity,
    onBatch: onBatch)
}

private func append(_ recorder: HistoryRecorder, _ sequence: UInt64) -> Operation {
  Operation(
    .append, process: 0, event: EventID(producer: 0, sequence: sequence), key: 1, keySequence: sequence,
    node: recorder.node("east"), region: recorder.node("east"), token: 7)
}

@Suite struct HistoryRecorderTests {
  @Test func `an operation is written as it was invoked and completed, with times from the recorder's clock`()
    async throws
  {
    try await withDirectory { directory in
      let recorder = try recorder(directory)
      let ticket = recorder.invoke(append(recorder, 0))
      recorder.complete(ticket, .fail(recorder.code("BS409")), position: 9)
      try await recorder.close()
      let history = try History(path: directory + "/history.bsh")
      #expect(history.end == .closed)
      #expect(history.header == HistoryHeader(runID: "run-1", monotonicStart: 1001, wallStart: 42))
      #expect(history.dropped == 0)
      let op = try #require(history.operations.first)
      #expect(history.operations.count == 1)
      #expect(op.invoked < (try #require(op.completed)))
      #expect(op.position == 9)
      #expect(op.token == 7)
      guard case .fail(let code) = op.outcome else { throw HistoryError.closed }
      #expect(history.names.name(of: code) == "BS409")
      #expect(history.names.name(of: op.node) == "east")
    }
  }

  @Test func `an operation that never completes is written as unknown when the history is closed`() async throws {
    try await withDirectory { directory in
      let recorder = try recorder(directory)
      _ = recorder.invoke(append(recorder, 0))
      try await recorder.close()
      let history = try History(path: directory + "/history.bsh")
      #expect(history.operations.map(\.outcome) == [.unknown(.neverCompleted)])
      #expect(history.operations.map(\.completed) == [nil])
    }
  }

  @Test func `a flushed operation is in the file while the recorder goes on`() async throws {
    try await withDirectory { directory in
      let recorder = try recorder(directory)
      recorder.record(append(recorder, 0))
      try await recorder.flush()
      let history = try History(path: directory + "/history.bsh")
      #expect(history.operations.count == 1)
      guard case .cut(_, let reason) = history.end else { throw HistoryError.closed }
      #expect(reason == "the history was never closed")
      try await recorder.close()
    }
  }

  @Test func `operations are written within the period without anybody asking`() async throws {
    try await withDirectory { directory in
      let (stream, more) = AsyncStream.makeStream(of: Int.self)
      let recorder = try recorder(directory) { more.yield($0.count) }
      recorder.record(append(recorder, 0))
      var batches = stream.makeAsyncIterator()
      #expect(await batches.next() == 1)
      try await recorder.close()
    }
  }

  @Test func `what finds no room is counted as dropped, in the state and in the file`() async throws {
    try await withDirectory { directory in
      // The writer stands still inside the first batch, as behind a disk that hangs.
      let gate = DispatchSemaphore(value: 0)
      let (entered, enter) = AsyncStream.makeStream(of: Void.self)
      let recorder = try recorder(directory, capacity: 4) { _ in
        enter.yield()
        gate.wait()
      }
      recorder.record(append(recorder, 0))
      var arrivals = entered.makeAsyncIterator()
      await arrivals.next()
      for sequence in 1..<11 { recorder.record(append(recorder, UInt64(sequence))) }
      #expect(recorder.state.dropped == 6)
      for _ in 0..<3 { gate.signal() }
      try await recorder.close()
      let history = try History(path: directory + "/history.bsh")
      #expect(history.dropped == 6)
      #expect(history.operations.count == 5)
      #expect(recorder.state.written == 5)
    }
  }

  @Test func `too many open operations are dropped and their completion is no misuse`() async throws {
    try await withDirectory { directory in
      let recorder = try recorder(directory, capacity: 1)
      let first = recorder.invoke(append(recorder, 0))
      let second = recorder.invoke(append(recorder, 1))
      recorder.complete(second, .ok)
      recorder.complete(first, .ok)
      #expect(recorder.state.dropped == 1)
      #expect(recorder.state.misused == 0)
      recorder.complete(first, .ok)
      #expect(recorder.state.misused == 1)
      try await recorder.close()
      #expect(try History(path: directory + "/history.bsh").operations.map(\.event.sequence) == [0])
    }
  }

  @Test func `closing twice and recording after the close are told, not swallowed`() async throws {
    try await withDirectory { directory in
      let recorder = try recorder(directory)
      try await recorder.close()
      await #expect(throws: HistoryError.closed) { try await recorder.close() }
      await #expect(throws: HistoryError.closed) { try await recorder.flush() }
      recorder.record(append(recorder, 0))
      _ = recorder.invoke(append(recorder, 1))
      #expect(recorder.state.dropped == 2)
    }
  }

  @Test func `an existing file is never overwritten`() async throws {
    try await withDirectory { directory in
      try Data("evidence".utf8).write(to: URL(fileURLWithPath: directory + "/history.bsh"))
      #expect(throws: HistoryError.system(call: "open", path: directory + "/history.bsh", errno: EEXIST)) {
        try recorder(directory)
      }
    }
  }

  /// A file system of 64 KiB, filled up and freed again under a running recorder.
  @Test(.enabled(if: geteuid() == 0, "mounting a small file system needs root"))
  func `a full disk is reported and counted, and recording goes on once there is room`() async throws {
    try await withDirectory { directory in
      try #require(mount("tmpfs", directory, "tmpfs", 0, "size=64k") == 0)
      defer { umount2(directory, 0) }
      let recorder = try recorder(directory)
      recorder.record(append(recorder, 0))
      try await recorder.flush()

      let filler = open(directory + "/filler", O_CREAT | O_WRONLY, 0o600)
      let page = [UInt8](repeating: 1, count: 4096)
      while write(filler, page, page.count) > 0 {}
      close(filler)
      for sequence in UInt64(1)...3000 {
        var op = append(recorder, sequence)
        op.checksum = sequence &* 0x9E37_79B9_7F4A_7C15  // does not compress
        recorder.record(op)
      }
      await #expect(throws: HistoryError.system(call: "write", path: directory + "/history.bsh", errno: ENOSPC)) {
        try await recorder.flush()
      }
      // A busy writer takes them in several blocks, of which a small one may still fit into the file's last page.
      let lost = recorder.state.dropped
      #expect(lost > 0)
      #expect(recorder.state.written + lost == 3001)
      #expect(try History(path: directory + "/history.bsh").operations.count == 3001 - Int(lost))

      unlink(directory + "/filler")
      recorder.record(append(recorder, 3001))
      try await recorder.flush()
      try await recorder.close()
      let history = try History(path: directory + "/history.bsh")
      let sequences = history.operations.map(\.event.sequence)
      #expect(sequences.count == 3002 - Int(lost))
      #expect(sequences.first == 0 && sequences.last == 3001)
      #expect(sequences == sequences.sorted())
      #expect(history.dropped == lost)
      #expect(history.end == .closed)
    }
  }

  @Test func `many workers record at once and nothing is lost`() async throws {
    try await withDirectory { directory in
      let recorder = try recorder(directory)
      await withTaskGroup(of: Void.self) { group in
        for worker in 0..<4 {
          group.addTask {
            for sequence in 0..<2000 {
              var op = append(recorder, UInt64(sequence))
              op.event.producer = UInt32(worker)
              recorder.complete(recorder.invoke(op), .ok)
            }
          }
        }
      }
      try await recorder.close()
      let history = try History(path: directory + "/history.bsh")
      #expect(Set(history.operations.map(\.event)).count == 8000)
      #expect(history.operations.count == 8000)
      #expect(history.dropped == 0)
    }
  }
}
