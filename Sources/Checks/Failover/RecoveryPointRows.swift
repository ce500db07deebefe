public import Events

/// What one part of the stream lost at the moment of the promotion, for a while or for ever.
public struct LanePoint: Sendable, Hashable, Codable {
  /// The part.
  public var lane: FailoverRecord.Lane
  /// Records acknowledged by the old reign before the promotion.
  public var acknowledged: Int
  /// Those of them that the new site did not have at the barrier, oldest acknowledgement first.
  public var missing: [EventID]
  /// From the oldest of their acknowledgements to the last acknowledgement in this part: everything acknowledged earlier was
  /// there. Nanoseconds.
  public var age: Int64
}

extension FailoverRecord {
  /// The RPO of each part of the stream, in order.
  var points: [LanePoint] {
    let atBarrier = Set(newLog.filter { $0.position <= barrier[$0.partition] ?? -1 }.map(\.event))
    var met: Set<EventID> = []
    let acknowledged = oldAcknowledgements.filter { $0.ended <= promoted && met.insert($0.event).inserted }
    return Dictionary(grouping: acknowledged, by: \.lane).sorted { $0.key < $1.key }.map { lane, writes in
      let inOrder = writes.sorted { ($0.ended, $0.event) < ($1.ended, $1.event) }
      let missing = inOrder.filter { !atBarrier.contains($0.event) }
      let last = inOrder.last?.ended ?? 0
      return LanePoint(
        lane: lane, acknowledged: inOrder.count, missing: missing.map(\.event),
        age: missing.first.map { last - $0.ended } ?? 0)
    }
  }
}

/// D1, the recovery point as a number: records that the old reign acknowledged before the promotion and that the new site's log
/// did not have at the barrier, its end before the first new write. More than the objective allows is a violation.
enum RecoveryPointCount: FailoverRow {
  static let anomaly = Anomaly.recoveryPointMissed

  static func examine(_ record: FailoverRecord) -> RowExamination {
    let points = record.points
    let missing = points.flatMap(\.missing)
    let examined = Count("writes acknowledged before the promotion", points.map(\.acknowledged).reduce(0, +))
    guard let limit = record.limits.missing, missing.count > limit else { return RowExamination(anomaly, in: examined) }
    let worst = points.max { $0.missing.count < $1.missing.count }
    return RowExamination(
      anomaly, in: examined,
      findings: [
        Finding(
          anomaly,
          "\(counted(missing.count, "acknowledged record")) missing in \(record.newSite) when it was promoted"
            + (worst.map { ", most of them (\($0.missing.count)) in \($0.lane)" } ?? "")
            + "; the objective is \(grouped(limit))",
          events: missing, store: record.newSite, times: [record.promoted])
      ])
  }
}

/// D2, the recovery point as a time: from the last moment up to which everything acknowledged was in the new site's log at the
/// barrier, to the last acknowledgement of the old reign before the promotion. Longer than the objective is a violation.
enum RecoveryPointAge: FailoverRow {
  static let anomaly = Anomaly.recoveryPointAge

  static func examine(_ record: FailoverRecord) -> RowExamination {
    let points = record.points
    let examined = Count("writes acknowledged before the promotion", points.map(\.acknowledged).reduce(0, +))
    guard let limit = record.limits.recoveryPoint else { return RowExamination(anomaly, in: examined) }
    return RowExamination(
      anomaly, in: examined,
      findings: points.filter { $0.age > limit }.map { point in
        Finding(
          anomaly,
          "RPO of \(brief(point.age)) in \(point.lane): \(point.missing[0]) was acknowledged that long before the last "
            + "write, and \(record.newSite) did not have it when it was promoted; the objective is \(brief(limit))",
          events: point.missing, store: record.newSite, times: [record.promoted])
      })
  }
}
