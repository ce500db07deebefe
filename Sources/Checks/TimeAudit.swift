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
