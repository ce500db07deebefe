internal import Events

/// What was seen of leadership and fencing, ready to be checked, and what could not be.
public struct LeadershipEvidence: Sendable {
  /// What is demanded.
  public var expectations: LeadershipExpectations
  /// What was seen, in the order of ``LeadershipEvent``; the last is ``LeadershipEvent/end(at:)``.
  public var events: [LeadershipEvent]
  /// By row: evidence that this stack has and that is not there.
  public var missing: [Anomaly: [String]]
  /// By row: why this stack cannot show the anomaly at all.
  public var notApplicable: [Anomaly: String]
  /// By row: why the clocks that it rests on cannot be reckoned with.
  public var doubts: [Anomaly: [String]] = [:]

  /// What was seen of leadership.
  public init(
    expectations: LeadershipExpectations = LeadershipExpectations(), events: [LeadershipEvent] = [],
    missing: [Anomaly: [String]] = [:], notApplicable: [Anomaly: String] = [:]
  ) {
    self.expectations = expectations
    self.events = events
    self.missing = missing
    self.notApplicable = notApplicable
  }
}

/// What all checks of leadership have to say about a drill.
public struct LeadershipExamination: Sendable {
  /// Every row of ``LeadershipChecks/anomalies``, in the order of the taxonomy.
  public var rows: [RowExamination]
  /// Unsealed windows and election gaps.
  public var measures: [Measure]
}

/// Examines the leadership of a drill for every row of ``LeadershipChecks/anomalies``.
public func examineLeadership(_ evidence: LeadershipEvidence) -> LeadershipExamination {
  var checks = LeadershipChecks(evidence.expectations)
  for event in evidence.events { checks.take(event) }
  let findings = checks.drain()
  let rows = Anomaly.allCases.filter(LeadershipChecks.anomalies.contains).map { anomaly in
    if let reason = evidence.notApplicable[anomaly] { return RowExamination.notApplicable(anomaly, reason) }
    var doubts = evidence.doubts[anomaly] ?? []
    var found = findings.filter { $0.anomaly == anomaly.rawValue }
    if !doubts.isEmpty {
      // Ends of leases by such a clock were left out already; the holder's own clock is all that E9 has.
      let stands = anomaly == .holderPastLease ? [] : found.filter { $0.certainty != .possible }
      if let first = found.first, stands.isEmpty { doubts.append("whether this is so: \(first.what)") }
      found = stands
    }
    return RowExamination(
      anomaly, in: checks.examined(anomaly), findings: found, missing: (evidence.missing[anomaly] ?? []) + doubts)
  }
  return LeadershipExamination(rows: rows, measures: checks.measures)
}

extension LeadershipChecks {
  /// How many of what the check of `anomaly` has looked at.
  func examined(_ anomaly: Anomaly) -> Count {
    switch anomaly {
    case .twoLeadersOneTerm, .tokenRegress, .leadershipFlapping: Count("grants", tokenOrder.count)
    case .leaseOverlap: Count("pairs of terms", overlap.compared)
    case .staleTokenAccepted, .unsealedWindow: Count("accepted writes", stale.accepted)
    case .currentTokenRejected: Count("refused writes", rejected.refusals)
    case .acceptMismatch: Count("acknowledged and refused writes", mismatch.judged)
    case .electionLate: Count("gaps between leases", election.gaps.count)
    case .holderPastLease: Count("writes with their holder's clock", pastLease.judged)
    case .zombieProducer: Count("records of transactional producers", zombie.appends)
    case .minorityLeader: Count("grants and accepted writes", minority.looked)
    default: Count("events", 0)
    }
  }

  /// The figures of the elections and the fences.
  var measures: [Measure] {
    unsealed.windows.map { .seconds("\($0.resource) unsealed for token \($0.token)", $0.length) }
      + election.gaps.map { .seconds("from the end of a lease to the next grant", $0) }
  }
}
