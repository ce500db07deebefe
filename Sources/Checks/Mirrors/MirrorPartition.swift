internal import Events

/// All checks of one partition of a mirror, with the state they share: pairing, the map of offsets, the table of sync points.
struct MirrorPartition: Sendable {
  /// Lag is sampled no more often than this, in nanoseconds.
  private static let lagInterval: Int64 = 100_000_000
  /// The age of checkpoints is looked at no more often than this while nothing happens that bears on it, in nanoseconds.
  private static let ageInterval: Int64 = 1_000_000_000

  let place: MirrorPlace
  private let expectations: MirrorExpectations
  private(set) var pairing: MirrorPairing
  private var translation: TranslationState
  private(set) var missing: MirrorMissingCheck
  private(set) var duplicates: MirrorDuplicateCheck
  private(set) var reorder: MirrorReorderCheck
  private(set) var mutation: MirrorMutationCheck
  private(set) var parity: MirrorParityCheck
  private(set) var overshoot: OvershootCheck
  private(set) var undershoot: UndershootCheck
  private(set) var beyondEnd: BeyondEndCheck
  private(set) var regress: CheckpointRegressCheck
  private(set) var age: CheckpointAgeCheck
  private(set) var clobber: GroupClobberCheck
  private(set) var loop: MirrorLoopCheck
  private(set) var truncation: TruncationSkipCheck
  private(set) var lag: LagReturnCheck
  private(set) var oracle: TranslationOracle
  private(set) var syncTruth: SyncTruthCheck
  private(set) var anonymous = 0
  /// The source's log end, by its last sample.
  private(set) var sourceEnd: Int64?
  /// The target's log end, by its last sample.
  var targetEnd: Int64? { translation.targetEnd?.end }
  /// Samples of the source's log start.
  private(set) var startSamples = 0
  private var facts: [MirrorFact] = []
  private var lastLag: Int64 = .min
  private var lastAge: Int64 = .min
  /// Records that the source never had in this partition, and those that the mirror never got, until the end.
  private(set) var foreign: [MirrorRecord] = []
  private(set) var lost: [MirrorFact] = []

  init(_ place: MirrorPlace, _ expectations: MirrorExpectations) {
    self.place = place
    self.expectations = expectations
    pairing = MirrorPairing(expectations)
    translation = TranslationState(expectations)
    missing = MirrorMissingCheck(place)
    duplicates = MirrorDuplicateCheck(place)
    reorder = MirrorReorderCheck(place)
    mutation = MirrorMutationCheck(place)
    parity = MirrorParityCheck(place)
    overshoot = OvershootCheck(place)
    undershoot = UndershootCheck(place)
    beyondEnd = BeyondEndCheck(place)
    regress = CheckpointRegressCheck(place)
    age = CheckpointAgeCheck(place, expectations)
    clobber = GroupClobberCheck(place)
    loop = MirrorLoopCheck(place)
    truncation = TruncationSkipCheck(place)
    lag = LagReturnCheck(place, expectations)
    oracle = TranslationOracle(place, expectations)
    syncTruth = SyncTruthCheck(place)
  }

  var isMirrored: Bool { pairing.position != nil || translation.hasSyncs }
  var hasSyncs: Bool { translation.hasSyncs }

  mutating func take(_ content: MirrorEvent.Content, at time: Int64) {
    translation.pass(time)
    switch content {
    case .record(let side, let record): take(record, at: side, time)
    case .bounds(.source, let start, let end):
      startSamples += 1
      sourceEnd = end
      pairing.takeSourceStart(start)
      truncation.takeSourceStart(start, firstSeen: pairing.firstSource)
    case .bounds(.target, _, let end):
      translation.takeTargetEnd(end, at: time)
      beyondEnd.takeEnd(end, at: time)
    case .sync(let point):
      translation.take(point, at: time)
      oracle.take(point)
      syncTruth.take(point, translation)
      watchAge(time)
    case .checkpoint(let checkpoint):
      overshoot.take(checkpoint, translation)
      undershoot.take(checkpoint, translation)
      oracle.take(checkpoint, translation, at: time)
      regress.take(checkpoint)
      age.take(checkpoint)
      beyondEnd.take(checkpoint.group, offset: checkpoint.downstream, at: time)
      watchAge(time)
    case .groupOffset(let side, let offset): take(offset, at: side, time)
    case .restarted:
      translation.restart()
      watchAge(time)
    case .syncGap: oracle.takeGap()
    case .partitions, .topic, .heartbeat, .end: break
    }
    if time >= lastAge.addingReportingOverflow(Self.ageInterval).partialValue || lastAge == .min { watchAge(time) }
    if time >= lastLag.addingReportingOverflow(Self.lagInterval).partialValue || lastLag == .min { sampleLag(time) }
  }

