internal import Support

/// M12, heartbeat gap: the target received no new heartbeat of the source for longer than a few intervals, outages and pauses on
/// purpose not counted; where there was one of them in between, for longer than the mirror may take to come back. The longest gap is measured with them:
/// it is the outage of replication as the target saw it.
struct HeartbeatCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.heartbeatGap]

  private let expectations: MirrorExpectations
  private var last: Int64?
  private var findings = FindingBuffer()
  private(set) var beats = 0
  private(set) var longest: Int64 = 0

  init(_ expectations: MirrorExpectations) {
    self.expectations = expectations
    last = expectations.heartbeatsSince
  }

  /// A new heartbeat arrived.
  mutating func beat(at time: Int64) {
    beats += 1
    close(time)
    last = max(last ?? time, time)
  }

  /// Nothing more will come.
  mutating func end(at time: Int64) { close(time) }

  private mutating func close(_ time: Int64) {
    guard let last, time > last else { return }
    longest = max(longest, time - last)
    let gap = expectations.undisturbed(last, time)
    let outage = expectations.interruptions.filter { $0.upperBound > last && $0.lowerBound < time }.map(\.lowerBound)
      .min()
    let before = max(0, (outage ?? time) - last)
    // Connections that were cut are tried again ever more rarely: that is the catch-up, which has its own objective.
    let isLate = before > expectations.heartbeatGap
    let limit = isLate ? expectations.heartbeatGap : max(expectations.heartbeatGap, expectations.catchUp)
    guard gap > limit else { return }
    findings.add(
      Finding(
        .heartbeatGap,
        "\(expectations.flow.to) had no\(beats == 0 ? "" : " new") heartbeat of \(expectations.flow.from) for \(brief(time - last)), \(brief(gap)) of it outside "
          + "any outage (limit \(brief(limit)))", store: expectations.flow.to, times: [last, time]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
