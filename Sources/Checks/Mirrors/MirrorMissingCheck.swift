internal import Events

/// M1, missing in mirror: a record of the source below the mirrored frontier, not filtered by policy and not compacted away,
/// that the mirror does not have.
///
/// Records that stood at the source when its log was cut off under the mirror are M15's, those that the mirror has not come to
/// yet are lag (M17).
struct MirrorMissingCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorMissing]

  private let place: MirrorPlace
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    guard case .skipped(let source, wasTruncated: false) = fact else { return }
    findings.add(
      Finding(
        .mirrorMissing,
        "\(name(source)) of \(place.flow.from) never reached \(place.flow.to) (\(place)), although later records did",
        events: source.event.map { [$0] } ?? [], store: place.flow.from, positions: [source.offset]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}

/// A record for a person: its identity, or its offset.
func name(_ record: MirrorRecord) -> String { record.event?.description ?? "the record at offset \(record.offset)" }
