/// What a producer asks before it goes on in another store.
extension EventStore {
  /// The highest sequence that this store holds of each aggregate; those without events are absent.
  ///
  /// - Throws: ``PostgresError``.
  public func latestSequences(of aggregates: [UInt32]) async throws(PostgresError) -> [UInt32: UInt64] {
    let list = "{\(aggregates.map(String.init).joined(separator: ","))}"
    let rows = try await connection.query(
      """
      select aggregate_id, max(aggregate_sequence) from es.events where aggregate_id = any($1::bigint[]) group by 1
      """, [list], within: limit)
    var latest: [UInt32: UInt64] = [:]
    for pair in try convert(rows, "an aggregate's end", { (row) throws(PostgresError) in
      (aggregate: try row.small(), sequence: try row.unsigned())
    }) {
      latest[pair.aggregate] = pair.sequence
    }
    return latest
  }
}
