internal import Events

/// Looks for every anomaly of a log (taxonomy L1 to L27) in the operations and dumps of a drill, or in a history alone.
public func examineLogs(_ evidence: Evidence) -> [RowExamination] {
  let operations = evidence.history.operations
  let names = evidence.history.names
  var audit = LogAudit(identity: LogAudit.identity(of: operations))
  audit.take(operations, names: names)
  audit.finish(evidence.truth, names: names)
  let findings = Dictionary(grouping: audit.drain(), by: \.anomaly)
  let scope = LogScope(evidence, audit)
  return Anomaly.allCases.filter(LogChecks.anomalies.contains).map { row in
    let found = scope.trusted(findings[row.rawValue] ?? [], of: row, evidence)
    if found.isEmpty, let reason = scope.notApplicable(row) { return .notApplicable(row, reason) }
    return RowExamination(row, in: scope.examined(row), findings: found, missing: scope.missing(row))
  }
}

/// What a history and its dumps can show of logs.
private struct LogScope {
  private let counts: LogCounts
  private let untold: [EventID]
  private let refused: Int
  private let hasTransactions: Bool
  private let hasAssignments: Bool
  private let hasCommits: Bool
  private let hasKeyHashes: Bool
  private let hasLogStarts: Bool
  private let hasLogs: Bool
  private let isReadByPosition: Bool
  /// Events of the old reign may stand behind newer ones of their key in a store's log, by the contract.
  private let reignsMayOverlap: Bool

  init(_ evidence: Evidence, _ audit: LogAudit) {
    let operations = evidence.history.operations
    counts = audit.counts
    untold = audit.untold
    refused = audit.refused
    hasTransactions = operations.contains { $0.transaction != nil }
    hasAssignments = operations.contains { $0.kind == .assign || $0.kind == .subscribe }
    hasCommits = operations.contains { $0.committed != nil }
    hasKeyHashes =
      operations.contains { $0.keyHash != nil } || evidence.truth.records?.contains { $0.keyHash != nil } ?? false
    hasLogStarts = evidence.truth.logBounds?.isEmpty == false
    isReadByPosition = audit.isReadByPosition
    reignsMayOverlap = !audit.isReadByPosition && evidence.contract.permits.contains(.lateEventsBehindNewReign)
    hasLogs = operations.contains(where: \.isAboutLogs)
  }

  /// The findings that hold whatever else was written.
  func trusted(_ findings: [Finding], of row: Anomaly, _ evidence: Evidence) -> [Finding] {
    guard !findings.isEmpty else { return [] }
    if row == .keyOrderInversion && reignsMayOverlap || absenceProofs(evidence).contains(row) { return [] }
    if row == .duplicateAppend {
      let carried = carriedAgain(evidence)
      return findings.filter { $0.events.isEmpty || !carried.isSuperset(of: $0.events) }
    }
    guard row == .abortedRead else { return findings }
    // What one store refused may have been written to another, and have come back through the mirror.
    let written = Set(
      evidence.history.operations.lazy.filter { operation in
        guard operation.isWrite else { return false }
        if case .fail = operation.outcome { return false }
        return true
      }.map(\.event))
    return findings.filter { !written.isSuperset(of: $0.events) }
  }

