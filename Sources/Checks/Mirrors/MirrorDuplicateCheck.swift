internal import Events

/// M2, duplicate in mirror: an identity that stands in the mirror twice.
///
/// A mirror that promises no more than at-least-once repeats a stretch of records after it has reconnected; a stretch is one
/// finding, with its length. An exactly-once mirror may not.
struct MirrorDuplicateCheck: AnomalyCheck {
  static let anomalies: Set<Anomaly> = [.mirrorDuplicate]

  private let place: MirrorPlace
  private var run: [MirrorRecord] = []
  private var runLength = 0
  private var findings = FindingBuffer()
  /// How often the mirror went back, how many records it repeated in all, and at most at a time.
  private(set) var stretches = 0
  private(set) var repeated = 0
  private(set) var longest = 0

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ fact: MirrorFact) {
    switch fact {
    case .repeated(let target, _):
      runLength += 1
      if run.count < Witness.limit { run.append(target) }
    case .arrived, .late, .skipped, .pending, .foreign: close()
    }
  }

  mutating func drain() -> [Finding] {
    close()
    return findings.drain()
  }

  private mutating func close() {
    guard let first = run.first else { return }
    stretches += 1
    repeated += runLength
    longest = max(longest, runLength)
    let rest = runLength == 1 ? "" : " and \(counted(runLength - 1, "record")) behind it"
    findings.add(
      Finding(
        .mirrorDuplicate, "\(place) has \(name(first))\(rest) once more, from offset \(first.offset) on",
        events: run.compactMap(\.event), store: place.flow.to, positions: run.map(\.offset)))
    run = []
    runLength = 0
  }
}
