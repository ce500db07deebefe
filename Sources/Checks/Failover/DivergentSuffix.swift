public import Events

/// A record that only the old site had when the new one was promoted, and what became of it.
public struct DivergentRecord: Sendable, Hashable, Codable {
  /// The record.
  public var event: EventID
  /// What became of it. `nil`: nothing was decided.
  public var disposition: FailoverRecord.Disposition?
}

extension FailoverRecord {
  /// The records of the old reign that the new site did not have at the barrier: acknowledged ones, and those that the old site
  /// still has. Each with what became of it; one that has reached the new site since is reconciled.
  var divergent: [DivergentRecord] {
    var atBarrier: Set<EventID> = []
    var atEnd: Set<EventID> = []
    for row in newLog {
      atEnd.insert(row.event)
      if row.position <= barrier[row.partition] ?? -1 { atBarrier.insert(row.event) }
    }
    let acknowledged = oldAcknowledgements.filter { $0.site == oldSite }.map(\.event)
    let kept = oldLog.filter { $0.epoch < newEpoch }.map(\.event)
    return Set(acknowledged + kept).subtracting(atBarrier).sorted().map { event in
      DivergentRecord(event: event, disposition: atEnd.contains(event) ? .reconciled : dispositions?[event])
    }
  }
}

/// D5, the divergent suffix: what the old site took in and had not mirrored when the new one was promoted. Each such record must
/// have been reconciled, discarded with a report, or listed as a conflict by the end; one that is left over or that silently
/// disappeared is a violation.
enum DivergentSuffix: FailoverRow {
  static let anomaly = Anomaly.divergentSuffix

  static func examine(_ record: FailoverRecord) -> RowExamination {
    let divergent = record.divergent
    let kept = Set(record.oldLog.map(\.event))
    return RowExamination(
      anomaly, in: Count("records of the old reign", record.oldLog.filter { $0.epoch < record.newEpoch }.count),
      findings: divergent.filter { $0.disposition == nil }.map { left in
        Finding(
          anomaly,
          kept.contains(left.event)
            ? "\(left.event) stands in \(record.oldSite)'s log only, and nothing was decided about it"
            : "\(left.event) was acknowledged by \(record.oldSite) and disappeared without a report",
          events: [left.event], store: record.oldSite)
      })
  }
}
