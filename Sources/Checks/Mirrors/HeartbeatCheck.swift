internal import Support

/// M12, heartbeat gap: the target received no new heartbeat of the source for longer than a few intervals, outages not counted.
/// The longest gap is measured with them: it is the outage of replication as the target saw it.
struct HeartbeatCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.heartbeatGap]

  private let expectations: MirrorExpectations
  private var last: Int64?
  private var findings = FindingBuffer()
  private(set) var beats = 0
  private(set) var longest: Int64 = 0

  init(_ expectations: MirrorExpectations) { self.expectations = expectations }

  /// A new heartbeat arrived.
  mutating func beat(at time: Int64) {
    beats += 1
    close(time)
    last = time
  }

  /// Nothing more will come.
  mutating func end(at time: Int64) { close(time) }

  private mutating func close(_ time: Int64) {
    guard let last, time > last else { return }
    longest = max(longest, time - last)
    let gap = expectations.undisturbed(last, time)
    guard gap > expectations.heartbeatGap else { return }
    findings.add(
      Finding(
        .heartbeatGap,
        "\(expectations.flow.to) had no heartbeat of \(expectations.flow.from) for \(brief(time - last)), \(brief(gap)) of it outside "
          + "any outage (limit \(brief(expectations.heartbeatGap)))", store: expectations.flow.to, times: [last, time]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
