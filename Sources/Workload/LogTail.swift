internal import Events
internal import Support

/// Follows one store's log from beside it and records when each event was seen there: the evidence for mirror lag.
public struct LogTail: Sendable {
  /// Number of the worker.
  public var worker: UInt32
  /// The store, and the region it runs in, so that no fault on the wide area blinds it.
  public var store: String

  /// A tail of `store`.
  public init(worker: UInt32, store: String) {
    self.worker = worker
    self.store = store
  }

  /// Follows until it is cancelled.
  public func run(mirrors: MirrorLag, in surroundings: Surroundings) async {
    var session: (any StoreSession)?
    while !surroundings.isEnding {
      do throws(StoreFailure) {
        let link: any StoreSession
        if let session {
          link = session
        } else {
          // A new session starts at the beginning of the log; the recorder has seen those rows, so they are skipped below.
          link = try await surroundings.connector.connect(from: store, to: store)
          session = link
        }
        let begun = surroundings.timebase.monotonic()
        let rows = try await link.tail(limit: 1000)
        let seen = surroundings.timebase.monotonic()
        for row in mirrors.seen(rows, in: store, at: seen) {
          surroundings.recorder.observed(row, worker: worker, store: store, invoked: begun, completed: seen)
        }
        if rows.count < 1000, await !surroundings.pause(.milliseconds(100)) { break }
      } catch {
        if let session { await session.close() }
        session = nil
        if await !surroundings.pause(.milliseconds(200)) { break }
      }
    }
    if let session { await session.close() }
  }
}
