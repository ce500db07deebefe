internal import Events

/// E4, stale token accepted (**the** fencing violation): in the resource's own accept order a write with a lower token follows
/// one with a higher token, or the moment at which the fence was told of a higher token. Order is the resource's, never that of
/// acknowledgements: one number a resource is all the state.
struct StaleAcceptCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.staleTokenAccepted]

  private var highest: [String: FencingToken] = [:]
  private var findings = FindingBuffer()
  private(set) var accepted = 0

  mutating func take(_ accept: FenceAccept) {
    let before = highest[accept.resource]
    if before.map({ accept.token > $0 }) ?? true { highest[accept.resource] = accept.token }
    guard !accept.isSeal else { return }
    accepted += 1
    guard let before, accept.token < before else { return }
    findings.add(
      Finding(
        .staleTokenAccepted,
        "\(accept.resource) took \(accept.event?.description ?? "a write") with token \(accept.token) after it had taken token \(before)",
        events: accept.event.map { [$0] } ?? [], store: accept.resource,
        tokens: [accept.token.revision, before.revision], positions: [accept.sequence]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
