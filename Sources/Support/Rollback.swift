internal import Synchronization

/// One step that takes something back. It must be idempotent and work after a half-finished apply.
public struct UndoStep: Sendable {
  /// What it takes back, for messages: `partition of east on eu`.
  public var name: String
  /// Takes it back.
  public var undo: @Sendable () async throws -> Void

  /// A named step.
  public init(_ name: String, undo: @escaping @Sendable () async throws -> Void) {
    self.name = name
    self.undo = undo
  }
}

/// The undo steps of one scope, newest last.
public final class UndoStack: Sendable {
  private let steps = Mutex<[UndoStep]>([])

  /// Registers how to take something back, then does it: whatever of `apply` took effect is undone.
  public func perform<T: Sendable>(_ step: UndoStep, apply: () async throws -> T) async throws -> T {
    push(step)
    return try await apply()
  }

  /// Registers a step for something that is already done.
  public func push(_ step: UndoStep) {
    steps.withLock { $0.append(step) }
  }

  fileprivate func pop() -> UndoStep? {
    steps.withLock { $0.popLast() }
  }
}

/// Undo steps that failed, with what had gone wrong before them.
public struct RollbackFailure: Error, Sendable, CustomStringConvertible {
  /// The steps that failed: name and error text, in the order in which they were tried.
  public var items: [(name: String, error: String)]
  /// Why the scope was left, if by an error.
  public var cause: (any Error)?

  /// One line a step.
  public var description: String {
    let lines = items.map { "could not undo \($0.name): \($0.error)" }
    return (lines + (cause.map { ["after: \($0)"] } ?? [])).joined(separator: "\n")
  }
}

/// Runs `body` and then every undo step it registered, newest first, whether it returned, threw or was cancelled.
///
/// Steps run in a task that cancellation does not reach and that is awaited here, so they are still structured. Each is
/// tried, each cancelled at its limit (see ``withDeadline(_:clock:_:_:)``). Throws ``RollbackFailure`` if any step failed,
/// else what `body` threw.
public func withRollback<T: Sendable>(
  limitPerStep: Duration = .seconds(10), clock: any Clock<Duration> = ContinuousClock(),
  _ body: (UndoStack) async throws -> T
) async throws -> T {
  let stack = UndoStack()
  let outcome: Result<T, any Error>
  do { outcome = .success(try await body(stack)) } catch { outcome = .failure(error) }
  let failures = await shielded { await drain(stack, limitPerStep: limitPerStep, clock: clock) }
  if !failures.isEmpty {
    var cause: (any Error)?
    if case .failure(let error) = outcome { cause = error }
    throw RollbackFailure(items: failures, cause: cause)
  }
  return try outcome.get()
}

/// Runs `body` where the caller's cancellation does not reach it, and waits for it.
public func shielded<T: Sendable>(_ body: @escaping @Sendable () async -> T) async -> T {
  await Task { await body() }.value
}

/// Like ``shielded(_:)`` for a body that throws.
public func shieldedThrowing<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
  try await Task { try await body() }.value
}

private func drain(
  _ stack: UndoStack, limitPerStep: Duration, clock: any Clock<Duration>
) async -> [(name: String, error: String)] {
  var failures: [(name: String, error: String)] = []
  while let step = stack.pop() {
    do {
      try await withDeadline(limitPerStep, clock: clock, "undo of \(step.name)") { try await step.undo() }
    } catch {
      failures.append((step.name, "\(error)"))
    }
  }
  return failures
}

/// Something took longer than it may.
public struct DeadlineExceeded: Error, Sendable, Hashable, CustomStringConvertible {
  /// What took too long.
  public var what: String
  /// How long it had.
  public var limit: Duration

  /// Records that `what` did not end within `limit`.
  public init(what: String, limit: Duration) {
    self.what = what
    self.limit = limit
  }

  /// `undo of x took longer than 10 s`.
  public var description: String { "\(what) took longer than \(limit.brief)" }
}

/// Runs `body`, cancelling it when `limit` has passed; then throws ``DeadlineExceeded``, never `CancellationError`.
///
/// It returns when `body` has ended, so a body that ignores cancellation holds it: what waits must be cancellable.
public func withDeadline<T: Sendable>(
  _ limit: Duration, clock: any Clock<Duration> = ContinuousClock(), _ what: String,
  _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
  try await withThrowingTaskGroup(of: T?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await clock.sleep(for: limit)
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next() else { throw CancellationError() }
    guard let value = first else { throw DeadlineExceeded(what: what, limit: limit) }
    return value
  }
}
