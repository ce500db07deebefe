/// D11, no convergence: when all is said to be over, the state must stand still. Two snapshots further apart than the longest
/// interval at which any part refreshes itself must be equal; whatever differs between the last two such is still changing.
enum NonConvergence: FailoverRow {
  static let anomaly = Anomaly.nonConvergence

  static func examine(_ record: FailoverRecord) -> RowExamination {
    examine(record.snapshots, refreshInterval: record.limits.refreshInterval)
  }

  /// Looks at the states by themselves: this row needs no failover.
  static func examine(_ snapshots: [StateSnapshot]?, refreshInterval: Int64) -> RowExamination {
    guard let snapshots else {
      return .notApplicable(anomaly, "the state was not looked at twice after the heal")
    }
    guard let last = snapshots.last,
      let before = snapshots.last(where: { last.time - $0.time > refreshInterval })
    else {
      return .inconclusive(
        anomaly,
        missing: ["two snapshots of the state more than \(brief(refreshInterval)) apart"])
    }
    let parts = Set(before.values.keys).union(last.values.keys).sorted()
    return RowExamination(
      anomaly, in: Count("parts of the state", parts.count),
      findings: parts.filter { before.values[$0] != last.values[$0] }.map { part in
        Finding(
          anomaly,
          "\(part) was still changing \(brief(last.time - before.time)) later: \(before.values[part] ?? "absent"), then "
            + "\(last.values[part] ?? "absent")", times: [before.time, last.time])
      })
  }
}
