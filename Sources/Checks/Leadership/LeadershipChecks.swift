internal import Events

/// All checks of leadership and fencing (E1 to E12), in one pass: live beside the drill, or over a saved record.
public struct LeadershipChecks: AnomalyCheck {
  /// E1 to E12.
  public static let anomalies: Set<Anomaly> = [
    .twoLeadersOneTerm, .tokenRegress, .leaseOverlap, .staleTokenAccepted, .unsealedWindow, .currentTokenRejected,
    .acceptMismatch, .electionLate, .holderPastLease, .zombieProducer, .leadershipFlapping, .minorityLeader,
  ]

  private(set) var twoLeaders = TwoLeadersCheck()
  private(set) var tokenOrder = TokenOrderCheck()
  private(set) var overlap = LeaseOverlapCheck()
  private(set) var stale = StaleAcceptCheck()
  private(set) var unsealed = UnsealedWindowCheck()
  private(set) var rejected = CurrentTokenRejectedCheck()
  private(set) var mismatch = AcceptMismatchCheck()
  private(set) var election: ElectionLateCheck
  private(set) var pastLease = HolderPastLeaseCheck()
  private(set) var zombie = ZombieProducerCheck()
  private(set) var flapping: FlappingCheck
  private(set) var minority: MinorityLeaderCheck

  /// Starts with nothing seen.
  public init(_ expectations: LeadershipExpectations) {
    election = ElectionLateCheck(expectations)
    flapping = FlappingCheck(expectations)
    minority = MinorityLeaderCheck(expectations)
  }

  /// Looks at the next event.
  public mutating func take(_ event: LeadershipEvent) {
    switch event {
    case .lease(let change): takeChange(change)
    case .write(let write):
      rejected.take(write)
      mismatch.take(write)
      pastLease.take(write)
    case .accept(let accept):
      stale.take(accept)
      unsealed.take(accept)
      rejected.take(accept)
      mismatch.take(accept)
      minority.take(accept)
    case .acceptsAreComplete(let resource): mismatch.acceptsAreComplete(of: resource)
    case .append(let append): zombie.take(append)
    case .isolated(let node, let interval): minority.isolate(node, during: interval)
    case .end(let time):
      overlap.end()
      rejected.end()
      mismatch.end()
      election.end(at: time)
    }
  }

  private mutating func takeChange(_ change: LeaseChange) {
    twoLeaders.take(change)
    tokenOrder.take(change)
    overlap.take(change)
    unsealed.take(change)
    rejected.take(change)
    election.take(change)
    pastLease.take(change)
    flapping.take(change)
    minority.take(change)
  }

  /// What was found since the last call, row by row.
  public mutating func drain() -> [Finding] {
    twoLeaders.drain() + tokenOrder.drain() + overlap.drain() + stale.drain() + unsealed.drain() + rejected.drain()
      + mismatch.drain() + election.drain() + pastLease.drain() + zombie.drain() + flapping.drain() + minority.drain()
  }
}
