internal import Events

/// Checklist item 4, `stale-token-rejected` (taxonomy E4, E5, E6, D4; domain 47, 49, 50, 58).
///
/// Two proofs, neither of which trusts the other:
/// - in the store's own order, no row that the store accepted itself, past the barrier of a seal, bears another token than
///   that seal, and none stands in a read-only interval. Mirrored rows are judged at the store that accepted them;
/// - no write with an older token, begun after a newer token's seal was known to be complete, was acknowledged by any store.
///
/// And it must have been tried: on every guarded store, both before and after the heal, at least one write with the old token
/// has to have been refused by the fence itself. A store that could not be reached has refused nothing. Before the heal,
/// attempts on the old primary count from the grant of the new token on (its own lease is over then), on other stores from
/// the seal on.
///
/// The window between the grant and the seals is legal and measured. A token that was never granted must be refused as well.
struct StaleTokenCheck: Check {
  private struct Attempt {
    var event: EventID
    var node: NodeIndex
    var token: Int64
    var invoked: Int64
    var ended: Int64
    var outcome: Outcome
  }

  private var attempts: [Attempt] = []
  /// Whether anybody kept an old token and went on writing with it.
  private var hasOldLeader = false

  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) {
    if operation.kind == .staleAppend { hasOldLeader = true }
    guard operation.isWrite, let token = operation.token else { return }
    attempts.append(
      Attempt(
        event: operation.event, node: operation.node, token: token, invoked: operation.invoked, ended: ended(operation),
        outcome: operation.outcome))
  }

  func judge(_ facts: Facts) -> Judgement {
    guard !facts.surfaces().isEmpty else { return judgeStores(facts) }
    let audit = GuardAudit(facts)
    // Where only guards compare tokens, there is nothing to be asked of stores.
    var result = hasOldLeader ? judgeStores(facts) : Judgement()
    let refusedByStores = result.trials?.value ?? 0
    result.findings += audit.findings
    result.missing += audit.missing
    result.failure =
      "\(counted(result.findings.count, "violation")) of the fence: \(result.findings.first?.what ?? "")"
    result.trials = Count("requests without the current token", refusedByStores + audit.refused)
    let guards = facts.surfaces().map(\.description).joined(separator: ", ")
    let ofGuards =
      "\(counted(audit.refused, "request")) without the current token refused, by each of \(guards), before, during and after "
      + "the faults"
    result.coverage = Coverage(
      hasOldLeader ? "\(result.coverage.sentence); \(ofGuards)" : ofGuards,
      counts: result.coverage.counts + audit.counts,
      notes: result.coverage.notes)
    return result
  }

  private func judgeStores(_ facts: Facts) -> Judgement {
    var result = Judgement()
    var rowsChecked = 0
    for store in facts.roles.guarded { rowsChecked += judgeAcceptOrder(store, facts, &result) }
    judgeAcknowledgements(facts, &result)
    let refused = requireAttempts(facts, &result)
    let inflation = judgeInflation(facts, &result)
    measureUnsealedWindow(facts, &result)
    result.failure =
      "\(counted(result.findings.count, "violation")) of the fence: \(result.findings.first?.what ?? "")"
    let total = refused.map(\.value).reduce(0, +)
    result.trials = Count("writes with the old token", total)
    result.coverage = Coverage(
      "\(counted(total, "write")) with the old token refused, on each of \(facts.roles.guarded.joined(separator: ", ")), "
        + "before and after the heal",
      counts: refused + [
        Count("rows checked against the seals", rowsChecked), Count("inflated tokens refused", inflation),
      ] + refusals(facts),
      notes: inflation == 0 ? ["no token beyond the granted ones was tried"] : [])
    return result
  }

  /// The store's own accept order against the states of its fence. Returns the number of rows looked at.
  private func judgeAcceptOrder(_ store: String, _ facts: Facts, _ result: inout Judgement) -> Int {
    guard let log = facts.log(of: store, &result.missing) else { return 0 }
    guard let fences = facts.truth.fences[store], !fences.isEmpty else {
      result.missing.append("the dump of \(store)'s fences")
      return 0
    }
    let own = log.filter { $0.origin == store }
    if let partition = Set(own.map(\.partition)).first(where: { !fences.rise(in: $0) }) {
      let place = partition.map { " in \($0)" } ?? ""
      result.missing.append(
        "the dump of \(store)'s fences in the order in which they were set: its barriers fall\(place)")
      return 0
    }
    var checked = 0
    for (row, states) in fences.inOrder(own) where states > 0 {
      let ruling = fences[states - 1]
      checked += 1
      if let what = violation(row, of: ruling) {
        result.findings.append(
          Finding(
            "E4", "\(store) took \(row.event) \(what)", events: [row.event], store: store,
            tokens: (row.token.map { [$0] } ?? []) + [ruling.token], positions: [row.position]))
      }
    }
    return checked
  }

  private func violation(_ row: LogRow, of fence: FenceEntry) -> String? {
    guard fence.mode == .readWrite else {
      return "while it was read-only (set by \(fence.holder), token \(fence.token))"
    }
    guard let token = row.token else { return "without a token, sealed with \(fence.token)" }
    if token < fence.token { return "with token \(token) after it was sealed with \(fence.token)" }
    if token > fence.token { return "with token \(token), which its fence (\(fence.token)) did not know" }
    return nil
  }

  /// What clients were told, against the moments at which newer tokens were known to be sealed.
  private func judgeAcknowledgements(_ facts: Facts, _ result: inout Judgement) {
    let seals = knownSeals(facts)
    let charged = Set(
      result.findings.flatMap { finding in finding.events.map { Charge(event: $0, store: finding.store) } })
    for attempt in attempts where attempt.outcome == .ok {
      let newer = seals.filter { $0.token > attempt.token && $0.since < attempt.invoked }.max { $0.token < $1.token }
      let store = facts.name(of: attempt.node)
      // One write is one violation, also when the store's order has convicted it already.
      guard let newer, !charged.contains(Charge(event: attempt.event, store: store)) else { continue }
      result.findings.append(
        Finding(
          "E4",
          "\(store) acknowledged \(attempt.event) with token \(attempt.token), begun \(brief(attempt.invoked - newer.since)) "
            + "after token \(newer.token) was sealed",
          events: [attempt.event], store: store, tokens: [attempt.token, newer.token],
          times: [attempt.invoked, attempt.ended]))
    }
  }

  private struct Charge: Hashable {
    var event: EventID
    var store: String?
  }

  private func knownSeals(_ facts: Facts) -> [(token: Int64, since: Int64)] {
    var since: [Int64: Int64] = [:]
    for entry in facts.truth.fences.values.joined() where entry.mode == .readWrite {
      guard let observed = entry.observed else { continue }
      since[entry.token] = min(since[entry.token] ?? .max, observed)
    }
    if let token = facts.newToken, let promotion = facts.promotion {
      since[token] = min(since[token] ?? .max, promotion)
    }
    return since.map { (token: $0.key, since: $0.value) }
  }

  /// Demands refusals on every guarded store in both phases. Returns the refusals by store and phase.
  private func requireAttempts(_ facts: Facts, _ result: inout Judgement) -> [Count] {
    guard let token = facts.newToken, let granted = facts.granted, let promotion = facts.promotion else {
      result.missing.append("a new token, granted and sealed after the fault: no old one to refuse")
      return []
    }
    guard let healed = facts.milestones.healed else {
      result.missing.append("the time of the heal")
      return []
    }
    var counts: [Count] = []
    for store in facts.roles.guarded {
      let tries = attempts.filter { $0.token < token && facts.name(of: $0.node) == store }
      let from = store == facts.roles.primary ? granted : promotion
      let before = tries.filter { $0.invoked >= from && $0.invoked < healed }
      let after = tries.filter { $0.invoked >= healed }
      for (phase, attempts) in [("before the heal", before), ("after the heal", after)] {
        let refused = attempts.filter { isRefusal($0.outcome, facts) }.count
        counts.append(Count("refused by \(store) \(phase)", refused))
        guard refused == 0 else { continue }
        result.missing.append(
          attempts.isEmpty
            ? "a write with the old token on \(store) \(phase)"
            : "a refusal by \(store)'s fence \(phase): \(counted(attempts.count, "attempt")), none answered by the fence"
        )
      }
    }
    return counts
  }

  /// How the old token was refused, by code: a fence of several parts shows here which of them it was.
  private func refusals(_ facts: Facts) -> [Count] {
    guard let token = facts.newToken else { return [] }
    var byCode: [OutcomeCode: Int] = [:]
    for attempt in attempts where attempt.token < token && isRefusal(attempt.outcome, facts) {
      if case .fail(let code) = attempt.outcome { byCode[code, default: 0] += 1 }
    }
    return byCode.compactMap { code, count in
      // Others say by themselves what they are.
      facts.names.name(of: code).flatMap {
        LeadershipEvidence.eitherCodes.contains($0) ? Count("refused with \($0)", count) : nil
      }
    }
    .sorted { $0.name < $1.name }
  }

  private func isRefusal(_ outcome: Outcome, _ facts: Facts) -> Bool {
    guard case .fail(let code) = outcome else { return false }
    return facts.refusals.contains(code)
  }

  /// Tokens beyond every granted one, which nobody may write or seal with. Returns how many writes were refused.
  private func judgeInflation(_ facts: Facts, _ result: inout Judgement) -> Int {
    guard let highest = facts.truth.grants?.map(\.token).max() else { return 0 }
    for entry in facts.truth.fences.sorted(by: { $0.key < $1.key }).flatMap(\.value) where entry.token > highest {
      result.findings.append(
        Finding(
          "E6",
          "\(entry.store)'s fence was raised to token \(entry.token), which was never granted: the true leader is locked out",
          store: entry.store, tokens: [entry.token, highest], positions: [entry.barrierPosition],
          times: entry.observed.map { [$0] } ?? []))
    }
    let charged = Set(result.findings.flatMap(\.events))
    let inflated = attempts.filter { $0.token > highest }
    for attempt in inflated where attempt.outcome == .ok && !charged.contains(attempt.event) {
      let store = facts.name(of: attempt.node)
      result.findings.append(
        Finding(
          "E4", "\(store) acknowledged \(attempt.event) with token \(attempt.token), which was never granted",
          events: [attempt.event], store: store, tokens: [attempt.token, highest],
          times: [attempt.invoked, attempt.ended]))
    }
    return inflated.filter { isRefusal($0.outcome, facts) }.count
  }

  /// From the grant of the new token to the last acknowledgement under an older one, anywhere; negative when the old
  /// reign had fallen silent before.
  private func measureUnsealedWindow(_ facts: Facts, _ result: inout Judgement) {
    guard let token = facts.newToken, let granted = facts.granted,
      let last = attempts.filter({ $0.outcome == .ok && $0.token < token }).map(\.ended).max()
    else { return }
    result.measures.append(.seconds("last write under the old token after the new one's grant", last - granted))
  }
}
