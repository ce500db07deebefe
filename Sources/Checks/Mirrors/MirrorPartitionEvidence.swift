internal import Events

/// What there is to know of mirrors with partitions, wherever it stands.
struct MirrorView {
  var truth: GroundTruth
  var faults: [FaultInterval]
  var milestones: Milestones
  var objectives: Objectives
  /// When mirrors were stopped on purpose.
  var pauses: [MirrorPause]
  /// When the record ends.
  var end: Int64

  /// Whether clusters of this flow were dumped by partition.
  func records(of flow: MirrorDirection) -> [PartitionRow]? {
    guard let records = truth.records, records.contains(where: { $0.store == flow.from || $0.store == flow.to }) else {
      return nil
    }
    return records
  }
}

extension MirrorEvidence {
  /// Clusters with partitions, mirrored topic by topic: the dumps of both logs, the mirror's own topics, and the offsets of
  /// groups at both ends.
  init(partitionsOf view: MirrorView, _ flow: MirrorDirection, _ records: [PartitionRow]) {
    let truth = view.truth
    let end = view.end
    let outages = outages(view.faults, flow, end)
    // What was dumped without a time has been there since the last outage, at the latest.
    let since = outages.map(\.upperBound).max() ?? view.milestones.baselineStart ?? end
    let names = PartitionNames(flow, records, truth.logBounds ?? [])
    var expectations = MirrorExpectations(
      flow: flow, freshness: view.objectives.freshness, catchUp: view.objectives.mirrorCatchUp, outages: outages,
      pauses: view.pauses.ranges(of: flow))
    // What has come from the target, or through it, is not carried back.
    expectations.isFiltered = { $0.provenance.contains(flow.to) }
    // They were read from before the baseline on: none at all is told from few.
    if truth.heartbeats != nil { expectations.heartbeatsSince = view.milestones.baselineStart }
    self.init(expectations: expectations, events: [])

    var streams = EventStreams()
    var sides: [MirrorSide: Int] = [.source: 0, .target: 0]
    for side in [MirrorSide.source, .target] {
      let store = side == .source ? flow.from : flow.to
      let rows = Dictionary(grouping: records.filter { $0.store == store }, by: \.partition)
      for (partition, rows) in rows.sorted(by: { $0.key < $1.key }) {
        guard let home = names.home(of: partition, at: side) else { continue }
        let visible = Self.committed(rows.sorted { $0.offset < $1.offset })
          .filter { side == .source || names.isPrefixed || $0.provenance?.contains(flow.from) ?? true }
        sides[side, default: 0] += visible.count
        streams.add(
          visible.map { row in
            MirrorEvent(row.observed ?? since, .record(side, MirrorRecord(row)), partition: home)
          })
      }
    }
    for (side, count) in sides where count == 0 && !Self.isKnownEmpty(side, truth.logBounds ?? [], names) {
      let store = side == .source ? flow.from : flow.to
      for anomaly in [Anomaly.mirrorMissing, .mirrorDuplicate, .mirrorReorder, .mirrorMutation, .mirrorDivergence] {
        missing[anomaly, default: []].append("records of the partitions of \(flow) in \(store)")
      }
    }
    addBounds(truth.logBounds, names, &streams)
    addMirrorTopics(truth, names, &streams)
    // Where somebody watched, nothing is told of the time after the last look.
    let looked = truth.logBounds?.map(\.observed).max() ?? end
    events = streams.merged + [MirrorEvent(min(end, looked), .end)]
  }

  /// Whether it is known that there was nothing to read: a source into which nothing was ever written, a target whose logs were
  /// looked at all along.
  private static func isKnownEmpty(_ side: MirrorSide, _ bounds: [LogBoundsRow], _ names: PartitionNames) -> Bool {
    let seen = bounds.filter { names.side(of: $0.store) == side && names.home(of: $0.partition, at: side) != nil }
    return !seen.isEmpty && (side == .target || seen.allSatisfy { $0.end == 0 })
  }

  /// The records that a reader of committed transactions is given: those of aborted ones are left out.
  static func committed(_ rows: [PartitionRow]) -> [PartitionRow] {
    var open: [String: [Int]] = [:]
    var aborted: Set<Int> = []
    for (place, row) in rows.enumerated() {
      guard let producer = row.transactionalID else { continue }
      switch row.content {
      case .record: open[producer, default: []].append(place)
      case .commitMarker: open[producer] = nil
      case .abortMarker: aborted.formUnion(open.removeValue(forKey: producer) ?? [])
      case .hole: break
      }
    }
    return rows.enumerated().filter { $0.element.content == .record && !aborted.contains($0.offset) }.map(\.element)
  }

  private mutating func addBounds(_ rows: [LogBoundsRow]?, _ names: PartitionNames, _ streams: inout EventStreams) {
    guard let rows else {
      missing[.truncationSkip, default: []].append("samples of the log start of \(names.flow.from)")
      return
    }
    var bounds: [MirrorEvent] = []
    for row in rows.sorted(by: { $0.observed < $1.observed }) {
      guard let side = names.side(of: row.store), let home = names.home(of: row.partition, at: side) else { continue }
      bounds.append(MirrorEvent(row.observed, .bounds(side, start: row.start, end: row.end), partition: home))
      if let id = row.topicID {
        bounds.append(MirrorEvent(row.observed, .topic(side, id: id), partition: PartitionNames.topic(of: home)))
      }
      if let count = row.partitionCount {
        bounds.append(
          MirrorEvent(row.observed, .partitions(side, count: count), partition: PartitionNames.topic(of: home)))
      }
    }
    streams.add(bounds)
  }

