/// M9, checkpoint regress: of two checkpoints of one group and partition, the later one is lower at the target although it is
/// not lower at the source. A group that went back at the source takes its checkpoint back with it, legally.
struct CheckpointRegressCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.checkpointRegress]

  private let place: MirrorPlace
  private var last: [String: Checkpoint] = [:]
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ checkpoint: Checkpoint) {
    defer { last[checkpoint.group] = checkpoint }
    guard let before = last[checkpoint.group], checkpoint.downstream < before.downstream,
      checkpoint.upstream >= before.upstream
    else { return }
    findings.add(
      Finding(
        .checkpointRegress,
        "the checkpoint of \(checkpoint.group) in \(place) went back from \(before.downstream) to \(checkpoint.downstream), "
          + "although the group did not at the source (\(before.upstream), then \(checkpoint.upstream))",
        store: place.flow.to, positions: [before.downstream, checkpoint.downstream]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
