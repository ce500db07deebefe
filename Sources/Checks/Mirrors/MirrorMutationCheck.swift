internal import Events

/// M4, mutated in mirror: the same identity with another content, another key, or in another partition.
struct MirrorMutationCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorMutation]

  private let place: MirrorPlace
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    guard let (source, target) = fact.pair else { return }
    let contentDiffers = source.checksum != nil && target.checksum != nil && source.checksum != target.checksum
    let differences = [source.key != target.key ? "another key" : nil, contentDiffers ? "another content" : nil]
      .compactMap { $0 }
    guard !differences.isEmpty else { return }
    add(
      target, "has \(differences.joined(separator: " and ")) in \(place.flow.to) than in \(place.flow.from) (\(place))")
  }

  /// The record arrived in another partition than that in which it stands at the source.
  mutating func takeStray(_ target: MirrorRecord, from partition: String) {
    add(target, "stands in \(place) and not in partition \(partition), where \(place.flow.from) has it")
  }

  mutating func drain() -> [Finding] { findings.drain() }

  private mutating func add(_ target: MirrorRecord, _ what: String) {
    findings.add(
      Finding(
        .mirrorMutation, "\(name(target)) \(what)", events: target.event.map { [$0] } ?? [], store: place.flow.to,
        positions: [target.offset]))
  }
}

extension MirrorFact {
  /// Both ends of a record that arrived.
  var pair: (source: MirrorRecord, target: MirrorRecord)? {
    switch self {
    case .arrived(let source, let target), .late(let source, let target): (source, target)
    case .repeated, .skipped, .pending, .foreign: nil
    }
  }
}
