internal import Events

/// M18, translation unexplained: a checkpoint, or a group's position at the target, that follows from no recorded sync point. An
/// offset that was copied as it is, one that was moved by hand, and a checkpoint of another mirror are such.
///
/// A checkpoint (u, d) is explained by a sync point (s, t) with s ≤ u and d = t, or t + 1 where s < u: that is all that the
/// mirror's rules can make (``OffsetSyncStore``). A position at the target is explained by a checkpoint of the group, or by what
/// the mirror's table made of a commit of the group at some moment: who exports offsets and translates them gets no other. One
/// that is made of a commit between two looks at the group is explained by its sync point alone; but not if it is the very offset
/// that the group had just committed at the source, and lower than what that would be.
///
/// How low an offset may lie is M7's, that it skips nothing is M6's, that the log reaches as far M8's, that it was moved back M11's:
/// what one of those has convicted is not convicted again here. What is unexplained when it is seen waits for the end: the point
/// that it came from may be read later. Positions are judged until the group has members at the target; from then on it moves by
/// itself.
struct TranslationOracle: Sendable {
  static let anomalies: Set<Anomaly> = [.translationUnexplained]

  private struct Judged: Sendable {
    var group: String
    /// The offset at the source that it came from. `nil`: a position, of which that is not told.
    var upstream: Int64?
    var offset: Int64
    var time: Int64
    /// Of a position: what the group had committed at the source at the looks just before and at the one behind.
    var recent: [Int64] = []
    var next: Int64?
    /// Of a position: the lowest translation of the first of ``recent``, when the position was seen. `nil`: there was none.
    var floor: Int64?

    /// The highest offset that the group had committed when it may have been translated.
    var highest: Int64? { (recent + [next].compactMap { $0 }).max() }

    /// Whether it is what the group had just committed at the source.
    var isRaw: Bool { upstream.map { $0 == offset } ?? (recent.last == offset || next == offset) }
  }

  /// What is known of one group.
  private struct Group: Sendable {
    /// Its last commits at the source, the newest last.
    var recent: [Int64] = []
    /// What the mirror's table made of its commits, and what its checkpoints say.
    var admissible: Set<Int64> = []
    var lastCheckpoint: (checkpoint: Checkpoint, time: Int64)?
    var position: (offset: Int64, time: Int64)?
    var isActive = false
  }

  /// Of one group no more translations are kept than this.
  private static let most = 100_000

  private let place: MirrorPlace
  private let expectations: MirrorExpectations
  /// The source offset of each sync point, by its target offset.
  private var points: [Int64: Int64] = [:]
  /// Sync points at or below this target offset may have been missed. `nil`: none was.
  private var knownFrom: Int64?
  private var isGapOpen = false
  private var groups: [String: Group] = [:]
  private var waiting: [Judged] = []
  private var findings = FindingBuffer()
  /// Checkpoints and positions that were judged.
  private(set) var checkpoints = 0
  private(set) var positions = 0
  /// Those of them at which a raw copy would have been seen to be one.
  private(set) var distinguishing = 0
  /// What was missing to judge others.
  private(set) var missing: [String] = []

  init(_ place: MirrorPlace, _ expectations: MirrorExpectations) {
    self.place = place
    self.expectations = expectations
  }

  private var hasSyncs: Bool { !points.isEmpty }

  // MARK: What is seen

  /// Sync points before this moment may not have been seen.
  mutating func takeGap() { isGapOpen = true }

  mutating func take(_ point: SyncPoint) {
    if isGapOpen {
      isGapOpen = false
      knownFrom = max(knownFrom ?? .min, point.downstream)
    }
    points[point.downstream] = point.upstream
    guard !waiting.isEmpty else { return }
    let points = points
    waiting.removeAll { item in item.upstream.map { Self.explains(points, $0, as: item.offset) } ?? false }
  }

