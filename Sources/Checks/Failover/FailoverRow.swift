/// One row of the taxonomy of failovers: a function of the record of one failover.
protocol FailoverRow {
  /// The row.
  static var anomaly: Anomaly { get }
  /// Looks for it.
  static func examine(_ record: FailoverRecord) -> RowExamination
}

/// Looks for every anomaly of a failover (taxonomy D1 to D11) in the record of one.
public func examineFailover(_ record: FailoverRecord) -> [RowExamination] {
  let rows: [any FailoverRow.Type] = [
    RecoveryPointCount.self, RecoveryPointAge.self, RecoveryTime.self, DualWriters.self, DivergentSuffix.self,
    FailbackDuplicates.self, ReplayedEffects.self, CrossFailoverOrder.self, StoreFork.self, NonConvergence.self,
  ]
  return rows.map { $0.examine(record) }
}
