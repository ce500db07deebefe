internal import Events

/// Whether the times of the evidence can be reckoned with at all.
///
/// Evidence is read from files, and files can say anything. A time outside the range of any monotonic clock, or an operation
/// that ended before it began, means that the evidence is not what it claims to be: nothing may be concluded from it.
enum TimeAudit {
  /// Half of the range of 64 bits, so that no difference of two times can overflow; 73 years of uptime.
  private static let range: ClosedRange<Int64> = 0...(Int64.max / 4)

  /// The first thing that makes no sense; `nil` when all does.
  static func complaint(_ evidence: Evidence) -> String? {
    for op in evidence.history.operations {
      guard range.contains(op.invoked), op.completed.map(range.contains) ?? true else {
        return "times that a clock can show: an operation on \(op.event) has one out of range"
      }
      if let completed = op.completed, completed < op.invoked {
        return "a clock that runs forwards: an operation on \(op.event) ended before it began"
      }
    }
    for (name, time) in times(evidence) where !range.contains(time) {
      return "times that a clock can show: \(name) is out of range"
    }
    return nil
  }

  /// Why the times that the nodes' own clocks gave cannot be reckoned with, row by row: only rows whose evidence holds such
  /// times are named. All other times are the recorder's.
  static func clockDoubts(_ evidence: Evidence) -> [Anomaly: [String]] {
    let names = evidence.history.names
    var doubts: [Anomaly: Set<String>] = [:]
    for operation in evidence.history.operations {
      let isLease = operation.leaseEnd != nil
      guard isLease || operation.wall != nil, let doubt = doubt(operation, names, evidence.clocks) else { continue }
      if isLease {
        doubts[.leaseOverlap, default: []].insert(doubt)
        doubts[.electionLate, default: []].insert(doubt)
      }
      if operation.wall != nil { doubts[.holderPastLease, default: []].insert(doubt) }
    }
    return doubts.mapValues { $0.sorted() }
  }

  /// Why the times that an operation's node gave cannot be compared with others; `nil` when they can.
  static func doubt(_ operation: Operation, _ names: NameTable, _ clocks: NodeClocks?) -> String? {
    let node = names.name(of: operation.region) ?? "node \(operation.region.rawValue)"
    if let clocks { return clocks.doubt(about: node) }
    // Whoever wrote the record down may know: an operation can bear its own uncertainty.
    return operation.wallUncertainty == nil
      ? "how far the clock of \(node) was from the recorder's: nobody looked at it" : nil
  }

  /// What must be said beside a pass of `item`, because it judges times and a node's clock was wrong or is not known.
  static func clockNotes(_ item: ChecklistItem, _ clocks: NodeClocks?) -> [String] {
    guard let clocks, [.mirrorLagZero, .noAcknowledgedLoss, .electionWithinTTL].contains(item) else { return [] }
    return clocks.nodes.keys.sorted().compactMap { name in
      switch clocks.standing(of: name) {
      case .within: nil
      case .beyond(let how): "the clock of \(name) was wrong (\(how)); the times judged here are the recorder's own"
      case .unknown(let why): "the clock of \(name) is not known (\(why)); the times judged here are the recorder's own"
      }
    }
  }

  private static func times(_ evidence: Evidence) -> [(String, Int64)] {
    let goals = evidence.objectives
    let limits = [
      goals.leaseTTL, goals.electionMargin, goals.coordinatorElection, goals.mirrorCatchUp, goals.freshness,
      goals.recoveryPoint ?? 0,
    ]
    let marks = evidence.milestones
    let milestones = [
      marks.baselineStart, marks.baselineEnd, marks.faultInForce, marks.leaderLost, marks.survivorsNoticed,
      marks.tokenGranted, marks.newStoreSealed, marks.oldStoreDemoted, marks.healed, marks.firstAcknowledgedWrite,
      marks.quiescent,
    ]
    // A limit is added to others, so it gets a smaller share of the range.
    return limits.map { ("an objective", $0 > range.upperBound / 16 ? -1 : $0) }
      + milestones.compactMap { $0 }.map { ("a milestone", $0) }
      + evidence.faults.flatMap { fault in
        [fault.armed, fault.provenSince, fault.disarmed, fault.verifiedGone].compactMap { $0 }.map {
          ("a moment of fault '\(fault.id)'", $0)
        }
      } + (evidence.snapshots ?? []).map { ("a snapshot", $0.time) }
      + (evidence.truth.grants ?? []).map { ("the grant of token \($0.token)", $0.observed) }
      + evidence.truth.fences.values.joined().compactMap { entry in
        entry.observed.map { ("a fence of \(entry.store)", $0) }
      }
  }
}