  mutating func take(_ checkpoint: Checkpoint, _ state: TranslationState, at time: Int64) {
    checkpoints += 1
    var group = groups[checkpoint.group] ?? Group()
    group.admissible.insert(checkpoint.downstream)
    group.lastCheckpoint = (checkpoint, time)
    groups[checkpoint.group] = group
    let (raw, lowest) = (checkpoint.upstream, state.lowest(for: checkpoint.upstream))
    // A raw copy that the sync points happen to explain, and that is not too low either, would pass.
    let rawPasses = explains(raw, as: raw) && raw >= lowest ?? .min
    if checkpoint.downstream != raw, !rawPasses { distinguishing += 1 }
    if !explains(checkpoint.upstream, as: checkpoint.downstream) {
      waiting.append(
        Judged(group: checkpoint.group, upstream: checkpoint.upstream, offset: checkpoint.downstream, time: time))
    }
  }

  mutating func take(_ offset: GroupOffset, at side: MirrorSide, _ state: TranslationState, at time: Int64) {
    guard let value = offset.committed else { return }
    var group = groups[offset.group] ?? Group()
    defer { groups[offset.group] = group }
    switch side {
    case .source:
      if group.admissible.count > Self.most { group.admissible = [] }
      if group.recent.last != value { group.recent = group.recent.suffix(2) + [value] }
      for place in waiting.indices where waiting[place].upstream == nil && waiting[place].group == offset.group {
        waiting[place].next = waiting[place].next ?? value
      }
      group.admissible.formUnion(state.likelyOffsets(of: value))
    case .target:
      if (offset.members ?? 0) > 0 { group.isActive = true }
      guard !group.isActive, group.position?.offset != value else { return }
      // A position that went back is M11's.
      let isMovedBack = group.position.map { value < $0.offset } ?? false
      positions += 1
      group.position = (value, time)
      if let committed = group.recent.last {
        group.admissible.formUnion(state.likelyOffsets(of: committed))
        if committed != value, !group.admissible.contains(committed) { distinguishing += 1 }
      }
      if !group.admissible.contains(value), !isMovedBack {
        let floor = group.recent.first.flatMap { state.lowest(for: $0) }
        waiting.append(
          Judged(group: offset.group, upstream: nil, offset: value, time: time, recent: group.recent, floor: floor))
      }
    }
  }

  private static func explains(_ points: [Int64: Int64], _ upstream: Int64, as offset: Int64) -> Bool {
    points[offset] == upstream || (points[offset &- 1].map { $0 < upstream } ?? false)
  }

  private func explains(_ upstream: Int64, as offset: Int64) -> Bool { Self.explains(points, upstream, as: offset) }

  // MARK: The end

  /// Nothing more will come. `sourceEnd`: the source's log end, where it was read; `hasSource`: whether the source has the partition.
  mutating func end(
    _ state: TranslationState, convicted: Set<Int64>, sourceEnd: Int64?, hasSource: Bool, at time: Int64
  ) {
    for item in waiting where !convicted.contains(item.offset) { judge(item, state, sourceEnd, hasSource) }
    waiting = []
    for (name, group) in groups.sorted(by: { $0.key < $1.key }) {
      judgeLag(name, group, state, at: time)
      noteAbsence(name, group, state)
    }
  }

  private mutating func judge(_ item: Judged, _ state: TranslationState, _ sourceEnd: Int64?, _ hasSource: Bool) {
    guard let group = groups[item.group] else { return }
    if item.upstream == nil {
      // A checkpoint that was read after the position may be what it came from.
      if group.admissible.contains(item.offset) { return }
      let isTooLow = item.isRaw && item.offset < item.floor ?? .min
      // Made of a commit that nobody looked at, so of any up to the highest that was seen around it.
      if let highest = item.highest, !isTooLow {
        let isAtPoint = points[item.offset].map { $0 <= highest } ?? false
        let isBehindPoint = points[item.offset &- 1].map { $0 < highest } ?? false
        if isAtPoint || isBehindPoint { return }
      }
    }
    let what =
      item.upstream.map { "the checkpoint of \(item.group) in \(place), of source offset \($0)," }
      ?? "\(item.group)'s position in \(place)"
    guard hasSyncs || !hasSource else {
      missing.append("the sync points of \(place), from which \(what) \(item.offset) would follow")
      return
    }
    if let knownFrom = isGapOpen ? Int64.max : knownFrom, item.offset <= knownFrom {
      missing.append(
        "sync points of \(place)\(isGapOpen ? "" : " up to target offset \(knownFrom)"), from which \(what) \(item.offset) may follow"
      )
      return
    }
    var finding = Finding(
      .translationUnexplained,
      "\(what) is \(item.offset), which follows from no recorded sync point; \(reason(item, group, state, sourceEnd, hasSource))",
      store: place.flow.to, positions: [item.offset], times: [item.time])
    if let upstream = item.upstream { finding.positions.append(upstream) }
    findings.add(finding)
  }

