/// M8, beyond end: a translated or committed offset of the target that is higher than the end of its log: a group that goes on
/// there has negative lag, and falls back on its reset policy. Judged by the first sample of the end that was taken later, so that
/// a log that merely had not been read to its end is none.
struct BeyondEndCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.translationBeyondEnd]

  private struct Known: Sendable {
    var time: Int64
    var offset: Int64
  }

  private let place: MirrorPlace
  /// By group: where it would go on, and the highest such offset that no end has been held against.
  private var latest: [String: Known] = [:]
  private var highest: [String: Known] = [:]
  private var reported: [String: Int64] = [:]
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ place: MirrorPlace) { self.place = place }

  /// The group would go on at `offset`, or has committed it at the target.
  mutating func take(_ group: String, offset: Int64, at time: Int64) {
    latest[group] = Known(time: time, offset: offset)
    if offset >= highest[group]?.offset ?? .min { highest[group] = Known(time: time, offset: offset) }
  }

  /// The end of the target's log was read. Whatever was known before is judged by it.
  mutating func takeEnd(_ end: Int64, at time: Int64) {
    for group in latest.keys.sorted() {
      for known in [highest[group], latest[group]].compactMap({ $0 }) where known.time <= time {
        judge(group, known.offset, end)
      }
      if let known = highest[group], known.time <= time { highest[group] = nil }
    }
  }

  private mutating func judge(_ group: String, _ offset: Int64, _ end: Int64) {
    judged += 1
    guard offset > end, reported[group] != offset else { return }
    reported[group] = offset
    findings.add(
      Finding(
        .translationBeyondEnd,
        "\(group) would go on in \(place) at offset \(offset), \(offset - end) beyond the end of the log at \(end)",
        store: place.flow.to, positions: [offset, end]))
  }

  /// The offsets that were found wrong.
  var convicted: Set<Int64> { findings.offsets }

  mutating func drain() -> [Finding] { findings.drain() }
}