  private mutating func addMirrorTopics(_ truth: GroundTruth, _ names: PartitionNames, _ streams: inout EventStreams) {
    let flow = names.flow
    if let rows = truth.offsetSyncs {
      streams.add(Self.syncs(rows.filter { $0.source == flow.from && $0.target == flow.to }))
    } else {
      for anomaly in [Anomaly.translationUndershoot, .checkpointStale, .translationUnexplained, .syncPointFalse] {
        missing[anomaly, default: []].append("the sync points of \(flow)")
      }
    }
    streams.add(
      (truth.mirrorRestarts ?? []).filter { $0.source == flow.from && $0.target == flow.to }
        .sorted { $0.observed < $1.observed }.map { MirrorEvent($0.observed, .restarted) })
    if let rows = truth.checkpoints {
      streams.add(
        rows.filter { $0.source == flow.from && $0.target == flow.to }.sorted {
          ($0.observed, $0.offset ?? .min) < ($1.observed, $1.offset ?? .min)
        }.map {
          MirrorEvent(
            $0.observed,
            .checkpoint(Checkpoint(group: $0.group, upstream: $0.upstream, downstream: $0.downstream)),
            partition: $0.partition)
        })
    } else {
      for anomaly in [
        Anomaly.translationOvershoot, .translationUndershoot, .translationBeyondEnd, .checkpointRegress,
        .checkpointStale, .translationUnexplained,
      ] {
        missing[anomaly, default: []].append("the checkpoints of \(flow)")
      }
    }
    if let rows = truth.groupOffsets {
      streams.add(
        rows.sorted { $0.observed < $1.observed }.compactMap { row in
          guard let side = names.side(of: row.store), let home = names.home(of: row.partition, at: side) else {
            return nil
          }
          return MirrorEvent(
            row.observed,
            .groupOffset(
              side,
              GroupOffset(
                group: row.group, committed: row.committed, members: row.members, generation: row.generation)),
            partition: home)
        })
    } else {
      for anomaly in [Anomaly.checkpointStale, .groupOffsetClobber, .translationUnexplained] {
        missing[anomaly, default: []].append("the offsets of groups at both ends of \(flow)")
      }
    }
    if let rows = truth.heartbeats {
      var newest = Int64.min
      streams.add(
        rows.filter { $0.source == flow.from && $0.target == flow.to }.sorted { $0.observed < $1.observed }.compactMap {
          // A heartbeat that was sent before the last one is no news.
          guard $0.sent > newest else { return nil }
          newest = $0.sent
          return MirrorEvent($0.observed, .heartbeat)
        })
    } else {
      missing[.heartbeatGap, default: []].append("the heartbeats of \(flow)")
    }
  }
}

extension MirrorEvidence {
  /// The sync points in the order of their topic. It takes no other offsets but theirs: one that is missing was not read, as where
  /// the topic was compacted before.
  private static func syncs(_ rows: [OffsetSyncRow]) -> [MirrorEvent] {
    var events: [MirrorEvent] = []
    var next: Int64 = 0
    for row in rows.sorted(by: { ($0.offset ?? .min, $0.observed) < ($1.offset ?? .min, $1.observed) }) {
      if let offset = row.offset {
        // The same record read twice.
        guard offset >= next else { continue }
        if offset > next { events.append(MirrorEvent(row.observed, .syncGap)) }
        next = offset + 1
      }
      let point = SyncPoint(upstream: row.upstream, downstream: row.downstream)
      events.append(MirrorEvent(row.observed, .sync(point), partition: row.partition))
    }
    return events
  }
}

extension MirrorRecord {
  fileprivate init(_ row: PartitionRow) {
    self.init(
      event: row.event, offset: row.offset, key: row.keyHash ?? row.key.map(UInt64.init) ?? 0, checksum: row.checksum,
      provenance: row.provenance ?? [])
  }
}

/// How the partitions that one mirror carries are called at both its ends.
struct PartitionNames {
  let flow: MirrorDirection
  /// Whether the mirror puts the source's name in front of its topics.
  let isPrefixed: Bool
  private let naming: MirrorNaming

  init(_ flow: MirrorDirection, _ records: [PartitionRow], _ bounds: [LogBoundsRow] = []) {
    self.flow = flow
    let prefixed = MirrorNaming()
    isPrefixed =
      records.contains { $0.store == flow.to && prefixed.source(of: $0.partition) == flow.from }
      || bounds.contains { $0.store == flow.to && prefixed.source(of: $0.partition) == flow.from }
    naming = isPrefixed ? prefixed : MirrorNaming(separator: nil)
  }

  func side(of store: String) -> MirrorSide? { store == flow.from ? .source : store == flow.to ? .target : nil }

  /// What a partition is called at the source. `nil`: this mirror does not carry it.
  func home(of partition: String, at side: MirrorSide) -> String? {
    guard isPrefixed else { return partition }
    switch side {
    // What the source has from the target is not carried back.
    case .source: return naming.source(of: partition) == flow.to ? nil : partition
    case .target:
      guard naming.source(of: partition) == flow.from else { return nil }
      return String(partition.dropFirst(flow.from.count + 1))
    }
  }

  /// The topic of `topic-number`.
  static func topic(of partition: String) -> String {
    guard let dash = partition.lastIndex(of: "-") else { return partition }
    return String(partition[..<dash])
  }

  /// The number of a partition called `topic-number`; 0 where it has none.
  static func number(of partition: String) -> Int { partition.split(separator: "-").last.flatMap { Int($0) } ?? 0 }
}
