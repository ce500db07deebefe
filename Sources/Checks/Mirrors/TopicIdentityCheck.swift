internal import Events

/// M16, topic re-created: a topic was deleted and made anew under its name. Its offsets begin again, while the mirror goes on at
/// the offset that it had noted, and nobody reports an error.
struct TopicIdentityCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.topicRecreated]

  private struct Topic: Hashable {
    var side: MirrorSide
    var name: String
  }

  private let flow: MirrorDirection
  private var ids: [Topic: String] = [:]
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ flow: MirrorDirection) { self.flow = flow }

  mutating func take(_ topic: String, _ id: String, at side: MirrorSide, _ time: Int64) {
    judged += 1
    let before = ids.updateValue(id, forKey: Topic(side: side, name: topic))
    guard let before, before != id else { return }
    let cluster = side == .source ? flow.from : flow.to
    findings.add(
      Finding(
        .topicRecreated,
        "\(topic) of \(cluster) was made anew: its id was \(before) and is \(id). "
          + (side == .source
            ? "The mirror \(flow) goes on at the offset it had noted of the old one"
            : "What \(flow) had carried into the old one is gone"),
        store: cluster, times: [time]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
