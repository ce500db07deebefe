internal import Events

/// The ground truth of a store, for the end of a drill.
extension EventStore {
  /// Reads the whole log in the store's reading order, page by page in one snapshot.
  ///
  /// - Parameters:
  ///   - page: rows a page.
  ///   - limit: deadline of each page.
  /// - Throws: what `body` throws, or ``PostgresError``; the log is then incomplete.
  public func dumpLog(
    page: Int = 5000, within limit: Duration = .seconds(10), _ body: ([StoredEvent]) async throws -> Void
  ) async throws {
    try await inSnapshot(limit) {
      var cursor = StoreCursor.start
      while true {
        let rows = try await connection.query(
          "\(Self.logColumns) \(Self.logOrder)", ["\(cursor.transaction)", "\(cursor.position)", "\(page)"],
          within: limit)
        let events = try convert(rows, "a row of the log") { (row) throws(PostgresError) in try row.stored() }
        guard let last = events.last else { return }
        try await body(events)
        cursor = last.cursor
      }
    }
  }

  /// Reads what each group's projection says it applied, page by page in one snapshot; see ``dumpLog(page:within:_:)``.
  public func dumpApplied(
    page: Int = 5000, within limit: Duration = .seconds(10), _ body: ([AppliedRecord]) async throws -> Void
  ) async throws {
    try await inSnapshot(limit) {
      var last: AppliedRecord?
      while true {
        let rows = try await connection.query(
          """
          select grp, producer, sequence, ordinal, times, deliveries from es.applied
          where (grp, producer, sequence) > ($1, $2::bigint, $3::bigint) order by grp, producer, sequence limit $4
          """,
          [
            last?.group ?? "", "\(last.map { Int64($0.id.producer) } ?? -1)",
            "\(last.map { Int64(bitPattern: $0.id.sequence) } ?? -1)", "\(page)",
          ], within: limit)
        let records = try convert(rows, "an applied event") { (row) throws(PostgresError) in
          AppliedRecord(
            group: try row.text(), id: try row.event(), ordinal: try row.integer(), times: Int(try row.integer()),
            deliveries: Int(try row.integer()))
        }
        guard !records.isEmpty else { return }
        try await body(records)
        last = records.last
      }
    }
  }

  /// Reads every change of the fence, oldest first.
  public func dumpFenceLog() async throws(PostgresError) -> [FenceChange] {
    let rows = try await connection.query(
      """
      select id, token, mode, holder, barrier_arrival, barrier_origin_sequence, \(microseconds("at")) from es.fence_log
      order by id
      """, within: limit)
    return try convert(rows, "a change of the fence") { (row) throws(PostgresError) in
      FenceChange(
        id: try row.integer(), token: try row.integer(), mode: try row.mode(), holder: try row.text(),
        barrierPosition: try row.integer(), barrierOriginSequence: try row.integer(), at: try row.time())
    }
  }

  /// Reads how far each group has come.
  public func dumpProgress() async throws(PostgresError) -> [ProgressRecord] {
    let rows = try await connection.query(
      "select grp, cursor_xid, cursor_arrival, ordinal from es.progress order by grp", within: limit)
    return try convert(rows, "a group's progress") { (row) throws(PostgresError) in
      ProgressRecord(group: try row.text(), cursor: try row.cursor(), ordinal: try row.integer())
    }
  }

  func inSnapshot(_ limit: Duration, _ body: () async throws -> Void) async throws {
    try await connection.query("begin isolation level repeatable read read only", within: limit)
    do {
      // The caller may take its time with a page.
      try await connection.query("set local idle_in_transaction_session_timeout = 0", within: limit)
      try await body()
    } catch {
      // The transaction reads only: closing the connection ends it as well as a rollback, and cannot fail.
      await connection.close()
      throw error
    }
    try await connection.query("commit", within: limit)
  }
}
