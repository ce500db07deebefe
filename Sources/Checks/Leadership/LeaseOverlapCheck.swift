internal import Support

/// E3, lease overlap: two holders led at the same time.
///
/// *Inner* interval of a holder: from the moment it knew of the grant to the moment it released the lease or stopped by itself;
/// where that is not known, to the end of its lease as it reckons it. *Outer* interval: from the moment the grant may have
/// been made to the latest end of the lease, or until it is known to have stopped.
/// Lease ends reckoned on another node's clock are shortened by that clock's uncertainty in the inner interval and
/// lengthened in the outer one. Inner intervals that meet are a certain overlap; where only outer ones do, it is a possible one.
///
/// Only the grants whose leases may still run are kept.
struct LeaseOverlapCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.leaseOverlap]

  private struct Tenure: Sendable {
    var holder: String
    var token: FencingToken
    var invoked: Int64
    var returned: Int64
    /// `nil`: not known, and so no ground for a finding.
    var innerEnd: Int64?
    var outerEnd: Int64?
    var endedAt: Int64?
  }

  private struct Pair: Hashable {
    var one: FencingToken
    var other: FencingToken
  }

  private var tenures: [Tenure] = []
  private var overlaps: [Pair: Finding] = [:]
  private var order: [Pair] = []
  private var findings = FindingBuffer()
  /// Pairs of tenures of which both ends were known.
  private(set) var compared = 0

  mutating func take(_ change: LeaseChange) {
    settle(change.invoked)
    let end = change.leaseEnd
    switch change.kind {
    case .acquired:
      // The same holder may be granted the lease again, as long as there is nobody between.
      tenures.append(
        Tenure(
          holder: change.holder, token: change.token, invoked: change.invoked, returned: change.returned,
          innerEnd: end.map { $0 - change.uncertainty }, outerEnd: end.map { $0 + change.uncertainty }))
    case .renewed:
      guard let place = place(of: change), tenures[place].endedAt == nil, let end else { return }
      tenures[place].innerEnd = max(tenures[place].innerEnd ?? .min, end - change.uncertainty)
      tenures[place].outerEnd = max(tenures[place].outerEnd ?? .min, end + change.uncertainty)
    case .released, .stopped:
      guard let place = place(of: change) else { return }
      // It stops when it gives the lease back, or at the latest when it has stopped.
      tenures[place].endedAt = change.kind == .released ? change.invoked : change.returned
      tenures[place].outerEnd = change.returned
    case .lost:
      guard let place = place(of: change), tenures[place].outerEnd == nil, let end else { return }
      tenures[place].outerEnd = end + change.uncertainty
    }
  }

  private func place(of change: LeaseChange) -> Int? {
    tenures.lastIndex { $0.holder == change.holder && $0.token == change.token }
  }

  /// Compares what is over since long ago, and lets go of it. The newest are compared as late as possible: a release that returns
  /// late shortens them.
  private mutating func settle(_ now: Int64) {
    guard tenures.count > 64 else { return }
    let last = tenures.count - 32
    compare(tenures.prefix(last))
    tenures = tenures.enumerated().filter { $0.offset >= last - 1 || ($0.element.outerEnd ?? .min) >= now }.map(
      \.element)
  }

  mutating func end() { compare(tenures[...]) }

  private mutating func compare(_ tenures: ArraySlice<Tenure>) {
    for later in tenures.indices {
      for earlier in tenures[..<later] { compare(earlier, tenures[later]) }
    }
    for pair in order { if let finding = overlaps[pair] { findings.add(finding) } }
    order = []
  }

  private mutating func compare(_ one: Tenure, _ other: Tenure) {
    guard one.holder != other.holder else { return }
    let pair = Pair(one: one.token, other: other.token)
    guard overlaps[pair] == nil else { return }
    if (one.returned <= other.returned ? one.endedAt ?? one.innerEnd : other.endedAt ?? other.innerEnd) != nil {
      compared += 1
    }
    let inner = Self.overlap(
      (one.returned, one.endedAt ?? one.innerEnd), (other.returned, other.endedAt ?? other.innerEnd))
    let outer = Self.overlap((one.invoked, one.outerEnd), (other.invoked, other.outerEnd))
    guard let (from, to) = inner ?? outer else { return }
    let isCertain = inner != nil
    overlaps[pair] = Finding(
      .leaseOverlap,
      "\(one.holder) (token \(one.token)) and \(other.holder) (token \(other.token)) \(isCertain ? "both led" : "may both have led") "
        + "for \(brief(to - from))", tokens: [one.token.revision, other.token.revision], times: [from, to],
      certainty: isCertain ? .certain : .possible)
    order.append(pair)
  }

  /// Whoever began later led at least at that moment, also when nobody knows for how long.
  private static func overlap(_ one: (Int64, Int64?), _ other: (Int64, Int64?)) -> (from: Int64, to: Int64)? {
    let (earlier, later) = one.0 <= other.0 ? (one, other) : (other, one)
    guard let earlierEnd = earlier.1 else { return nil }
    let to = min(earlierEnd, later.1 ?? .max)
    return later.0 < to ? (later.0, to) : nil
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
