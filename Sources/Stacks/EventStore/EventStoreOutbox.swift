public import Events

/// A row of the outbox as the event it belongs to tells it, whether or not the row is still there.
public struct OutboxEntry: Sendable, Hashable {
  /// The row's id.
  public var id: String
  /// The event.
  public var event: EventID
  /// The region whose store took it first.
  public var origin: String
  /// Its number there.
  public var originSequence: Int64
  /// Its aggregate.
  public var aggregate: UInt32
  /// Its place in the aggregate.
  public var aggregateSequence: UInt64
  /// The token it was written with.
  public var token: Int64
  /// Of the payload, as the producer reckoned it.
  public var checksum: UInt64
  /// What is carried.
  public var payload: String
  /// Whether the table has the row.
  public var isKept: Bool

  /// An entry from its parts.
  public init(
    id: String, event: EventID, origin: String, originSequence: Int64, aggregate: UInt32, aggregateSequence: UInt64,
    token: Int64, checksum: UInt64, payload: String, isKept: Bool
  ) {
    self.id = id
    self.event = event
    self.origin = origin
    self.originSequence = originSequence
    self.aggregate = aggregate
    self.aggregateSequence = aggregateSequence
    self.token = token
    self.checksum = checksum
    self.payload = payload
    self.isKept = isKept
  }
}

/// The outbox of a store, as ``administrator``.
extension EventStore {
  /// Gives the store an outbox; before its mirrors begin, so that nothing is appended without a row.
  ///
  /// - Parameters:
  ///   - origins: every region that has a store.
  ///   - keepsRows: whether rows stay once they are written.
  /// - Throws: ``PostgresError``; the store has no outbox then.
  public func provisionOutbox(origins: [String], keepsRows: Bool) async throws(PostgresError) {
    try await connection.execute(
      script: EventStoreSchema.outbox(origins: origins, keepsRows: keepsRows), within: .seconds(5))
  }

  /// Makes the replication slot of change data capture: from here on the server keeps what the slot has not confirmed.
  public func makeOutboxSlot() async throws(PostgresError) {
    try await connection.query(
      "select pg_create_logical_replication_slot($1, 'pgoutput')", [OutboxCapture.slot], within: .seconds(10))
  }

  /// Whether somebody reads from the slot of the outbox; `nil`: this server does not have it.
  public func outboxSlotIsActive() async throws(PostgresError) -> Bool? {
    let rows = try await connection.query(
      "select active from pg_replication_slots where slot_name = $1", [OutboxCapture.slot], within: limit)
    guard let columns = rows.first else { return nil }
    var row = Row(columns, "a slot")
    return try row.bool()
  }

  /// Drops the slot of the outbox, which nobody may be reading; what it held back is let go of.
  public func dropOutboxSlot() async throws(PostgresError) {
    try await connection.query(
      "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = $1",
      [OutboxCapture.slot], within: limit)
  }

  /// Writes a row that belongs to no event, for a topic of its own: when it comes out there, all rows that were committed before
  /// it have been carried.
  ///
  /// - Returns: its id.
  public func writeOutboxBarrier() async throws(PostgresError) -> String {
    let rows = try await connection.query(
      """
      insert into es.outbox select gen_random_uuid(), 'barrier', '0', 'barrier', '', region, 0, '', 0, 0 from es.fence
      returning id
      """, within: limit)
    var row = try only(rows, "a barrier")
    return try row.text()
  }

  /// Reads the outbox by the events that belong to it, in the store's reading order, page by page in one snapshot.
  ///
  /// - Throws: what `body` throws, or ``PostgresError``; what was read is incomplete then.
  public func dumpOutbox(
    page: Int = 2000, within limit: Duration = .seconds(10), _ body: ([OutboxEntry]) async throws -> Void
  ) async throws {
    try await inSnapshot(limit) {
      var cursor = StoreCursor.start
      while true {
        let rows = try await connection.query(
          """
          select e.local_xid, e.arrival, es.outbox_row(e.origin, e.origin_sequence), e.producer, e.sequence, e.origin,
            e.origin_sequence, e.aggregate_id, e.aggregate_sequence, e.fence_token, e.checksum, e.payload,
            o.id is not null
          from es.events e left join es.outbox o on o.id = es.outbox_row(e.origin, e.origin_sequence)
          where (e.local_xid, e.arrival) > ($1::xid8, $2::bigint) order by e.local_xid, e.arrival limit $3
          """, ["\(cursor.transaction)", "\(cursor.position)", "\(page)"], within: limit)
        var last: StoreCursor?
        let entries = try convert(rows, "a row of the outbox") { (row) throws(PostgresError) in
          last = try row.cursor()
          return OutboxEntry(
            id: try row.text(), event: try row.event(), origin: try row.text(), originSequence: try row.integer(),
            aggregate: try row.small(), aggregateSequence: try row.unsigned(), token: try row.integer(),
            checksum: try row.unsigned(), payload: try row.text(), isKept: try row.bool())
        }
        guard let last else { return }
        try await body(entries)
        cursor = last
      }
    }
  }
}
