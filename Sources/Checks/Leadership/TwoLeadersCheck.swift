/// E1, two leaders in one term: two holders were granted the same token.
struct TwoLeadersCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.twoLeadersOneTerm]

  private var holders: [FencingToken: String] = [:]
  private var findings = FindingBuffer()

  mutating func take(_ change: LeaseChange) {
    guard change.kind == .acquired else { return }
    guard let holder = holders[change.token] else {
      holders[change.token] = change.holder
      return
    }
    guard holder != change.holder else { return }
    findings.add(
      Finding(
        .twoLeadersOneTerm, "token \(change.token) was granted to \(holder) and to \(change.holder)",
        tokens: [change.token.revision], times: [change.invoked, change.returned]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