  private mutating func take(_ record: MirrorRecord, at side: MirrorSide, _ time: Int64) {
    if side == .source && expectations.isFiltered(record) { return }
    if side == .target { loop.take(record) }
    guard let event = record.event else {
      anonymous += 1
      parity.take(record, at: side)
      return
    }
    switch side {
    case .source: pairing.takeSource(record, event, at: time, &facts)
    case .target: pairing.takeTarget(record, &facts)
    }
    dealWithFacts()
  }

  private mutating func dealWithFacts() {
    for fact in facts {
      missing.take(fact)
      duplicates.take(fact)
      reorder.take(fact)
      mutation.take(fact)
      truncation.take(fact)
      if let (source, target) = fact.pair { translation.add(source: source.offset, target: target.offset) }
      if case .repeated(let target, let source?) = fact { translation.add(source: source, target: target.offset) }
    }
    if !facts.isEmpty {
      overshoot.settle(translation)
      undershoot.settle(translation)
      syncTruth.settle(translation)
    }
    facts.removeAll(keepingCapacity: true)
  }

  private mutating func take(_ offset: GroupOffset, at side: MirrorSide, _ time: Int64) {
    overshoot.take(offset, at: side, translation)
    oracle.take(offset, at: side, translation, at: time)
    switch side {
    case .source:
      if let committed = offset.committed { age.takeCommit(offset.group, committed, at: time, translation) }
    case .target:
      clobber.take(offset)
      if let committed = offset.committed { beyondEnd.take(offset.group, offset: committed, at: time) }
    }
    watchAge(time)
  }

  private mutating func watchAge(_ time: Int64) {
    lastAge = time
    age.pass(time, translation, isMirrored: isMirrored)
  }

  private mutating func sampleLag(_ time: Int64) {
    lastLag = time
    guard pairing.sourceCount > 0 else { return }
    lag.take(
      LagPoint(time: time, behind: pairing.behind, age: pairing.oldestSeen.map { max(0, time - $0) } ?? 0))
  }

  /// Nothing more will come. Records without a partner are kept in ``foreign`` and ``lost``, for other partitions may have them.
  mutating func end(at time: Int64) {
    translation.pass(time)
    sampleLag(time)
    watchAge(time)
    pairing.end(&facts)
    for fact in facts {
      switch fact {
      case .foreign(let target): foreign.append(target)
      case .skipped, .pending: lost.append(fact)
      case .arrived, .late, .repeated: break
      }
    }
    facts.removeAll {
      switch $0 {
      case .foreign, .skipped, .pending: true
      case .arrived, .late, .repeated: false
      }
    }
    dealWithFacts()
    parity.end()
    overshoot.end(translation)
    undershoot.end(translation)
    syncTruth.end(translation)
    // Without a sample of its end, the log is known to reach as far as its last record.
    if translation.targetEnd == nil, !translation.map.isEmpty { beyondEnd.takeEnd(translation.map.end, at: time) }
    oracle.end(
      translation, convicted: overshoot.convicted.union(undershoot.convicted).union(beyondEnd.convicted),
      sourceEnd: sourceEnd, hasSource: pairing.sourceCount + anonymous > 0, at: time)
  }

  /// Judges what has no partner in this partition: `strays` arrived here, but belong to another one; `elsewhere` belong here and
  /// arrived in another one.
  mutating func settle(strays: [EventID: String], elsewhere: Set<EventID>) {
    for target in foreign {
      if let event = target.event, let partition = strays[event] {
        mutation.takeStray(target, from: partition)
      } else {
        parity.take(.foreign(target: target))
      }
    }
    for fact in lost {
      if let event = fact.lostRecord?.event, elsewhere.contains(event) { continue }
      missing.take(fact)
      truncation.take(fact)
    }
    truncation.end()
  }

  mutating func drain() -> [Finding] {
    missing.drain() + duplicates.drain() + reorder.drain() + mutation.drain() + parity.drain() + overshoot.drain()
      + undershoot.drain() + beyondEnd.drain() + regress.drain() + age.drain() + clobber.drain() + loop.drain()
      + truncation.drain() + lag.drain() + oracle.drain() + syncTruth.drain()
  }
}

extension MirrorFact {
  /// The record of the source that never arrived.
  var lostRecord: MirrorRecord? {
    switch self {
    case .skipped(let source, _), .pending(let source, _): source
    case .arrived, .late, .repeated, .foreign: nil
    }
  }
}
