/// E2, token regress or reuse: grant A had returned before grant B was invoked, and B's token is not higher than A's; also
/// when the coordination service was restored from a backup meanwhile, or its election made anew. Grants that overlap in time
/// may get their tokens in either order. That two holders have one token is E1's.
struct TokenOrderCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.tokenRegress]

  private struct Grant: Sendable {
    var returned: Int64
    /// The highest token of all grants that had returned by then.
    var highest: FencingToken
    var holder: String
  }

  /// Grants that a later one may have been invoked after, in the order in which they returned.
  private static let capacity = 4096
  private var grants: [Grant] = []
  private var findings = FindingBuffer()
  private(set) var count = 0

  mutating func take(_ change: LeaseChange) {
    guard change.kind == .acquired else { return }
    count += 1
    if let before = grants.last(where: { $0.returned < change.invoked }), change.token <= before.highest,
      change.token < before.highest || change.holder == before.holder
    {
      findings.add(
        Finding(
          .tokenRegress,
          "\(change.holder) was granted token \(change.token), after \(before.holder) had been granted \(before.highest): "
            + "tokens must rise", tokens: [before.highest.revision, change.token.revision],
          times: [before.returned, change.invoked]))
    }
    let last = grants.last
    let isHighest = last.map { change.token > $0.highest } ?? true
    grants.append(
      Grant(
        returned: max(change.returned, last?.returned ?? .min),
        highest: isHighest ? change.token : last?.highest ?? change.token,
        holder: isHighest ? change.holder : last?.holder ?? change.holder))
    if grants.count > Self.capacity { grants.removeFirst(Self.capacity / 2) }
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
