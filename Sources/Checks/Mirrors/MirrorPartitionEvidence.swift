internal import Events

extension MirrorEvidence {
  /// Clusters with partitions, mirrored topic by topic: the dumps of both logs, the mirror's own topics, and the offsets of
  /// groups at both ends.
  init(partitionsOf evidence: Evidence, _ flow: MirrorDirection, _ records: [PartitionRow]) {
    let truth = evidence.truth
    let end = evidence.milestones.quiescent ?? evidence.history.operations.map(ended).max() ?? 0
    let outages = outages(evidence, flow, end)
    // What was dumped without a time has been there since the last outage, at the latest.
    let since = outages.map(\.upperBound).max() ?? evidence.milestones.baselineStart ?? end
    let names = PartitionNames(flow, records)
    var expectations = MirrorExpectations(
      flow: flow, freshness: evidence.objectives.freshness, catchUp: evidence.objectives.mirrorCatchUp, outages: outages
    )
    // What has come from the target, or through it, is not carried back.
    expectations.isFiltered = { $0.provenance.contains(flow.to) }
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
    for (side, count) in sides where count == 0 {
      let store = side == .source ? flow.from : flow.to
      for anomaly in [Anomaly.mirrorMissing, .mirrorDuplicate, .mirrorReorder, .mirrorMutation, .mirrorDivergence] {
        missing[anomaly, default: []].append("records of the partitions of \(flow) in \(store)")
      }
    }
    addBounds(truth.logBounds, names, &streams)
    addMirrorTopics(truth, names, &streams)
    events = streams.merged + [MirrorEvent(end, .end)]
  }

  /// The records that a reader of committed transactions is given: those of aborted ones are left out.
  private static func committed(_ rows: [PartitionRow]) -> [PartitionRow] {
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
      streams.add(
        rows.filter { $0.source == flow.from && $0.target == flow.to }.sorted {
          ($0.observed, $0.offset ?? .min) < ($1.observed, $1.offset ?? .min)
        }.map {
          MirrorEvent(
            $0.observed, .sync(SyncPoint(upstream: $0.upstream, downstream: $0.downstream)), partition: $0.partition)
        })
    } else {
      missing[.translationUndershoot, default: []].append("the sync points of \(flow)")
      missing[.checkpointStale, default: []].append("the sync points of \(flow)")
    }
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
        .checkpointStale,
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
      for anomaly in [Anomaly.checkpointStale, .groupOffsetClobber] {
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

  init(_ flow: MirrorDirection, _ records: [PartitionRow]) {
    self.flow = flow
    let prefixed = MirrorNaming()
    isPrefixed = records.contains { $0.store == flow.to && prefixed.source(of: $0.partition) == flow.from }
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
}
