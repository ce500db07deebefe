internal import Events

/// What was seen of one mirror, ready to be checked, and what could not be.
public struct MirrorEvidence: Sendable {
  /// What it promises.
  public var expectations: MirrorExpectations
  /// What was seen, in the order of ``MirrorEvent``; the last is ``MirrorEvent/Content/end``.
  public var events: [MirrorEvent]
  /// By row: evidence that such a mirror has and that is not there.
  public var missing: [Anomaly: [String]]
  /// By row: why such a mirror cannot show the anomaly at all.
  public var notApplicable: [Anomaly: String]

  /// What was seen of one mirror.
  public init(
    expectations: MirrorExpectations, events: [MirrorEvent], missing: [Anomaly: [String]] = [:],
    notApplicable: [Anomaly: String] = [:]
  ) {
    self.expectations = expectations
    self.events = events
    self.missing = missing
    self.notApplicable = notApplicable
  }
}

/// What all checks of mirrors have to say about the mirrors of a drill.
public struct MirrorExamination: Sendable {
  /// Every row of ``MirrorChecks/anomalies``, in the order of the taxonomy.
  public var rows: [RowExamination]
  /// Lag, re-reading and heartbeat figures.
  public var measures: [Measure]
}

/// Examines the mirrors of a drill for every row of ``MirrorChecks/anomalies``.
public func examineMirrors(_ mirrors: [MirrorEvidence]) -> MirrorExamination {
  var examined: [(evidence: MirrorEvidence, checks: MirrorChecks, findings: [Finding])] = []
  for mirror in mirrors {
    var checks = MirrorChecks(mirror.expectations)
    for event in mirror.events { checks.take(event) }
    let findings = checks.drain()
    examined.append((mirror, checks, findings))
  }
  let rows = Anomaly.allCases.filter(MirrorChecks.anomalies.contains).map { anomaly in
    guard !mirrors.isEmpty else { return RowExamination.notApplicable(anomaly, "this stack has no mirror") }
    let able = examined.filter { $0.evidence.notApplicable[anomaly] == nil }
    guard !able.isEmpty else {
      return RowExamination.notApplicable(anomaly, mirrors[0].notApplicable[anomaly] ?? "no mirror can show it")
    }
    let counts = able.map { $0.checks.examined(anomaly) }
    let missing = able.flatMap { ($0.evidence.missing[anomaly] ?? []) + $0.checks.unsettled(anomaly) }
    let findings = able.flatMap(\.findings).filter { $0.anomaly == anomaly.rawValue }
    return RowExamination(
      anomaly, in: Count(counts[0].name, counts.reduce(0) { $0 + $1.value }), findings: findings, missing: missing)
  }
  return MirrorExamination(rows: rows, measures: examined.flatMap { $0.checks.measures })
}

extension MirrorChecks {
  /// How many of what the check of `anomaly` has looked at.
  func examined(_ anomaly: Anomaly) -> Count {
    func sum(_ value: (MirrorPartition) -> Int) -> Int { partitions.values.reduce(0) { $0 + value($1) } }
    let records = { sum { $0.pairing.sourceCount } }
    switch anomaly {
    case .mirrorMissing: return Count("records of the source", records())
    case .mirrorDuplicate, .mirrorReorder, .mirrorMutation, .mirrorLoop:
      return Count("records of the mirror", sum { $0.pairing.targetCount + $0.anonymous })
    case .mirrorDivergence: return Count("records at both ends", sum { $0.pairing.targetCount + $0.anonymous })
    case .translationOvershoot: return Count("translated offsets", sum { $0.overshoot.judged })
    case .translationUndershoot:
      return Count("checkpoints", sum { $0.undershoot.figures.values.reduce(0) { $0 + $1.checkpoints } })
    case .translationBeyondEnd: return Count("offsets held against the end", sum { $0.beyondEnd.judged })
    case .checkpointRegress, .checkpointStale: return Count("checkpoints", sum { $0.age.judged })
    case .groupOffsetClobber: return Count("group offsets at the target", sum { $0.clobber.judged })
    case .heartbeatGap: return Count("heartbeats", heartbeats.beats)
    case .truncationSkip: return Count("samples of the source's log start", sum { $0.startSamples })
    case .lagNotZero: return Count("samples of the lag", sum { $0.lag.points })
    case .topicRecreated: return Count("readings of topics' ids", identities.judged)
    case .translationUnexplained:
      return Count("checkpoints and positions", sum { $0.oracle.checkpoints + $0.oracle.positions })
    case .syncPointFalse: return Count("sync points held against the records", sum { $0.syncTruth.judged })
    default: return Count("events", 0)
    }
  }

  /// Why `anomaly` cannot be judged to the end.
  func unsettled(_ anomaly: Anomaly) -> [String] {
    if anomaly == .translationUnexplained {
      return partitions.sorted { $0.key < $1.key }.flatMap(\.value.oracle.missing)
    }
    guard anomaly == .lagNotZero else { return [] }
    return partitions.values.filter { $0.lag.isUnsettled }.map {
      "the end of the catch-up of \($0.place): \(counted($0.pairing.behind, "record")) had not arrived when the record ended"
    }.sorted()
  }

  /// The figures of the mirror.
  var measures: [Measure] {
    var measures: [Measure] = []
    for (_, partition) in partitions.sorted(by: { $0.key < $1.key }) {
      let place = partition.place
      measures.append(Measure("\(place) most records behind", Double(partition.lag.most), "records"))
      measures.append(Measure("\(place) area under the lag", partition.lag.area, "record-seconds"))
      if let back = partition.lag.back {
        measures.append(.seconds("\(place) lag back to zero after the last outage", back.time - back.outage))
      }
      if partition.duplicates.stretches > 0 {
        let duplicates = partition.duplicates
        measures.append(Measure("\(place) records carried again", Double(duplicates.repeated), "records"))
        measures.append(Measure("\(place) times the mirror went back", Double(duplicates.stretches), "stretches"))
        measures.append(Measure("\(place) longest stretch carried again", Double(duplicates.longest), "records"))
      }
      for figure in partition.undershoot.figures.values.sorted(by: { $0.group < $1.group }) {
        measures.append(Measure("\(place) records \(figure.group) would read again", Double(figure.last), "records"))
        measures.append(
          Measure("\(place) records \(figure.group) would have read again at most", Double(figure.most), "records"))
      }
    }
    if heartbeats.beats > 1 {
      measures.append(.seconds("\(flow) longest time between heartbeats", heartbeats.longest))
    }
    return measures
  }
}
