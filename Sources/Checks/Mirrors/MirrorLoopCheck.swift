internal import Events

/// M13, mirror loop: a record comes back to a cluster that it has passed before. Told by the clusters in its provenance (a header,
/// or the prefixes of its topic's name), which must all be different, and different from the cluster it arrives in.
struct MirrorLoopCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorLoop]

  private let place: MirrorPlace
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  /// Looks at a record of the target.
  mutating func take(_ record: MirrorRecord) {
    let path = record.provenance + [place.flow.to]
    guard path.count > 1, Set(path).count < path.count else { return }
    findings.add(
      Finding(
        .mirrorLoop, "\(name(record)) went in a circle: \(path.joined(separator: "→"))",
        events: record.event.map { [$0] } ?? [], store: place.flow.to, positions: [record.offset]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
