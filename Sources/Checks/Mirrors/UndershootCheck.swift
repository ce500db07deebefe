internal import Support

/// How many records a group would read again if it went on at the target, by each of its checkpoints.
public struct RereadFigures: Sendable, Hashable {
  /// The group.
  public var group: String
  /// By its last checkpoint.
  public var last: Int64 = 0
  /// By the worst of its checkpoints.
  public var most: Int64 = 0
  /// The sum over all of them.
  public var total: Int64 = 0
  /// How many checkpoints there were.
  public var checkpoints: Int = 0
  /// What the sync points would have allowed at the most.
  public var bound: Int64 = 0
}

/// M7, translation undershoot: a group would read more records again than the recorded sync points explain.
///
/// With t the translated offset and c the committed one, R is the number of mirrored records from t on that stand before c at
/// the source. The bound is not a constant such as `offset.lag.max`: sync points thin out with the distance from the newest, and
/// after a restart only the last is usable. It is computed by the mirror's own rules (``OffsetSyncStore``) from the sync points
/// that it had written, over every state in which its table may have been. R is measured for each group.
struct UndershootCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.translationUndershoot]

  private struct Judged: Sendable {
    var checkpoint: Checkpoint
    var bound: Int64
  }

  private let place: MirrorPlace
  private var waiting: [Judged] = []
  private var findings = FindingBuffer()
  private(set) var figures: [String: RereadFigures] = [:]

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ checkpoint: Checkpoint, _ state: TranslationState) {
    // Without a usable sync point there is no bound; the age of checkpoints (M10) is judged elsewhere.
    guard let bound = state.lowest(for: checkpoint.upstream) else { return }
    waiting.append(Judged(checkpoint: checkpoint, bound: bound))
    settle(state)
  }

  mutating func settle(_ state: TranslationState) {
    guard let first = waiting.first, max(first.bound, first.checkpoint.downstream) <= state.map.end else { return }
    let isReady = { (item: Judged) in max(item.bound, item.checkpoint.downstream) <= state.map.end }
    let ready = waiting.filter(isReady)
    waiting.removeAll(where: isReady)
    for item in ready { judge(item, state) }
  }

  mutating func end(_ state: TranslationState) {
    for item in waiting { judge(item, state) }
    waiting = []
  }

  private mutating func judge(_ item: Judged, _ state: TranslationState) {
    let checkpoint = item.checkpoint
    guard checkpoint.downstream >= state.map.floor else { return }
    let again = state.map.reread(before: checkpoint.upstream, goingOnAt: checkpoint.downstream)
    let allowed = state.map.reread(before: checkpoint.upstream, goingOnAt: item.bound)
    var figure = figures[checkpoint.group] ?? RereadFigures(group: checkpoint.group)
    figure.last = again
    figure.most = max(figure.most, again)
    figure.total += again
    figure.checkpoints += 1
    figure.bound = max(figure.bound, allowed)
    figures[checkpoint.group] = figure
    guard checkpoint.downstream < item.bound, again > allowed else { return }
    findings.add(
      Finding(
        .translationUndershoot,
        "\(checkpoint.group) would go on in \(place) at \(checkpoint.downstream) and read \(counted(Int(again), "record")) again; "
          + "by the sync points written it should be \(item.bound), and \(allowed) at the most",
        store: place.flow.to, positions: [checkpoint.downstream, item.bound]))
  }

  /// The offsets that were found wrong.
  var convicted: Set<Int64> { findings.offsets }

  mutating func drain() -> [Finding] { findings.drain() }
}
