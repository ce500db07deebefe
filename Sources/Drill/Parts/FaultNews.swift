internal import Agents
internal import Faults
internal import Netlink
internal import Support
internal import Synchronization

/// What agents and holders say of faults by themselves, on threads of theirs: journalled in the drill's own time, and the end of the
/// run where it says that a fault is no longer what was planned.
final class FaultNews: Sendable {
  private struct State {
    var ended: [FaultEvent] = []
    /// What names of faults stand for now, not yet journalled.
    var names: [FaultEvent] = []
    /// What happened to what outlives an agent, not yet journalled.
    var notes: [String] = []
    /// Agents that were lost.
    var lost: [AgentLost] = []
  }

  private let run: DrillRun
  private let state = Mutex(State())

  init(run: DrillRun) {
    self.run = run
  }

  func take(_ news: AgentNews) {
    switch news {
    case .fault(let event): take(event)
    case .note(let text): state.withLock { $0.notes.append(text) }
    case .lost(let loss): state.withLock { $0.lost.append(loss) }
    }
  }

  func take(_ event: FaultEvent) {
    switch event.kind {
    case .ended(let outcome) where outcome.end != .disarmed: state.withLock { $0.ended.append(event) }
    case .nameChanged, .nameNotFollowed: state.withLock { $0.names.append(event) }
    case .armed, .biting, .turn, .heartbeatFailed, .ended: break
    }
  }

  /// Journals what names have come to stand for since the last time.
  private func recordNames() async throws {
    let events = state.withLock { state in
      defer { state.names = [] }
      return state.names
    }
    for event in events {
      switch event.kind {
      case .nameChanged(let change):
        try await run.journal.record(
          FaultNameChanged(
            fault: event.fault, node: event.node, name: change.name, added: change.added.map(\.description),
            removed: change.removed.map(\.description)))
      case .nameNotFollowed(let name, let why):
        try await run.journal.record(FaultNameLost(fault: event.fault, node: event.node, name: name, why: why))
      case .armed, .biting, .turn, .heartbeatFailed, .ended: break
      }
    }
  }

  /// Ends the run when a fault is no longer in force although nobody disarmed it: what follows is not the drill that was planned.
  func watch() async throws {
    while true {
      let notes = state.withLock { state in
        defer { state.notes = [] }
        return state.notes
      }
      for note in notes { try await run.journal.record(GuardianNoted(what: note)) }
      if let loss = state.withLock({ $0.lost.first }) {
        try await run.journal.record(HostIsLost(node: loss.node, why: loss.why))
        throw loss
      }
      try await recordNames()
      if let event = state.withLock({ $0.ended.first }), case .ended(let outcome) = event.kind {
        let lasted = Duration.nanoseconds(max(0, outcome.provenUntilNanoseconds - outcome.provenFromNanoseconds))
        let since = "last seen in force \(lasted.brief) after it was armed"
        try await run.journal.record(
          FaultLapsed(fault: event.fault, node: event.node, reason: "\(outcome.end), \(since)"))
        throw Problem(
          .faultNotApplied, at: "\(event.fault) on \(event.node)",
          "the fault is no longer in force although nobody disarmed it (\(outcome.end), \(since)); "
            + "the run ends early",
          fix: "see whether something else edits the rules of this machine, or starves this process")
      }
      try await run.clock.sleep(for: .milliseconds(100))
    }
  }
}