  private func reason(
    _ item: Judged, _ group: Group, _ state: TranslationState, _ sourceEnd: Int64?, _ hasSource: Bool
  ) -> String {
    if !hasSource && !hasSyncs { return "\(place.flow.from) has no such partition" }
    let committed = item.upstream ?? item.recent.last
    var parts: [String] = []
    if item.isRaw { parts.append("it is the source offset, copied as it is") }
    if let upstream = item.upstream, let sourceEnd, upstream > sourceEnd {
      parts.append("the source has only \(sourceEnd) offsets: it is another mirror's")
    } else if let upstream = item.upstream, let last = group.recent.last, upstream > last {
      parts.append("the group never committed that at the source")
    }
    if let committed {
      let implied = Set(state.translations(of: committed).compactMap(\.offset)).sorted()
      if let lowest = implied.first, let highest = implied.last {
        let range = lowest == highest ? "\(lowest)" : "\(lowest) to \(highest)"
        parts.append("source offset \(committed) is \(range) there")
        let skipped = state.map.skipped(from: committed, goingOnAt: item.offset).reduce(0) { $0 + $1.count }
        let again = state.map.reread(before: committed, goingOnAt: item.offset)
        if skipped > 0 { parts.append("\(counted(skipped, "record")) would be skipped") }
        if again > 0 { parts.append("\(counted(Int(again), "record")) would be read again") }
      } else {
        parts.append("source offset \(committed) cannot be translated")
      }
    }
    return parts.isEmpty ? "the group has committed nothing at the source" : parts.joined(separator: "; ")
  }

  /// A position that has not followed its group's checkpoints for longer than it may take.
  private mutating func judgeLag(_ name: String, _ group: Group, _ state: TranslationState, at time: Int64) {
    guard !group.isActive, let position = group.position, let last = group.lastCheckpoint,
      position.offset < last.checkpoint.downstream,
      expectations.undisturbed(last.time, time) > expectations.checkpointAge
    else { return }
    let committed = last.checkpoint.upstream
    let again = state.map.reread(before: committed, goingOnAt: position.offset)
    let allowed = state.map.reread(
      before: committed, goingOnAt: state.lowest(for: committed) ?? last.checkpoint.downstream)
    guard again > allowed else { return }
    findings.add(
      Finding(
        .translationUnexplained,
        "\(name)'s position in \(place) is \(position.offset), although its checkpoint says \(last.checkpoint.downstream) since "
          + "\(brief(time - last.time)): \(counted(Int(again), "record")) would be read again, of which the sync points explain "
          + "\(allowed)",
        store: place.flow.to, positions: [position.offset, last.checkpoint.downstream],
        times: [last.time, position.time]))
  }

  private mutating func noteAbsence(_ name: String, _ group: Group, _ state: TranslationState) {
    guard group.position == nil, !group.isActive, group.lastCheckpoint == nil,
      let committed = group.recent.last, committed > 0
    else { return }
    // Where no offset is safe none is given: that is right.
    let translations = state.translations(of: committed)
    if translations.contains(where: { $0 == .tooOld }) { return }
    missing.append(
      translations.contains { $0.offset != nil }
        ? "a checkpoint or a position of \(name) in \(place), although it committed \(committed) at the source"
        : "the sync points of \(place), to translate the offset \(committed) of \(name)")
  }

  mutating func drain() -> [Finding] { findings.drain() }
}
