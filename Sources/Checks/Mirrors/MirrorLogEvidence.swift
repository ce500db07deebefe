internal import Events

extension MirrorEvidence {
  /// What the evidence of a drill tells of each of its mirrors.
  ///
  /// Where clusters with partitions were dumped, everything that such a mirror leaves behind is used; else the logs of the
  /// stores, with the times at which their tails showed the events.
  public static func of(_ evidence: Evidence) -> [MirrorEvidence] {
    let view = MirrorView(
      truth: evidence.truth, faults: evidence.faults, milestones: evidence.milestones, objectives: evidence.objectives,
      pauses: evidence.pauses ?? [],
      end: evidence.milestones.quiescent ?? evidence.history.operations.map(ended).max() ?? 0)
    return evidence.roles.mirrors.map { flow in
      if let records = view.records(of: flow) { return MirrorEvidence(partitionsOf: view, flow, records) }
      return MirrorEvidence(logsOf: evidence, flow)
    }
  }

  /// Event stores that replicate row by row: `from`'s own rows in `from`, and the copies of them in `to`. Rows are carried in the
  /// order in which they were committed, while places in the log are given before that: only the order within each aggregate
  /// is kept.
  init(logsOf evidence: Evidence, _ flow: MirrorDirection) {
    let names = evidence.history.names
    let end = evidence.milestones.quiescent ?? evidence.history.operations.map(ended).max() ?? 0
    var expectations = MirrorExpectations(
      flow: flow, freshness: evidence.objectives.freshness, catchUp: evidence.objectives.mirrorCatchUp,
      outages: outages(evidence.faults, flow, end), pauses: (evidence.pauses ?? []).ranges(of: flow),
      isOrderedByKey: true)
    expectations.isFiltered = { _ in false }
    self.init(expectations: expectations, events: [])
    for anomaly in [
      Anomaly.translationOvershoot, .translationUndershoot, .translationBeyondEnd, .checkpointRegress, .checkpointStale,
      .groupOffsetClobber, .translationUnexplained, .syncPointFalse,
    ] {
      notApplicable[anomaly] = "row by row replication translates no group offsets"
    }
    notApplicable[.heartbeatGap] = "row by row replication sends no heartbeats through the log"
    notApplicable[.topicRecreated] = "the stores have no topics that could be made anew"
    notApplicable[.truncationSkip] = "the stores cut nothing off their logs"

    var absent: [String] = []
    for store in [flow.from, flow.to] where evidence.truth.logs[store] == nil {
      absent.append("the dump of \(store)'s log")
    }
    guard let source = evidence.truth.logs[flow.from], let target = evidence.truth.logs[flow.to] else {
      for anomaly in MirrorChecks.anomalies where notApplicable[anomaly] == nil { missing[anomaly] = absent }
      return
    }
    let sights = Sights(evidence.history.operations, names)
    let own = source.filter { $0.origin == flow.from }.sorted { $0.originSequence < $1.originSequence }
    let copies = target.filter { $0.origin == flow.from }.sorted { $0.position < $1.position }
    // An event that `to` took first itself and that now comes from `from` has gone in a circle.
    let acceptedByTarget = Dictionary(
      target.filter { $0.origin == flow.to }.map { ($0.event, $0.position) }, uniquingKeysWith: min)
    var unseen = 0
    var streams = EventStreams()
    streams.add(
      own.map { row in
        let time = sights.time(of: row.event, from: flow.from, at: flow.from)
        if time == nil { unseen += 1 }
        return MirrorEvent(
          time ?? .min,
          .record(
            .source,
            MirrorRecord(
              event: row.event, offset: row.originSequence, key: UInt64(row.key), checksum: row.checksum)))
      })
    streams.add(
      copies.map { row in
        let wasThere = acceptedByTarget[row.event].map { $0 < row.position } ?? false
        let time = sights.time(of: row.event, from: flow.from, at: flow.to)
        if time == nil { unseen += 1 }
        return MirrorEvent(
          time ?? .min,
          .record(
            .target,
            MirrorRecord(
              event: row.event, offset: row.position, key: UInt64(row.key), checksum: row.checksum,
              provenance: wasThere ? [flow.to, flow.from] : [flow.from])))
      })
    events = streams.merged + [MirrorEvent(end, .end)]
    if unseen > 0 {
      missing[.lagNotZero, default: []].append(
        "the times at which \(counted(unseen, "row")) of \(flow) were seen")
    }
    if evidence.milestones.quiescent == nil { missing[.lagNotZero, default: []].append("the time of the quiescence") }
  }
}

/// When nobody can expect anything of a mirror: while a fault was armed that cut it, or that is not known to have left it alone.
func outages(_ faults: [FaultInterval], _ flow: MirrorDirection, _ end: Int64) -> [ClosedRange<Int64>] {
  faults.compactMap { fault in
    let cuts = ["\(flow.from)→\(flow.to)", "\(flow.to)→\(flow.from)"]
    guard fault.brokenPairs.isEmpty || fault.brokenPairs.contains(where: cuts.contains) else { return nil }
    let gone = fault.verifiedGone ?? fault.disarmed ?? end
    return fault.armed <= gone ? fault.armed...gone : nil
  }
}

/// When the tails of the stores first showed each event.
private struct Sights {
  private struct Place: Hashable {
    var event: EventID
    var origin: String
    var store: String
  }

  private var times: [Place: Int64] = [:]

  init(_ operations: [Operation], _ names: NameTable) {
    for operation in operations where operation.kind == .observe && operation.outcome == .ok {
      guard let origin = operation.origin.flatMap({ names.name(of: $0) }), let store = names.name(of: operation.node)
      else {
        continue
      }
      let place = Place(event: operation.event, origin: origin, store: store)
      times[place] = min(times[place] ?? .max, ended(operation))
    }
  }

  func time(of event: EventID, from origin: String, at store: String) -> Int64? {
    times[Place(event: event, origin: origin, store: store)]
  }
}

/// Several sequences of events, each in its own order, merged by time. A time that runs backwards within a sequence is raised
/// to the one before: its order says more.
struct EventStreams {
  private var events: [(time: Int64, place: Int, event: MirrorEvent)] = []

  mutating func add(_ stream: [MirrorEvent]) {
    // What nobody saw has no time of its own: it counts as seen with what was seen before it.
    var time = stream.first { $0.time > .min }?.time ?? 0
    for event in stream {
      time = max(time, event.time)
      events.append((time, events.count, event))
    }
  }

  /// All events; of those of one time, those of the stream that was added first.
  var merged: [MirrorEvent] {
    events.sorted { ($0.time, $0.place) < ($1.time, $1.place) }.map { time, _, event in
      var event = event
      event.time = time
      return event
    }
  }
}
