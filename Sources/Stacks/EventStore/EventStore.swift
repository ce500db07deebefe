internal import Events
internal import Support

/// A region's event store, seen through one connection.
///
/// Writing and reading as `bs_app`, steering the fence as `bs_control`, set-up and planted faults as `postgres`. The
/// connection must be open; after a timeout it has to be opened again, which ``reconnect()`` does.
public struct EventStore: Sendable {
  /// Name of the database.
  public static let database = "blackstart"
  /// The role that may do everything: for the lab and the drill.
  public static let administrator = "postgres"
  /// The role of producers and consumers.
  public static let applicationRole = "bs_app"
  /// The role of the control plane.
  public static let controlRole = "bs_control"
  /// The role under which a mirror reads.
  public static let mirrorRole = "bs_mirror"

  /// The connection.
  public let connection: PostgresConnection
  /// Deadline of every call that says nothing else.
  public let limit: Duration

  /// The store behind `connection`.
  public init(_ connection: PostgresConnection, limit: Duration = .seconds(1)) {
    self.connection = connection
    self.limit = limit
  }

  /// Opens the connection if it is closed.
  ///
  /// - Parameter time: how long that may take, by default ``limit``. It costs five round trips (TCP, start-up, three of
  ///   SCRAM), which counts over a wide-area path.
  public func reconnect(within time: Duration? = nil) async throws(PostgresError) {
    if await !connection.isOpen { try await connection.open(within: time ?? limit) }
  }

  /// Appends one event under a fencing token.
  ///
  /// - Throws: ``PostgresError``; see ``FenceRefusal`` for the fence's word, ``PostgresError/isUnknownOutcome`` for
  ///   whether the event may stand in the log all the same.
  public func append(_ event: NewEvent, token: Int64) async throws(PostgresError) -> Acknowledgement {
    let rows = try await connection.query(
      "select * from es.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
      [
        "\(event.id.producer)", "\(Int64(bitPattern: event.id.sequence))", event.idempotencyKey, "\(event.aggregate)",
        "\(Int64(bitPattern: event.aggregateSequence))", event.causation, event.correlation, "\(event.version)",
        "\(event.producedAt / 1000)", "\(event.businessAt / 1000)", "\(event.schema)", "\(token)", event.payload,
        "\(Int64(bitPattern: event.checksum))",
      ], within: limit)
    var row = try only(rows, "an acknowledgement")
    return Acknowledgement(
      origin: try row.text(), originSequence: try row.integer(), position: try row.integer(),
      duplicate: try row.bool())
  }

  /// Takes one step of a consumer group: reads on, applies each event once, moves the progress, all in one transaction.
  ///
  /// - Parameters:
  ///   - count: the most new rows.
  ///   - reread: so many rows before the progress are delivered again first, as after a consumer's reconnect.
  public func applyBatch(
    group: String, limit count: Int = 500, reread: Int = 0
  ) async throws(PostgresError) -> AppliedBatch {
    let rows = try await connection.query(
      "select * from es.apply_batch($1, $2, $3)", [group, "\(count)", "\(reread)"], within: limit)
    return AppliedBatch(
      deliveries: try convert(rows, "a delivery") { (row) throws(PostgresError) in
        let id = try row.event()
        let ordinal = try row.integer()
        return Delivery(
          id: id, ordinal: ordinal, position: try row.integer(), aggregate: try row.small(),
          aggregateSequence: try row.unsigned(), applied: try row.bool(), redelivered: ordinal <= (try row.integer()))
      })
  }

  /// Reads the log on from `cursor`, in an order in which no row can appear behind a reader.
  ///
  /// - Returns: at most `count` rows; fewer mean that there are no more yet.
  public func tail(after cursor: StoreCursor, limit count: Int = 1000) async throws(PostgresError) -> [StoredEvent] {
    let rows = try await connection.query(
      "\(Self.logColumns) and local_xid < pg_snapshot_xmin(pg_current_snapshot()) \(Self.logOrder)",
      ["\(cursor.transaction)", "\(cursor.position)", "\(count)"], within: limit)
    return try convert(rows, "a row of the log") { (row) throws(PostgresError) in try row.stored() }
  }

  /// Reads the fence.
  public func fence() async throws(PostgresError) -> FenceState {
    try await fence("es.fence f", [])
  }

  /// Opens this store for a reign. Waits for the writes of the reign before, and refuses all that come later.
  ///
  /// - Parameter validUntilWall: when the reign ends by itself unless it is extended, nanoseconds since 1970 by the wall
  ///   clock; `nil` for never.
  /// - Throws: ``FenceRefusal/otherToken`` when `token` is not higher than every token seen (or its own reign ended).
  @discardableResult
  public func seal(
    token: Int64, holder: String, validUntilWall: Int64? = nil
  ) async throws(PostgresError) -> FenceState {
    try await fence(
      "es.seal($1, $2, \(timestamp(parameter: 3))) f", ["\(token)", holder, validUntilWall.map { "\($0 / 1000)" }])
  }

  /// Moves the end of a reign further away, never nearer.
  ///
  /// - Throws: ``FenceRefusal/otherToken`` when `token` has no reign here.
  @discardableResult
  public func extend(token: Int64, validUntilWall: Int64) async throws(PostgresError) -> FenceState {
    try await fence("es.extend($1, \(timestamp(parameter: 2))) f", ["\(token)", "\(validUntilWall / 1000)"])
  }

  /// Ends the reign of `token`: waits for its writes under way, then the store is read-only. A higher token's reign is
  /// left alone; look at what is returned.
  @discardableResult
  public func demote(token: Int64, holder: String) async throws(PostgresError) -> FenceState {
    try await fence("es.demote($1, $2) f", ["\(token)", holder])
  }

  /// Takes note of a reign elsewhere: lower tokens are refused from now on and the store is read-only. A token that is
  /// not higher than every token seen changes nothing.
  @discardableResult
  public func adopt(token: Int64, holder: String) async throws(PostgresError) -> FenceState {
    try await fence("es.adopt($1, $2) f", ["\(token)", holder])
  }

  private func fence(_ source: String, _ parameters: [String?]) async throws(PostgresError) -> FenceState {
    let rows = try await connection.query(
      "select f.region, f.token, f.mode, f.holder, \(microseconds("f.valid_until")) from \(source)", parameters,
      within: limit)
    var row = try only(rows, "the fence")
    return try row.fence()
  }

  static let logColumns = """
    select local_xid, arrival, producer, sequence, origin, origin_sequence, aggregate_id, aggregate_sequence, fence_token,
      checksum, \(microseconds("arrived_at"))
    from es.events where (local_xid, arrival) > ($1::xid8, $2::bigint)
    """
  static let logOrder = "order by local_xid, arrival limit $3"

  func only(_ rows: [[String?]], _ what: String) throws(PostgresError) -> Row {
    guard rows.count == 1 else { throw .malformed("\(rows.count) rows for \(what)") }
    return Row(rows[0], what)
  }

  func convert<T>(
    _ rows: [[String?]], _ what: String, _ body: (inout Row) throws(PostgresError) -> T
  ) throws(PostgresError) -> [T] {
    var values: [T] = []
    values.reserveCapacity(rows.count)
    for columns in rows {
      var row = Row(columns, what)
      values.append(try body(&row))
    }
    return values
  }
}
