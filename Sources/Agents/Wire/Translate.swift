internal import Faults

// What an agent elsewhere dates, in our time: a fault is claimed to be in force for no longer than it surely was.

extension AgentReply {
  /// The same reply with its times on our clock.
  func translated(by clock: RemoteClock) -> AgentReply {
    switch self {
    case .armed(var receipt):
      receipt.sentAtNanoseconds = clock.earliest(receipt.sentAtNanoseconds)
      receipt.armedAtNanoseconds = clock.latest(receipt.armedAtNanoseconds)
      return .armed(receipt)
    case .innerArmed(var receipt):
      receipt.sentAtNanoseconds = clock.earliest(receipt.sentAtNanoseconds)
      receipt.armedAtNanoseconds = clock.latest(receipt.armedAtNanoseconds)
      return .innerArmed(receipt)
    case .ended(let outcome): return .ended(outcome.translated(by: clock))
    case .changes, .counted, .snapshot, .profile, .innerProfile, .clock, .remains, .told, .tookBack: return self
    }
  }
}

extension FaultOutcome {
  fileprivate func translated(by clock: RemoteClock) -> FaultOutcome {
    var outcome = self
    outcome.provenFromNanoseconds = clock.latest(provenFromNanoseconds)
    outcome.provenUntilNanoseconds = clock.earliest(provenUntilNanoseconds)
    outcome.goneAtNanoseconds = clock.latest(goneAtNanoseconds)
    return outcome
  }
}

extension FaultEvent {
  /// The same event with its times on our clock.
  func translated(by clock: RemoteClock) -> FaultEvent {
    var event = self
    event.atNanoseconds = clock.latest(atNanoseconds)
    switch kind {
    case .turn(let from, let until):
      event.kind = .turn(fromNanoseconds: clock.latest(from), untilNanoseconds: clock.earliest(until))
    case .ended(let outcome): event.kind = .ended(outcome.translated(by: clock))
    case .armed, .biting, .nameChanged, .nameNotFollowed, .heartbeatFailed: break
    }
    return event
  }
}
