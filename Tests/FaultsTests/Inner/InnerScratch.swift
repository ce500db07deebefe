import Glibc
import Support
import Synchronization
import Testing

@testable import Faults

/// Programs of one test, and a holder of faults in them. All are ended whatever happens.
final class InnerScratch: Sendable {
  let holder: InnerFaultHolder
  let keeper: PromiseLog
  private let children = Mutex<[ChildProcess]>([])

  private init(keeper: PromiseLog, players: @escaping @Sendable (String) -> [ProcessIdentity]) {
    self.keeper = keeper
    let events = InnerEvents()
    holder = InnerFaultHolder(node: "n", scope: ProcessScope(players: players), undo: keeper) { events.add($0) }
    self.events = events
  }

  let events: InnerEvents

  static func with<R>(
    players: @escaping @Sendable (String) -> [ProcessIdentity] = { _ in [] }, _ body: (InnerScratch) async throws -> R
  ) async throws -> R {
    let scratch = InnerScratch(keeper: PromiseLog(), players: players)
    let outcome: Result<R, any Error>
    do { outcome = .success(try await body(scratch)) } catch { outcome = .failure(error) }
    await scratch.holder.close()
    for child in scratch.children.withLock({ $0 }) { try await child.terminate(Signal.kill) }
    return try outcome.get()
  }

  /// Starts a program that lives until it is ended.
  func start(_ path: String = "/bin/sleep", _ arguments: [String] = ["600"]) throws -> ChildProcess {
    let child = try ChildProcess(ProcessRequest(path, arguments))
    children.withLock { $0.append(child) }
    return child
  }

  func fault(
    _ disturbance: ProcessDisturbance, _ choice: ProcessSelector.Choice, descendants: Bool = false, id: String = "f",
    lease: Duration = .seconds(30), heartbeat: Duration = .milliseconds(100)
  ) -> InnerFault {
    InnerFault(
      id: id, run: "test", node: "n", effect: .processes(disturbance),
      processes: ProcessSelector(choice, includesDescendants: descendants),
      timing: .init(lease: lease, heartbeat: heartbeat))
  }
}

/// What was reported.
final class InnerEvents: Sendable {
  private let events = Mutex<[FaultEvent]>([])
  func add(_ event: FaultEvent) { events.withLock { $0.append(event) } }
  var all: [FaultEvent] { events.withLock { $0 } }
  var end: FaultOutcome? {
    all.lazy.compactMap { if case .ended(let outcome) = $0.kind { outcome } else { nil } }.first
  }
}

/// The state that /proc shows; `nil` if there is no such process.
func state(_ process: ProcessIdentity) -> Character? {
  ProcessTable.Entry(of: process.pid).flatMap { $0.identity == process ? $0.state : nil }
}

/// Who plays a role now.
final class Player: Sendable {
  private let process = Mutex<ProcessIdentity?>(nil)
  func set(_ identity: ProcessIdentity) { process.withLock { $0 = identity } }
  var now: [ProcessIdentity] { process.withLock { $0.map { [$0] } ?? [] } }
}

/// Whether it is there and neither stopped nor traced.
func goesOn(_ process: ProcessIdentity) -> Bool { state(process).map { !"TtZX".contains($0) } ?? false }
