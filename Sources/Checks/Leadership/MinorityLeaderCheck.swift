internal import Events
internal import Support

/// E12, minority leader: a node that was proven to be cut off from the quorum was granted leadership or kept its lease alive
/// meanwhile; or it went on accepting writes when the lease they rested on had ended.
///
/// What was begun and ended within the proven interval counts, nothing else. Of accepted writes, those that began after the end of
/// the lease that their token stands for, with a margin.
struct MinorityLeaderCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.minorityLeader]

  private let expectations: LeadershipExpectations
  private var isolations: [(node: String, interval: ClosedRange<Int64>)] = []
  private var changes: [LeaseChange] = []
  private var ends: [FencingToken: Int64] = [:]
  private var findings = FindingBuffer()
  /// Grants, renewals and accepted writes that were held against the intervals.
  private(set) var looked = 0

  init(_ expectations: LeadershipExpectations) { self.expectations = expectations }

  mutating func isolate(_ node: String, during interval: ClosedRange<Int64>) {
    isolations.append((node, interval))
    // What was seen before the proof came in.
    for change in changes { judge(change, interval, node) }
  }

  mutating func take(_ change: LeaseChange) {
    if let end = change.leaseEnd {
      ends[change.token] = change.kind == .lost ? end : max(ends[change.token] ?? .min, end)
    }
    guard change.kind == .acquired || change.kind == .renewed else { return }
    looked += 1
    for (node, interval) in isolations { judge(change, interval, node) }
    changes.append(change)
    // Proofs come within moments of the fault, or all at the beginning.
    if changes.count > 4096 { changes.removeFirst(2048) }
  }

  private mutating func judge(_ change: LeaseChange, _ interval: ClosedRange<Int64>, _ node: String) {
    guard change.holder == node, interval.contains(change.invoked), interval.contains(change.returned) else { return }
    findings.add(
      Finding(
        .minorityLeader,
        "\(node) \(change.kind == .acquired ? "was granted" : "kept alive") token \(change.token) while it was proven to be cut off from "
          + "the quorum", tokens: [change.token.revision],
        times: [change.invoked, change.returned, interval.lowerBound, interval.upperBound]))
  }

  mutating func take(_ accept: FenceAccept) {
    guard !accept.isSeal, let invoked = accept.invoked, let known = accept.known else { return }
    looked += 1
    for (node, interval) in isolations where node == accept.resource {
      guard interval.contains(invoked), interval.contains(known) else { continue }
      guard let end = ends[accept.token], invoked > end + expectations.isolationMargin else { continue }
      findings.add(
        Finding(
          .minorityLeader,
          "\(node) took \(accept.event?.description ?? "a write") with token \(accept.token) \(brief(invoked - end)) after that lease had "
            + "ended, while it was proven to be cut off from the quorum", events: accept.event.map { [$0] } ?? [],
          store: node, tokens: [accept.token.revision], positions: [accept.sequence],
          times: [invoked, known, interval.lowerBound, interval.upperBound]))
    }
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
