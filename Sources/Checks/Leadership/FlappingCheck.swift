internal import Support

/// E11, flapping: more grants within a window than there should be. One finding for each stretch of them.
struct FlappingCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.leadershipFlapping]

  private let expectations: LeadershipExpectations
  private var recent: [LeaseChange] = []
  private var isFlapping = false
  private var findings = FindingBuffer()
  private(set) var grants = 0

  init(_ expectations: LeadershipExpectations) { self.expectations = expectations }

  mutating func take(_ change: LeaseChange) {
    guard change.kind == .acquired else { return }
    grants += 1
    recent.append(change)
    recent.removeAll { $0.returned <= change.returned - expectations.flappingWindow }
    guard recent.count > expectations.grantsPerWindow else {
      isFlapping = false
      return
    }
    guard !isFlapping else { return }
    isFlapping = true
    findings.add(
      Finding(
        .leadershipFlapping,
        "leadership was granted \(recent.count) times within \(brief(change.returned - recent[0].returned)); no more than "
          + "\(expectations.grantsPerWindow) times in \(brief(expectations.flappingWindow)) are expected",
        tokens: recent.suffix(Witness.limit).map(\.token.revision), times: [recent[0].returned, change.returned]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
