internal import Events

/// M3, reorder in mirror: the source offsets of the mirror's records, repetitions aside, do not rise. A record that arrives
/// after one that follows it at the source is out of order.
struct MirrorReorderCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorReorder]

  private let place: MirrorPlace
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    guard case .late(let source, let target) = fact else { return }
    findings.add(
      Finding(
        .mirrorReorder,
        "\(name(target)) stands at offset \(target.offset) of \(place), out of the order of \(place.flow.from), where it has offset "
          + "\(source.offset)", events: target.event.map { [$0] } ?? [], store: place.flow.to,
        positions: [target.offset]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
