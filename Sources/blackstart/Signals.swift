internal import Support
internal import Synchronization

/// Which signal asked the program to end.
enum Termination: Sendable {
  case interrupt
  case terminate

  /// How the command ends then, if everything was taken back.
  var code: ExitCode { self == .interrupt ? .interrupted : .terminated }
}

/// What `body` came to, and the signal that asked it to end, if one did.
struct Terminable<T: Sendable>: Sendable {
  var outcome: Result<T, any Error>
  var termination: Termination?
}

/// Runs `body` as a task that the first SIGINT, SIGTERM or SIGHUP cancels: it rolls back and returns. A second signal does not
/// hurry it (half a rollback is none) but says what goes on.
///
/// - Throws: `SystemError` when signals cannot be taken; `body` was not started then.
func cancellable<T: Sendable>(
  console: Console, _ body: @escaping @Sendable () async throws -> T
) async throws -> Terminable<T> {
  let signals = try signalStream([Signal.interrupt, Signal.terminate, Signal.hangUp])
  let received = Mutex<Termination?>(nil)
  let task = Task { try await body() }
  let watcher = Task {
    for await number in signals {
      let isFirst = received.withLock { first in
        defer { first = first ?? (number == Signal.interrupt ? .interrupt : .terminate) }
        return first == nil
      }
      if isFirst {
        console.note("\nStopping: faults are taken back, evidence is kept, the lab goes down.\n")
        task.cancel()
      } else {
        console.note(
          """
          Still rolling back. Faults end with this process in any case; after kill -9, `blackstart recover` removes the lab.

          """)
      }
    }
  }
  let outcome = await task.result
  watcher.cancel()
  return Terminable(outcome: outcome, termination: received.withLock { $0 })
}
