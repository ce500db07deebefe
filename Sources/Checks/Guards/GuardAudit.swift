internal import Events

/// Whether guards let only the current token pass (taxonomy E4; domain 53, 55): a part of `stale-token-rejected`.
///
/// Two proofs, as for stores: the guards' own logs of decisions against the grants of the election, and the outcomes of the drill's
/// own attempts, whatever the guards say of them. And it must have been tried: before, during and after the faults each guard must
/// have refused a request without a token and one with a stale token, and let one with the current token pass at least once, or it
/// might refuse everybody. Where write authority moved, it must have refused a token that was really held before.
struct GuardAudit {
  /// For how long a guard's last answer from etcd stands when etcd is silent (docs/guards.md).
  static let patience: Int64 = 2_000_000_000

  private(set) var findings: [Finding] = []
  private(set) var missing: [String] = []
  private(set) var counts: [Count] = []
  /// Attempts without the current token that a guard refused.
  private(set) var refused = 0

  init(_ facts: Facts) {
    guard facts.truth.guardAttempts != nil else {
      missing.append("the record of the attempts at the guards")
      return
    }
    guard let grants = facts.truth.grants, !grants.isEmpty else {
      missing.append("the dump of the election's grants")
      return
    }
    guard let phases = TrialPhases(facts) else {
      missing.append("the time of the faults and of the heal")
      return
    }
    for surface in facts.surfaces() {
      judgeDecisions(of: surface, facts.decisions(of: surface), grants)
      let attempts = facts.attempts(on: surface)
      judgeAttempts(at: surface, attempts, grants)
      requireTrials(of: surface, attempts.filter { !$0.isAround }, phases)
      requireOldOwners(at: surface, attempts.filter { !$0.isAround }, Set(grants.map(\.token)))
    }
  }

  private mutating func judgeDecisions(of surface: GuardSurface, _ decisions: [GuardDecisionRow], _ grants: [GrantRow])
  {
    if decisions.isEmpty { missing.append("the log of decisions of \(surface)") }
    for decision in decisions where decision.isAllowed {
      guard let why = violation(decision, grants) else { continue }
      findings.append(
        Finding(
          "E4", "\(surface) let \(decision.asked) pass \(why)", store: surface.store,
          tokens: decision.token.flatMap { Int64($0) }.map { [$0] } ?? [], times: [decision.observed]))
    }
  }

  /// Why a request should not have passed; `nil` if it should.
  private func violation(_ decision: GuardDecisionRow, _ grants: [GrantRow]) -> String? {
    guard let text = decision.token else { return "without a token" }
    guard let token = Int64(text), String(token) == text else { return "with '\(text)', which is no token" }
    let newest = Self.newest(of: grants, whenAsked: decision.observed)
    if token < newest { return "with token \(token), while token \(newest) was the current one" }
    guard grants.contains(where: { $0.token == token }) else {
      return "with token \(token), which was never granted"
    }
    return nil
  }

  /// The newest token that a guard must have known of at `time`: of one granted just before it may not have heard.
  private static func newest(of grants: [GrantRow], whenAsked time: Int64) -> Int64 {
    grants.filter { $0.observed + patience < time }.map(\.token).max() ?? .min
  }

  private mutating func judgeAttempts(
    at surface: GuardSurface, _ attempts: [GuardAttemptRow], _ grants: [GrantRow]
  ) {
    let granted = Set(grants.map(\.token))
    let convicted = findings.filter { $0.store == surface.store }
    for attempt in attempts where attempt.outcome == .accepted {
      let how = attempt.token.map { "with token \($0)" } ?? "without a token"
      if attempt.isAround {
        // Of a registry that is another item's matter: what was changed past its guard.
        guard surface.kind == .admin else { continue }
        findings.append(
          finding("\(attempt.target) was made in \(surface.store) past the guard, \(how)", attempt))
      } else if attempt.presented != .current {
        // A token that was current until a moment ago.
        if attempt.presented == .stale, let token = attempt.token, granted.contains(token),
          token >= Self.newest(of: grants, whenAsked: attempt.invoked)
        {
          continue
        }
        // One request is one violation, also when the guard's own log has convicted it already.
        let isKnown = convicted.contains { finding in
          finding.tokens == (attempt.token.map { [$0] } ?? [])
            && finding.times.contains { (attempt.invoked...attempt.completed).contains($0) }
        }
        if !isKnown { findings.append(finding("\(surface) let \(attempt.target) pass \(how)", attempt)) }
      }
    }
  }

  private func finding(_ what: String, _ attempt: GuardAttemptRow) -> Finding {
    Finding(
      "E4", what, store: attempt.store, tokens: attempt.token.map { [$0] } ?? [],
      times: [attempt.invoked, attempt.completed])
  }

  /// Where there was more than one reign, a smaller number is not enough: a token that somebody once held must have been refused.
  private mutating func requireOldOwners(
    at surface: GuardSurface, _ attempts: [GuardAttemptRow], _ granted: Set<Int64>
  ) {
    guard granted.count > 1 else { return }
    let count = attempts.count { attempt in
      attempt.presented == .stale && attempt.outcome == .refused && attempt.token.map(granted.contains) == true
    }
    counts.append(Count("refused by \(surface) with the token of an earlier reign", count))
    if count == 0 { missing.append("a request with the token of an earlier reign that \(surface) refused") }
  }

  private mutating func requireTrials(of surface: GuardSurface, _ attempts: [GuardAttemptRow], _ phases: TrialPhases) {
    for phase in TrialPhase.allCases {
      let tried = attempts.filter { phases.phase($0.invoked, $0.completed) == phase }
      var count = 0
      for presented in [GuardAttemptRow.Presented.none, .stale, .invented, .inflated] {
        let refusals = tried.count { $0.presented == presented && $0.outcome == .refused }
        count += refusals
        if refusals == 0 && (presented == .none || presented == .stale) {
          missing.append(
            "a request \(presented == .none ? "without a token" : "with a stale token") that \(surface) refused "
              + phase.rawValue)
        }
      }
      refused += count
      counts.append(Count("refused by \(surface) \(phase.rawValue)", count))
    }
    let passed = attempts.count { $0.presented == .current && $0.outcome == .accepted }
    counts.append(Count("let pass by \(surface) with the current token", passed))
    if passed == 0 {
      missing.append("a request with the current token that \(surface) let pass: it may refuse everybody")
    }
  }
}
