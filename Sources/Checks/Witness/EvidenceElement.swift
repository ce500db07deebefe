internal import Events

/// One piece of evidence that can be left out: an operation, or a row of a dump.
struct EvidenceElement: Sendable, Hashable {
  /// Where a piece stands.
  enum Part: Sendable, Hashable {
    case operations, applied, progress, grants, records, logBounds, groupOffsets, offsetSyncs, checkpoints, heartbeats
    case guardAttempts, guardDecisions, outbox, carried
    case mirrorRestarts, connectorStates, leases, accepts, schemas, timelines, commits, reconciled, snapshots
    case log(String)
    case fence(String)
  }

  var part: Part
  /// The place in it.
  var place: Int
}

extension Evidence {
  /// Every piece, in a fixed order.
  var elements: [EvidenceElement] {
    var elements: [EvidenceElement] = []
    func add(_ part: EvidenceElement.Part, _ count: Int?) {
      elements += (0..<(count ?? 0)).map { EvidenceElement(part: part, place: $0) }
    }
    add(.operations, history.operations.count)
    for (store, rows) in truth.logs.sorted(by: { $0.key < $1.key }) { add(.log(store), rows.count) }
    for (store, rows) in truth.fences.sorted(by: { $0.key < $1.key }) { add(.fence(store), rows.count) }
    add(.applied, truth.applied?.count)
    add(.progress, truth.progress?.count)
    add(.grants, truth.grants?.count)
    add(.records, truth.records?.count)
    add(.logBounds, truth.logBounds?.count)
    add(.groupOffsets, truth.groupOffsets?.count)
    add(.offsetSyncs, truth.offsetSyncs?.count)
    add(.checkpoints, truth.checkpoints?.count)
    add(.heartbeats, truth.heartbeats?.count)
    add(.mirrorRestarts, truth.mirrorRestarts?.count)
    add(.connectorStates, truth.connectorStates?.count)
    add(.leases, truth.leases?.count)
    add(.accepts, truth.accepts?.count)
    add(.schemas, truth.schemas?.count)
    add(.timelines, truth.timelines?.count)
    add(.commits, truth.commits?.count)
    add(.reconciled, truth.reconciled?.count)
    add(.guardAttempts, truth.guardAttempts?.count)
    add(.guardDecisions, truth.guardDecisions?.count)
    add(.outbox, truth.outbox?.count)
    add(.carried, truth.carried?.count)
    add(.snapshots, snapshots?.count)
    return elements
  }

  /// The evidence with these pieces only. A dump that was taken stays one, if an empty one.
  func keeping(_ elements: [EvidenceElement]) -> Evidence {
    let places = Dictionary(grouping: elements, by: \.part).mapValues { Set($0.map(\.place)) }
    func kept<Row>(_ rows: [Row], _ part: EvidenceElement.Part) -> [Row] {
      guard let places = places[part] else { return [] }
      return rows.indices.filter(places.contains).map { rows[$0] }
    }
    var few = self
    few.history.operations = kept(history.operations, .operations)
    for (store, rows) in truth.logs { few.truth.logs[store] = kept(rows, .log(store)) }
    for (store, rows) in truth.fences { few.truth.fences[store] = kept(rows, .fence(store)) }
    few.truth.applied = truth.applied.map { kept($0, .applied) }
    few.truth.progress = truth.progress.map { kept($0, .progress) }
    few.truth.grants = truth.grants.map { kept($0, .grants) }
    few.truth.records = truth.records.map { kept($0, .records) }
    few.truth.logBounds = truth.logBounds.map { kept($0, .logBounds) }
    few.truth.groupOffsets = truth.groupOffsets.map { kept($0, .groupOffsets) }
    few.truth.offsetSyncs = truth.offsetSyncs.map { kept($0, .offsetSyncs) }
    few.truth.checkpoints = truth.checkpoints.map { kept($0, .checkpoints) }
    few.truth.heartbeats = truth.heartbeats.map { kept($0, .heartbeats) }
    few.truth.mirrorRestarts = truth.mirrorRestarts.map { kept($0, .mirrorRestarts) }
    few.truth.connectorStates = truth.connectorStates.map { kept($0, .connectorStates) }
    few.truth.leases = truth.leases.map { kept($0, .leases) }
    few.truth.accepts = truth.accepts.map { kept($0, .accepts) }
    few.truth.schemas = truth.schemas.map { kept($0, .schemas) }
    few.truth.timelines = truth.timelines.map { kept($0, .timelines) }
    few.truth.commits = truth.commits.map { kept($0, .commits) }
    few.truth.reconciled = truth.reconciled.map { kept($0, .reconciled) }
    few.truth.guardAttempts = truth.guardAttempts.map { kept($0, .guardAttempts) }
    few.truth.guardDecisions = truth.guardDecisions.map { kept($0, .guardDecisions) }
    few.truth.outbox = truth.outbox.map { kept($0, .outbox) }
    few.truth.carried = truth.carried.map { kept($0, .carried) }
    few.snapshots = snapshots.map { kept($0, .snapshots) }
    return few
  }

  /// The evidence as if only these events had been. What is about no single event stays.
  func keeping(_ events: Set<EventID>) -> Evidence {
    var few = self
    few.history.operations.removeAll { !events.contains($0.event) }
    few.truth.logs = truth.logs.mapValues { $0.filter { events.contains($0.event) } }
    few.truth.applied?.removeAll { !events.contains($0.event) }
    few.truth.records?.removeAll { $0.event.map { !events.contains($0) } ?? false }
    few.truth.accepts?.removeAll { $0.event.map { !events.contains($0) } ?? false }
    few.truth.commits?.removeAll { !events.contains($0.event) }
    few.truth.reconciled?.removeAll { !events.contains($0.event) }
    few.truth.outbox?.removeAll { !events.contains($0.event) }
    few.truth.carried?.removeAll { !events.contains($0.event) }
    return few
  }

  /// Every event that the evidence names.
  var events: Set<EventID> {
    var events = Set(history.operations.map(\.event))
    for rows in truth.logs.values { events.formUnion(rows.map(\.event)) }
    events.formUnion((truth.applied ?? []).map(\.event))
    events.formUnion((truth.records ?? []).compactMap(\.event))
    events.formUnion((truth.accepts ?? []).compactMap(\.event))
    events.formUnion((truth.commits ?? []).map(\.event))
    events.formUnion((truth.reconciled ?? []).map(\.event))
    events.formUnion((truth.outbox ?? []).map(\.event))
    events.formUnion((truth.carried ?? []).map(\.event))
    return events
  }
}
