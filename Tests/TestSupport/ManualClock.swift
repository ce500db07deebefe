internal import Synchronization

/// A clock that moves only when a test says so, and that reports who sleeps on it.
///
/// `await clock.untilSleeping()` returns once the code under test has arrived at its sleep; then `advance(by:)` wakes it.
/// Nothing yields or really sleeps, so such a test cannot be flaky.
public final class ManualClock: Clock, Sendable {
  /// Time since this clock was made.
  public struct Instant: InstantProtocol, Sendable {
    /// Time since the clock was made.
    public var offset: Duration

    /// A later instant.
    public func advanced(by duration: Duration) -> Instant { Instant(offset: offset + duration) }

    /// The time from here to `other`.
    public func duration(to other: Instant) -> Duration { other.offset - offset }

    /// Earlier comes first.
    public static func < (a: Instant, b: Instant) -> Bool { a.offset < b.offset }
  }

  private struct Sleeper {
    var deadline: Instant
    var continuation: CheckedContinuation<Bool, Never>
  }

  private struct Watcher {
    var count: Int
    var continuation: CheckedContinuation<Void, Never>
  }

  private struct State {
    var now = Instant(offset: .zero)
    var next = 0
    var sleepers: [Int: Sleeper] = [:]
    var watchers: [Watcher] = []

    /// Takes out the watchers that have seen enough sleepers.
    mutating func satisfied() -> [Watcher] {
      let count = sleepers.count
      defer { watchers.removeAll { $0.count <= count } }
      return watchers.filter { $0.count <= count }
    }
  }

  private let state = Mutex(State())

  /// A clock that stands at zero.
  public init() {}

  /// The time it stands at.
  public var now: Instant { state.withLock(\.now) }

  /// Exact.
  public var minimumResolution: Duration { .zero }

  /// How many tasks sleep on it now.
  public var sleeperCount: Int { state.withLock(\.sleepers.count) }

  /// Waits until the clock was moved to `deadline`.
  ///
  /// - Throws: `CancellationError`.
  public func sleep(until deadline: Instant, tolerance: Duration?) async throws {
    let ticket = state.withLock { state in
      state.next += 1
      return state.next
    }
    let arrived = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        let (now, watchers): (Bool?, [Watcher]) = state.withLock { state in
          if Task.isCancelled { return (false, []) }
          if deadline <= state.now { return (true, []) }
          state.sleepers[ticket] = Sleeper(deadline: deadline, continuation: continuation)
          return (nil, state.satisfied())
        }
        for watcher in watchers { watcher.continuation.resume() }
        if let now { continuation.resume(returning: now) }
      }
    } onCancel: {
      state.withLock { $0.sleepers.removeValue(forKey: ticket) }?.continuation.resume(returning: false)
    }
    if !arrived { throw CancellationError() }
  }

  /// Returns once `count` tasks sleep on this clock.
  public func untilSleeping(_ count: Int = 1) async {
    await withCheckedContinuation { continuation in
      let watchers = state.withLock { state in
        state.watchers.append(Watcher(count: count, continuation: continuation))
        return state.satisfied()
      }
      for watcher in watchers { watcher.continuation.resume() }
    }
  }

  /// Moves the clock on and wakes those whose time has come, earliest first.
  public func advance(by duration: Duration) {
    let woken = state.withLock { state in
      state.now = state.now.advanced(by: duration)
      let due = state.sleepers.filter { $0.value.deadline <= state.now }.sorted {
        $0.value.deadline < $1.value.deadline
      }
      for (ticket, _) in due { state.sleepers.removeValue(forKey: ticket) }
      return due
    }
    for (_, sleeper) in woken { sleeper.continuation.resume(returning: true) }
  }
}
