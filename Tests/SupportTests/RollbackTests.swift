import Support
import Synchronization
import Testing
import TestSupport

private final class Log: Sendable {
  private let lines = Mutex<[String]>([])
  func add(_ line: String) { lines.withLock { $0.append(line) } }
  var all: [String] { lines.withLock { $0 } }
}

private struct Broken: Error {}

@Test func undoRunsNewestFirstAndTheValueComesBack() async throws {
  let log = Log()
  let value = try await withRollback { stack in
    let first = try await stack.perform(UndoStep("one") { log.add("undo one") }) {
      log.add("do one")
      return 41
    }
    stack.push(UndoStep("two") { log.add("undo two") })
    return first + 1
  }
  #expect(value == 42)
  #expect(log.all == ["do one", "undo two", "undo one"])
}

/// A half-applied step is still applied.
@Test func aStepWhoseApplyFailedIsUndone() async {
  let log = Log()
  await #expect(throws: Broken.self) {
    try await withRollback { stack in
      try await stack.perform(UndoStep("cut") { log.add("heal") }) { throw Broken() }
    }
  }
  #expect(log.all == ["heal"])
}

@Test func undoRunsUncancelledWhenTheCallerIsCancelled() async {
  let log = Log()
  let clock = ManualClock()
  let task = Task {
    try await withRollback(clock: clock) { stack in
      stack.push(UndoStep("cut") { log.add(Task.isCancelled ? "cancelled" : "healed") })
      try await clock.sleep(for: .seconds(60))
    }
  }
  await clock.untilSleeping()
  task.cancel()
  await #expect(throws: CancellationError.self) { try await task.value }
  #expect(log.all == ["healed"])
}

@Test func everyUndoIsTriedAndAllFailuresAreReportedWithTheirCause() async throws {
  let log = Log()
  let failure = await #expect(throws: RollbackFailure.self) {
    try await withRollback { stack in
      stack.push(UndoStep("a") { throw Broken() })
      stack.push(UndoStep("b") { log.add("b") })
      stack.push(UndoStep("c") { throw Broken() })
      throw CancellationError()
    }
  }
  #expect(failure?.items.map(\.name) == ["c", "a"])
  #expect(failure?.cause is CancellationError)
  #expect(log.all == ["b"])
  #expect(failure?.description.hasPrefix("could not undo c: Broken()\ncould not undo a: Broken()\nafter: ") == true)
}

@Test func anUndoThatHangsIsLeftAtItsLimitAndTheNextOneRuns() async {
  let log = Log()
  let clock = ManualClock()
  let task = Task {
    try await withRollback(limitPerStep: .seconds(10), clock: clock) { stack in
      stack.push(UndoStep("last") { log.add("last") })
      stack.push(UndoStep("hangs") { try await clock.sleep(for: .seconds(1000)) })
    }
  }
  await clock.untilSleeping(2)  // the step and its limit
  clock.advance(by: .seconds(10))
  let failure = await #expect(throws: RollbackFailure.self) { try await task.value }
  #expect(failure?.items.map(\.error) == ["undo of hangs took longer than 10.0 s"])
  #expect(failure?.cause == nil)
  #expect(log.all == ["last"])
}

@Test func aDeadlineGivesTheValueOrSaysWhatTookTooLong() async throws {
  let clock = ManualClock()
  #expect(try await withDeadline(.seconds(1), clock: clock, "sum") { 1 + 1 } == 2)
  await #expect(throws: Broken.self) { try await withDeadline(.seconds(1), clock: clock, "sum") { throw Broken() } }

  let late = Task {
    try await withDeadline(.seconds(1), clock: clock, "sleep") { try await clock.sleep(for: .seconds(5)) }
  }
  await clock.untilSleeping(2)
  clock.advance(by: .seconds(1))
  await #expect(throws: DeadlineExceeded(what: "sleep", limit: .seconds(1))) { try await late.value }

  let cancelled = Task {
    try await withDeadline(.seconds(1), clock: clock, "sleep") { try await clock.sleep(for: .seconds(5)) }
  }
  await clock.untilSleeping(2)
  cancelled.cancel()
  await #expect(throws: CancellationError.self) { try await cancelled.value }
  #expect(clock.sleeperCount == 0)
}

@Test func shieldedWorkDoesNotSeeTheCancellation() async {
  let clock = ManualClock()
  let task = Task {
    await shielded {
      do { try await clock.sleep(for: .seconds(1)) } catch { return "cancelled" }
      return "done"
    }
  }
  await clock.untilSleeping()
  task.cancel()
  clock.advance(by: .seconds(1))
  #expect(await task.value == "done")
}
