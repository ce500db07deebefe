internal import Events

extension FenceEntry {
  /// Whether it says where each part of `log` ended when it was set. The fence of another server, which seals write authority beside
  /// a log of partitions, does not.
  func tellsBarriers(of log: [LogRow]) -> Bool { partitionBarriers != nil || log.allSatisfy { $0.partition == nil } }
}

/// The states of one store's fence, held against the rows that the store took itself.
///
/// In each partition of a log the rows have an order, and each state of the fence a place in it. Between partitions there is no
/// order, but of any two states the earlier one came first in all of them.
extension [FenceEntry] {
  /// How many of these states had been set when the store took `row`.
  func set(before row: LogRow) -> Int { prefix { $0.originBarrier(in: row.partition) < row.originSequence }.count }

  /// Whether the states stand in the order in which they were set, as far as `partition` tells.
  func rise(in partition: String?) -> Bool {
    zip(self, dropFirst()).allSatisfy { $0.originBarrier(in: partition) <= $1.originBarrier(in: partition) }
  }

  /// The rows in an order in which the store may have taken them: behind and before the same states of the fence, partition by
  /// partition.
  func inOrder(_ rows: [LogRow]) -> [(row: LogRow, states: Int)] {
    rows.map { (row: $0, states: set(before: $0)) }.sorted {
      ($0.states, $0.row.partition ?? "", $0.row.originSequence)
        < ($1.states, $1.row.partition ?? "", $1.row.originSequence)
    }
  }
}
