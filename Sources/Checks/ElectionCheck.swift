internal import Events

/// Checklist item 5, `election-within-ttl` (taxonomy E1, E2, E8; domain 48, 52, 73).
///
/// From the loss of the old leader to the first write acknowledged under the new token: at most the lease's time to live plus
/// the margin. Where the coordination service changed its own leader meanwhile it extends every lease by a whole time to
/// live (etcd does), so the limit is then twice the time to live plus that election plus the margin, and the verdict says
/// so. Tokens must rise from grant to grant, and no two holders may have the same.
struct ElectionCheck: Check {
  private var firstAcknowledged: [Int64: Int64] = [:]

  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {
    guard operation.isWrite, operation.outcome == .ok, let token = operation.token else { return }
    firstAcknowledged[token] = min(firstAcknowledged[token] ?? .max, ended(operation))
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    guard let grants = facts.truth.grants else {
      result.missing.append("the dump of the election's grants")
      return result
    }
    judgeTokens(grants, &result)
    guard let loss = facts.milestones.loss else {
      result.missing.append("the moment at which the leader was lost")
      return result
    }
    let limit = limit(facts)
    guard let token = facts.newToken, let first = firstAcknowledged(from: token) else {
      judgeAbsence(loss, limit, facts, &result)
      return result
    }
    let took = first - loss
    result.measures.append(.seconds("leader lost to first acknowledged write", took))
    // An operation that the recorder lost may have been an earlier write.
    if took > limit.nanoseconds && facts.dropped == 0 {
      result.findings.append(
        Finding(
          "E8",
          "the first write under token \(token) was acknowledged \(brief(took)) after the leader was lost; \(limit.text)",
          tokens: [token], times: [loss, first]))
    }
    result.failure = result.findings.first?.what ?? ""
    result.coverage = Coverage(
      "first write under token \(token) \(brief(took)) after the leader was lost; \(limit.text)",
      counts: [Count("grants", grants.count)])
    return result
  }

  private func firstAcknowledged(from token: Int64) -> Int64? {
    firstAcknowledged.filter { $0.key >= token }.values.min()
  }

  private struct Limit {
    var nanoseconds: Int64
    var text: String
  }

  private func limit(_ facts: Facts) -> Limit {
    let goals = facts.objectives
    let plain = goals.leaseTTL + goals.electionMargin
    let plainText = "\(brief(goals.leaseTTL)) lease + \(brief(goals.electionMargin)) margin"
    guard facts.coordinatorChangedLeader else {
      return Limit(nanoseconds: plain, text: "the limit is \(brief(plain)) (\(plainText))")
    }
    let extended = 2 * goals.leaseTTL + goals.coordinatorElection + goals.electionMargin
    return Limit(
      nanoseconds: extended,
      text: "the limit is \(brief(extended)) (2 × \(brief(goals.leaseTTL)) lease + \(brief(goals.coordinatorElection)) "
        + "election of the coordination service + \(brief(goals.electionMargin)) margin), because the coordination service "
        + "changed its own leader and so extended the lease; without that it would be \(brief(plain)) (\(plainText))")
  }

  private func judgeTokens(_ grants: [GrantRow], _ result: inout Judgement) {
    let inOrder = grants.sorted { $0.observed < $1.observed }
    for (before, after) in zip(inOrder, inOrder.dropFirst()) where after.token <= before.token {
      // The same grant may be seen twice, by two watchers.
      guard (before.token, before.holder) != (after.token, after.holder) else { continue }
      result.findings.append(
        Finding(
          after.token == before.token ? "E1" : "E2",
          "token \(after.token) was granted to \(after.holder) after token \(before.token) to \(before.holder): tokens must rise",
          tokens: [before.token, after.token], times: [before.observed, after.observed]))
    }
    result.failure = result.findings.first?.what ?? ""
  }

  /// No write under a new token: a failure only if there was time enough for one while the fault lasted.
  private func judgeAbsence(_ loss: Int64, _ limit: Limit, _ facts: Facts, _ result: inout Judgement) {
    let what = facts.newToken.map { "no write was acknowledged under token \($0)" } ?? "no new token was granted"
    guard let waitedUntil = facts.milestones.healed ?? facts.milestones.quiescent else {
      result.missing.append("how long the drill waited: \(what), and neither heal nor quiescence was recorded")
      return
    }
    guard facts.newToken == nil || facts.historyIsComplete else {
      result.missing.append("a write under the new token, or a whole history without one")
      return
    }
    let waited = waitedUntil - loss
    guard waited > limit.nanoseconds else {
      result.missing.append(
        "time: \(what), but the fault ended \(brief(waited)) after the leader was lost; \(limit.text)")
      return
    }
    result.findings.append(
      Finding(
        "E8", "\(what) within \(brief(waited)) of the loss of the leader; \(limit.text)",
        tokens: facts.newToken.map { [$0] } ?? [], times: [loss, waitedUntil]))
    result.failure = result.findings.first?.what ?? ""
  }
}
