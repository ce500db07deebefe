internal import Dispatch
internal import Glibc
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
func cancellable<T: Sendable>(
  console: Console, _ body: @escaping @Sendable () async throws -> T
) async -> Terminable<T> {
  let received = Mutex<Termination?>(nil)
  let task = Task { try await body() }
  let sources = [(SIGINT, Termination.interrupt), (SIGTERM, .terminate), (SIGHUP, .terminate)].map { number, kind in
    signal(number, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
    source.setEventHandler {
      let isFirst = received.withLock { first in
        defer { first = first ?? kind }
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
    source.activate()
    return source
  }
  let outcome = await task.result
  for source in sources { source.cancel() }
  return Terminable(outcome: outcome, termination: received.withLock { $0 })
}
