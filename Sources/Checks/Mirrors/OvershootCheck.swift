/// M6, translation overshoot (safety): a group that went on at its translated offset would skip records that it has not read.
///
/// With π the source offset of a mirrored record, c the group's committed offset at the source and t the translated one: a
/// record with π ≥ c of which every copy stands before t. Each checkpoint is judged by the offset it was made from; an offset
/// that was written to the target by other means is judged by what the group had committed at the source when that was read
/// next. Groups that are active at the target move on by themselves and are not judged any more.
struct OvershootCheck: Sendable {
  static let anomalies: Set<Anomaly> = [.translationOvershoot]

  private struct Judged: Hashable {
    var group: String
    var committed: Int64
    var offset: Int64
  }

  private let place: MirrorPlace
  private var waiting: [Judged] = []
  private var checkpointed: [String: Set<Int64>] = [:]
  private var committed: [String: Int64] = [:]
  private var unconfirmed: [String: Int64] = [:]
  private var active: Set<String> = []
  private var findings = FindingBuffer()
  private(set) var judged = 0

  init(_ place: MirrorPlace) { self.place = place }

  mutating func take(_ checkpoint: Checkpoint, _ state: TranslationState) {
    committed[checkpoint.group] = max(committed[checkpoint.group] ?? .min, checkpoint.upstream)
    checkpointed[checkpoint.group, default: []].insert(checkpoint.downstream)
    // An offset written to the target is one of the last few; older ones need not be known.
    if let count = checkpointed[checkpoint.group]?.count, count > 1024 {
      checkpointed[checkpoint.group] = [checkpoint.downstream]
    }
    waiting.append(
      Judged(group: checkpoint.group, committed: checkpoint.upstream, offset: checkpoint.downstream))
    settle(state)
  }

  mutating func take(_ offset: GroupOffset, at side: MirrorSide, _ state: TranslationState) {
    guard let value = offset.committed else { return }
    switch side {
    case .source:
      committed[offset.group] = max(committed[offset.group] ?? .min, value)
      confirm(offset.group)
    case .target:
      if (offset.members ?? 0) > 0 { active.insert(offset.group) }
      guard !active.contains(offset.group), checkpointed[offset.group]?.contains(value) != true else { return }
      unconfirmed[offset.group] = value
    }
    settle(state)
  }

  private mutating func confirm(_ group: String) {
    guard let value = unconfirmed.removeValue(forKey: group), let committed = committed[group] else { return }
    waiting.append(Judged(group: group, committed: committed, offset: value))
  }

  /// Judges what can be judged: the records before the offset must have been read at the target.
  mutating func settle(_ state: TranslationState) {
    guard let first = waiting.first, first.offset <= state.map.end else { return }
    let ready = waiting.filter { $0.offset <= state.map.end }
    waiting.removeAll { $0.offset <= state.map.end }
    for item in ready { judge(item, state) }
  }

  mutating func end(_ state: TranslationState) {
    for group in unconfirmed.keys.sorted() { confirm(group) }
    for item in waiting { judge(item, state) }
    waiting = []
  }

  private mutating func judge(_ item: Judged, _ state: TranslationState) {
    guard !state.map.isEmpty else { return }
    judged += 1
    let skipped = state.map.skipped(from: item.committed, goingOnAt: item.offset)
    guard let first = skipped.first else { return }
    let count = skipped.reduce(0) { $0 + $1.count }
    findings.add(
      Finding(
        .translationOvershoot,
        "\(item.group) has read \(place) up to source offset \(item.committed), which is translated to \(item.offset): it would "
          + "skip \(counted(count, "record")), the first at source offset \(first.lowerBound)",
        store: place.flow.to, positions: [item.offset, first.lowerBound]))
  }

  /// The offsets that were found wrong.
  var convicted: Set<Int64> { findings.offsets }

  mutating func drain() -> [Finding] { findings.drain() }
}