  /// Events that stand more than once only where a mirror brought them, in one of its partitions: no-duplicates tells those stretch by
  /// stretch, and holds them against what a mirror may carry again. A store of one log is held so only where its mirrors may at all.
  private func carriedAgain(_ evidence: Evidence) -> Set<EventID> {
    struct Place: Hashable {
      var isOwn: Bool
      var log: String
    }
    var carried: Set<EventID> = []
    var others: Set<EventID> = []
    func take(_ places: [EventID: [Place]]) {
      for (event, places) in places where places.count > 1 {
        let isCarried = Set(places).count == 1 && !places[0].isOwn
        if isCarried { carried.insert(event) } else { others.insert(event) }
      }
    }
    for (store, rows) in evidence.truth.logs {
      take(
        Dictionary(grouping: rows, by: \.event).mapValues { rows in
          rows.map { row in
            let isOwn = row.origin == store || row.partition == nil && evidence.redelivery == nil
            return Place(isOwn: isOwn, log: "\(row.origin) \(row.partition ?? "")")
          }
        })
    }
    let undumped = (evidence.truth.records ?? []).filter { evidence.truth.logs[$0.store] == nil && $0.event != nil }
    for (store, rows) in Dictionary(grouping: undumped, by: \.store) {
      let sources = Set(evidence.roles.mirrors.filter { $0.to == store }.map(\.from))
      take(
        Dictionary(grouping: rows) { $0.event ?? .none }.mapValues { rows in
          rows.map { row in
            let source = MirrorNaming().source(of: PartitionNames.topic(of: row.partition))
            return Place(isOwn: !(source.map(sources.contains) ?? false), log: row.partition)
          }
        })
    }
    return carried.subtracting(others)
  }

  /// The rows that conclude from what is not in the history, where that is not whole.
  private func absenceProofs(_ evidence: Evidence) -> Set<Anomaly> {
    let unread: Set<Anomaly> = [
      .lostWrite, .abortedRead, .intermediateRead, .tornTransaction, .unknownValue, .vacuousRun,
    ]
    if evidence.history.dropped > 0 {
      return unread.union([
        .writeCycle, .informationCycle, .precommittedRead, .nonmonotonicPoll, .pollSkip, .sendSkip, .committedTooFar,
        .committedRegress, .unassignedConsumption, .retentionLoss,
      ])
    }
    return evidence.history.isComplete ? [] : unread
  }

  func notApplicable(_ row: Anomaly) -> String? {
    if row == .vacuousRun { return nil }
    guard hasLogs else { return "the history is about no log" }
    if row == .keyOrderInversion, reignsMayOverlap {
      return "the contract permits late events behind the new reign; order-per-aggregate judges reign by reign"
    }
    if LogAudit.readOrder.contains(row), !isReadByPosition {
      return
        "readers go by the order of commits, which positions do not show; consumer-progress judges them by identity"
    }
    switch row {
    case .intermediateRead, .tornTransaction, .writeCycle, .informationCycle, .precommittedRead, .sendSkip:
      return hasTransactions ? nil : "there are no transactions"
    case .misroutedKey: return hasKeyHashes ? nil : "the hashes by which keys are placed are not recorded"
    case .unassignedConsumption: return hasAssignments ? nil : "consumers are not assigned their partitions"
    case .committedTooFar, .committedRegress: return hasCommits ? nil : "no group's committed positions are recorded"
    case .retentionLoss: return hasLogStarts ? nil : "where the logs began was not sampled"
    default: return nil
    }
  }

  func examined(_ row: Anomaly) -> Count {
    switch row {
    case .lostWrite, .tailLoss, .offsetRegression, .nonmonotonicSend, .retentionLoss, .sendSkip:
      Count("acknowledged writes", counts.acknowledged)
    case .internalNonmonotonicPoll, .nonmonotonicPoll, .pollSkip, .unassignedConsumption, .committedTooFar,
      .committedRegress, .precommittedRead, .intermediateRead:
      Count("records read", counts.polled)
    case .vacuousRun: Count("operations and rows", counts.acknowledged + counts.polled + counts.dumped)
    default: Count("records acknowledged, read or dumped", counts.acknowledged + counts.polled + counts.dumped)
    }
  }

  func missing(_ row: Anomaly) -> [String] {
    var missing = refused == 0 ? [] : ["\(counted(refused, "operation")) about more logs than can be told apart"]
    if row == .tailLoss, let first = untold.first {
      missing.append(
        "the dump of a log: \(counted(untold.count, "acknowledged record")) (\(first) first) nobody read by the end, lost or late"
      )
    }
    return missing
  }
}
