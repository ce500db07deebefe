internal import Events

/// Checklist item 8, `write-authority-stays` (domain 114): a false alarm moves nothing.
///
/// From the end of the baseline on nobody is granted write authority, not even its holder again, and every write is acknowledged
/// under the token that ruled then. It is the item of drills in which something looks lost that is not.
struct AuthorityStaysCheck: Check {
  private var acknowledged: [Int64: (count: Int, first: Int64, event: EventID, store: NodeIndex)] = [:]
  private let since: Int64?

  init(_ facts: Facts) { since = facts.milestones.baselineEnd ?? facts.milestones.loss }

  mutating func take(_ operation: Operation) {
    guard operation.kind == .append, operation.outcome == .ok, let token = operation.token, let since,
      ended(operation) > since
    else { return }
    let first = acknowledged[token] ?? (0, ended(operation), operation.event, operation.node)
    acknowledged[token] = (first.count + 1, first.first, first.event, first.store)
  }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    guard let grants = facts.truth.grants else {
      result.missing.append("the dump of the election's grants")
      return result
    }
    guard let since else {
      result.missing.append("the moment at which the steady state was confirmed")
      return result
    }
    guard let reign = grants.filter({ $0.observed <= since }).max(by: { $0.token < $1.token }) else {
      result.missing.append("a grant of write authority before the first fault")
      return result
    }
    for grant in grants.sorted(by: { $0.observed < $1.observed }) where grant.token > reign.token {
      result.findings.append(
        Finding(
          "switch",
          "write authority moved from \(reign.holder) (token \(reign.token)) to \(grant.holder) (token \(grant.token)) "
            + "\(brief(grant.observed - since)) after the steady state was confirmed",
          tokens: [reign.token, grant.token], times: [grant.observed]))
    }
    for (token, writes) in acknowledged.sorted(by: { $0.key < $1.key }) where token != reign.token {
      result.findings.append(
        Finding(
          "switch",
          "\(counted(writes.count, "write was", "writes were")) acknowledged under token \(token), while \(reign.holder) "
            + "held write authority under token \(reign.token)", events: [writes.event],
          store: facts.name(of: writes.store),
          tokens: [reign.token, token], times: [writes.first]))
    }
    result.failure = result.findings.first?.what ?? ""
    let own = acknowledged[reign.token]?.count ?? 0
    if own == 0 { result.vacuity = "nothing was written after the steady state was confirmed" }
    result.coverage = Coverage(
      "\(reign.holder) wrote under token \(reign.token) all through; nobody else was granted write authority",
      counts: [Count("acknowledged writes", own), Count("grants", grants.count)])
    return result
  }
}
