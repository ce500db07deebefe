/// What a producer asks before it goes on in another store.
extension EventStore {
  /// The highest sequence that this store holds of each aggregate; those without events are absent.
  ///
  /// - Throws: ``PostgresError``.
  public func latestSequences(of aggregates: [UInt32]) async throws(PostgresError) -> [UInt32: UInt64] {
    // One look at the end of each leaf's index an aggregate; grouping would read every row.
    let list = "{\(aggregates.map(String.init).joined(separator: ","))}"
    let rows = try await connection.query(
      """
      select a, m from unnest($1::bigint[]) a,
        lateral (select max(aggregate_sequence) m from es.events where aggregate_id = a) e
      where m is not null
      """, [list], within: limit)
    var latest: [UInt32: UInt64] = [:]
    for pair in try convert(
      rows, "an aggregate's end",
      { (row) throws(PostgresError) in
        (aggregate: try row.small(), sequence: try row.unsigned())
      })
    {
      latest[pair.aggregate] = pair.sequence
    }
    return latest
  }
}
