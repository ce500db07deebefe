internal import Events

/// M15, silent truncation skip: the source's log start moved past the mirror's position while the mirror was away, so that records
/// between the two can never be mirrored; the mirror goes on at the new start and reports no error.
///
/// Records of the source that were seen before they were cut off are named one by one. Where the source was not read in time,
/// the gap between the mirror's position and the log start is told, once the mirror has gone on behind it or the record ends.
struct TruncationSkipCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.truncationSkip]

  private let place: MirrorPlace
  private var position: Int64?
  private var gap: Range<Int64>?
  private var findings = FindingBuffer()

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    switch fact {
    case .skipped(let source, wasTruncated: true), .pending(let source, wasTruncated: true):
      findings.add(
        Finding(
          .truncationSkip,
          "\(name(source)) was cut off \(place.flow.from)'s log before it was mirrored to \(place.flow.to) (\(place))",
          events: source.event.map { [$0] } ?? [], store: place.flow.from, positions: [source.offset]))
    case .arrived(let source, _):
      position = max(position ?? .min, source.offset)
      if let open = gap, source.offset >= open.lowerBound {
        // The gap shrinks as long as the mirror only turns out to have come further than was known.
        gap = source.offset < open.upperBound ? source.offset + 1..<open.upperBound : open
        if source.offset >= open.upperBound { close(open) }
      }
    case .late, .repeated, .foreign, .skipped, .pending: break
    }
  }

  /// The log start of the source was read. `firstSeen`: the first offset of the source that the record has.
  mutating func takeSourceStart(_ start: Int64, firstSeen: Int64?) {
    guard let position, start > position + 1 else { return }
    // A source that has been read all along names its records itself.
    if let firstSeen, firstSeen <= position + 1 { return }
    gap = min(gap?.lowerBound ?? .max, position + 1)..<start
  }

  mutating func end() { if let gap { close(gap) } }

  private mutating func close(_ range: Range<Int64>) {
    gap = nil
    guard !range.isEmpty else { return }
    findings.add(
      Finding(
        .truncationSkip,
        "\(place.flow.from)'s log start moved to offset \(range.upperBound) while the mirror stood at \(range.lowerBound): "
          + "\(counted(range.count, "offset")) of \(place) can never be mirrored",
        store: place.flow.from, positions: [range.lowerBound, range.upperBound]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
