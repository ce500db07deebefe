internal import Events

/// M19, sync point false: a sync point says that the record at one offset of the source stands at another of the target, and the
/// record there is another one. Everything that is translated by it is wrong by as much.
///
/// Judged by the identities of the records at both ends, as soon as the target has been read past the point. A point at a place
/// of which the record is not known, such as one of a partition whose records bear no identity, is not judged.
struct SyncTruthCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.syncPointFalse]

  private let place: MirrorPlace
  private var waiting: [SyncPoint] = []
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ point: SyncPoint, _ state: TranslationState) {
    guard point.downstream >= 0 else { return }
    waiting.append(point)
    settle(state)
  }

  mutating func settle(_ state: TranslationState) {
    guard let first = waiting.first, first.downstream < state.map.end else { return }
    let ready = waiting.filter { $0.downstream < state.map.end }
    waiting.removeAll { $0.downstream < state.map.end }
    for point in ready { judge(point, state) }
  }

  mutating func end(_ state: TranslationState) {
    for point in waiting { judge(point, state) }
    waiting = []
  }

  private mutating func judge(_ point: SyncPoint, _ state: TranslationState) {
    guard let source = state.map.source(at: point.downstream) else { return }
    judged += 1
    guard source != point.upstream else { return }
    findings.add(
      Finding(
        .syncPointFalse,
        "a sync point of \(place) says that source offset \(point.upstream) stands at \(point.downstream), but there stands the "
          + "record of source offset \(source)",
        store: place.flow.to, positions: [point.downstream, point.upstream, source]))
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
