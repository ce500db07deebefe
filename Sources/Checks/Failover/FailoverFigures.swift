/// The figures of a failover beside its rows: per part of the stream, with the records behind each number.
public struct FailoverFigures: Sendable, Hashable, Codable {
  /// The RPO of each part.
  public var points: [LanePoint]
  /// The RTO of each part for which service had to come back before the heal.
  public var times: [LaneTime]
  /// From the loss to the start of the first window of good service on all parts at once. `nil`: there was none. Nanoseconds.
  public var recovery: Int64?
  /// The time in which both reigns had writes acknowledged. `nil`: there was none.
  public var dualWriters: DualWriterWindow?
  /// The records that only the old site had at the promotion, and what became of each; the first ``limit`` of them.
  public var divergent: [DivergentRecord]
  /// How many of those there were.
  public var divergentTotal: Int
  /// What each group was given again.
  public var replays: [GroupReplay]

  /// The most records that are listed one by one.
  public static let limit = 1000

  init(_ record: FailoverRecord) {
    points = record.points.map { point in
      var point = point
      point.missing = Array(point.missing.prefix(Self.limit))
      return point
    }
    times = record.laneTimes
    recovery = record.recovery(of: record.lanesInUse)
    dualWriters = record.dualWriterWindow
    let all = record.divergent
    divergent = Array(all.prefix(Self.limit))
    divergentTotal = all.count
    replays = record.groupReplays
  }
}
