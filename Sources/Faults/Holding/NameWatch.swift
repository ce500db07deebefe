internal import Netlink
internal import Support
internal import Synchronization

/// Asks for the names of held faults again whenever their time to live is over. It lives on a thread of its own and is
/// told by the holder which faults are there.
final class NameWatch: Sendable {
  /// One name of one fault.
  struct Watched: Hashable, Sendable {
    var fault: String
    var name: String
  }

  private let timebase: Timebase
  /// Asks, and calls back on some thread.
  private let ask: @Sendable (Watched, @escaping @Sendable (Result<ResolvedName, ResolverError>) -> Void) -> Void
  /// When each is to be asked for again; `nil` while an answer is awaited.
  private let due = Mutex<[Watched: Int64?]>([:])

  init(
    timebase: Timebase,
    ask: @escaping @Sendable (Watched, @escaping @Sendable (Result<ResolvedName, ResolverError>) -> Void) -> Void
  ) {
    self.timebase = timebase
    self.ask = ask
  }

  /// Begins to watch the names of a fault that was just armed.
  func watch(_ fault: String, _ names: [ResolvedName]) {
    due.withLock { due in
      for name in names {
        due[Watched(fault: fault, name: name.name)] = timebase.monotonic() + name.lifeMilliseconds * 1_000_000
      }
    }
  }

  /// Stops watching the names of a fault.
  func forget(_ fault: String) {
    due.withLock { due in due = due.filter { $0.key.fault != fault } }
  }

  /// Asks for what is due. Returns when it wants to be called next.
  func tick() -> Int64? {
    let now = timebase.monotonic()
    let asked = due.withLock { due -> [Watched] in
      let asked = due.filter { $0.value.map { $0 <= now } ?? false }.map(\.key)
      for watched in asked { due[watched] = .some(nil) }
      return asked
    }
    for watched in asked {
      ask(watched) { [self] result in answered(watched, result) }
    }
    // While an answer is awaited somebody has to look again for when it has come.
    return due.withLock { due in
      due.values.map { $0 ?? now + Self.retryNanoseconds / 4 }.min()
    }
  }

  /// What was not answered is asked for again soon.
  private static let retryNanoseconds: Int64 = 1_000_000_000

  private func answered(_ watched: Watched, _ result: Result<ResolvedName, ResolverError>) {
    let life = (try? result.get()).map { $0.lifeMilliseconds * 1_000_000 } ?? Self.retryNanoseconds
    due.withLock { due in
      if due[watched] != nil { due[watched] = timebase.monotonic() + life }
    }
  }
}
