internal import Support

/// E8, election late: from the end of the last holder's lease to the next certain grant it took longer than the objective.
///
/// The gap begins where the lease ends, or with its release: the time for which the lost leader's lease still ran is the least
/// that any election must wait, and is taken out. A lease that was kept alive ends with its last renewal. At the end of the
/// record a gap that is still open counts as far as it reaches.
struct ElectionLateCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.electionLate]

  private struct Term: Sendable {
    var token: FencingToken
    var holder: String
    /// The latest end of the lease. `nil`: not known.
    var end: Int64?
    var ttl: Int64?
  }

  private let expectations: LeadershipExpectations
  private var term: Term?
  private var findings = FindingBuffer()
  /// Each gap that could be measured, in nanoseconds.
  private(set) var gaps: [Int64] = []

  init(_ expectations: LeadershipExpectations) { self.expectations = expectations }

  mutating func take(_ change: LeaseChange) {
    let end = change.leaseEnd.map { $0 + change.uncertainty }
    switch change.kind {
    case .acquired:
      if let term, let ended = term.end {
        judge(term, ended, change.returned, "token \(change.token) was granted to \(change.holder)")
      }
      let ended = [end, term?.end].compactMap { $0 }.max()
      term = Term(
        token: change.token, holder: change.holder, end: end == nil ? nil : ended, ttl: change.ttl ?? term?.ttl)
    case .renewed:
      guard let known = term, known.token == change.token, let end else { return }
      term?.end = max(known.end ?? .min, end)
    case .released:
      guard term?.token == change.token else { return }
      term?.end = change.returned
    case .stopped: break
    case .lost:
      // Its lease was in force until then, or at the latest until its own end.
      guard let known = term, known.token == change.token else { return }
      term?.end = end ?? min(known.end ?? .max, change.returned)
    }
  }

  private mutating func judge(_ term: Term, _ ended: Int64, _ next: Int64, _ what: String) {
    guard let limit = expectations.electionWithin ?? term.ttl.map({ 2 * $0 }) else { return }
    let gap = max(0, next - ended)
    gaps.append(gap)
    guard gap > limit else { return }
    findings.add(
      Finding(
        .electionLate,
        "\(what) \(brief(gap)) after the lease of \(term.holder) (token \(term.token)) had ended; the objective is \(brief(limit))",
        tokens: [term.token.revision], times: [ended, next]))
  }

  /// Nothing more will come. `time`: when the record ends. `nil`: not known, and an open gap is not judged.
  mutating func end(at time: Int64?) {
    guard let time, let term, let ended = term.end, time > ended else { return }
    judge(term, ended, time, "nobody had been granted leadership")
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
