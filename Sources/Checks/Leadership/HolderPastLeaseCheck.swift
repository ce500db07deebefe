internal import Events
internal import Support

/// E9, holder past its lease: a holder began a write later than its lease ended by its **own** clock: it was paused, or does not
/// look. The clock is one, so the finding is certain. The lease ends, for its holder, one time to live after it sent the
/// request that was granted.
struct HolderPastLeaseCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.holderPastLease]

  private var ends: [FencingToken: (holder: String, end: Int64)] = [:]
  private var findings = FindingBuffer()
  /// Writes whose holder's clock and lease were known.
  private(set) var judged = 0

  mutating func take(_ change: LeaseChange) {
    switch change.kind {
    case .acquired, .renewed:
      guard let clock = change.holderClock, let ttl = change.ttl else { return }
      ends[change.token] = (change.holder, max(ends[change.token]?.end ?? .min, clock + ttl))
    case .released, .stopped, .lost: break
    }
  }

  mutating func take(_ write: FencedWrite) {
    guard let clock = write.holderClock, let lease = ends[write.token], lease.holder == write.holder else { return }
    judged += 1
    guard clock > lease.end else { return }
    findings.add(
      Finding(
        .holderPastLease,
        "\(write.holder) began to write \(write.event?.description ?? "") with token \(write.token) \(brief(clock - lease.end)) after its "
          + "lease had ended by its own clock", events: write.event.map { [$0] } ?? [], store: write.resource,
        tokens: [write.token.revision], times: [write.invoked], certainty: .certain))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
