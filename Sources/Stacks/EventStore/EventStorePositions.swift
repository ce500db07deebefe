public import Events

/// Where a consumer group has come to in one store, by event, so that it means the same in any other store.
public struct GroupPosition: Sendable, Hashable, Codable {
  /// The group.
  public var group: String
  /// How many events of the store it has read.
  public var ordinal: Int64
  /// The last event it has read; `nil` before the first.
  public var last: EventID?
  /// The events that it has applied, as ranges of sequences by producer.
  public var applied: [UInt32: [ClosedRange<UInt64>]]

  /// A position from its parts.
  public init(group: String, ordinal: Int64, last: EventID?, applied: [UInt32: [ClosedRange<UInt64>]]) {
    self.group = group
    self.ordinal = ordinal
    self.last = last
    self.applied = applied
  }

  /// Whether the group has applied `event`.
  public func hasApplied(_ event: EventID) -> Bool {
    guard let ranges = applied[event.producer] else { return false }
    // Ranges rise; the first that does not end before it is the only one that can hold it.
    var (low, high) = (0, ranges.count)
    while low < high {
      let middle = (low + high) / 2
      if ranges[middle].upperBound < event.sequence { low = middle + 1 } else { high = middle }
    }
    return low < ranges.count && ranges[low].contains(event.sequence)
  }

  /// How many events the group has applied.
  public var count: UInt64 { applied.values.joined().reduce(0) { $0 + ($1.upperBound - $1.lowerBound + 1) } }
}

/// What an import of a position came to.
public struct ImportedPosition: Sendable, Hashable {
  /// How many events of this store the group now counts as read.
  public var ordinal: Int64
  /// The last of them.
  public var last: EventID?
  /// Events that the group had applied and that come again here, behind one that it had not.
  public var again: Int64

  /// What an import came to, from its parts.
  public init(ordinal: Int64, last: EventID?, again: Int64) {
    self.ordinal = ordinal
    self.last = last
    self.again = again
  }
}

/// One part of a store's log, for comparing stores.
public struct LogDigest: Sendable, Hashable {
  /// The region whose events they are.
  public var origin: String
  /// Which of the buckets that aggregates are dealt out to.
  public var bucket: Int64
  /// How many events.
  public var count: Int64
  /// A digest of them, whatever their order.
  public var digest: String

  /// A part from its figures.
  public init(origin: String, bucket: Int64, count: Int64, digest: String) {
    self.origin = origin
    self.bucket = bucket
    self.count = count
    self.digest = digest
  }
}

/// Positions that move from one store to another, and the comparison of two stores; as ``administrator``.
extension EventStore {
  /// Reads where `group` has come to; `nil` when it has never read here.
  ///
  /// - Throws: ``PostgresError``.
  public func position(of group: String) async throws(PostgresError) -> GroupPosition? {
    let rows = try await connection.query(
      """
      select p.ordinal, e.producer, e.sequence from es.progress p
      left join es.events e on e.local_xid = p.cursor_xid and e.arrival = p.cursor_arrival where p.grp = $1
      """, [group], within: limit)
    guard !rows.isEmpty else { return nil }
    var row = try only(rows, "a group's progress")
    let ordinal = try row.integer()
    let last = ordinal > 0 ? try row.event() : nil
    return GroupPosition(group: group, ordinal: ordinal, last: last, applied: try await applied(by: group))
  }

  private func applied(by group: String) async throws(PostgresError) -> [UInt32: [ClosedRange<UInt64>]] {
    try await ranges(of: "es.applied where grp = $1", [group])
  }

  /// The events of the whole log, as ranges of sequences by producer.
  ///
  /// - Throws: ``PostgresError``.
  public func heldEvents() async throws(PostgresError) -> [UInt32: [ClosedRange<UInt64>]] {
    try await ranges(of: "es.events", [])
  }

  /// The highest number that the store of `origin` has given to an event of its own.
  ///
  /// - Throws: ``PostgresError``.
  public func endOfOrigin(_ origin: String) async throws(PostgresError) -> Int64 {
    let rows = try await connection.query(
      "select coalesce(max(origin_sequence), 0) from es.events where origin = $1", [origin], within: limit)
    var row = try only(rows, "the end of a log")
    return try row.integer()
  }

  private func ranges(
    of source: String, _ parameters: [String?]
  ) async throws(PostgresError) -> [UInt32: [ClosedRange<UInt64>]] {
    // Neighbouring sequences of one producer have the same difference to their rank.
    let rows = try await connection.query(
      """
      select producer, min(sequence), max(sequence) from (
        select producer, sequence, sequence - dense_rank() over (partition by producer order by sequence) as island
        from \(source)) s
      group by producer, island order by producer, min(sequence)
      """, parameters, within: limit)
    var ranges: [UInt32: [ClosedRange<UInt64>]] = [:]
    for range in try convert(
      rows, "a range of applied events",
      { (row) throws(PostgresError) in (try row.small(), try row.unsigned(), try row.unsigned()) })
    {
      ranges[range.0, default: []].append(range.1...max(range.1, range.2))
    }
    return ranges
  }

  /// Sets a group to a position that was read in another store: to the last event here before the first one that the group
  /// has not applied. Its projection takes over what it had applied; what it had applied beyond comes again.
  ///
  /// - Throws: ``PostgresError``; nothing is changed then.
  public func importPosition(_ position: GroupPosition) async throws(PostgresError) -> ImportedPosition {
    var cursor = StoreCursor.start
    var last: EventID?
    var ordinal: Int64 = 0
    reading: while true {
      let rows = try await tail(after: cursor, limit: 5000)
      for row in rows {
        guard position.hasApplied(row.id) else { break reading }
        cursor = row.cursor
        last = row.id
        ordinal += 1
      }
      if rows.isEmpty { break }
    }
    try await connection.query(
      Self.importStatement,
      [position.group, "\(cursor.transaction)", "\(cursor.position)", "\(ordinal)"], within: limit)
    return ImportedPosition(ordinal: ordinal, last: last, again: Int64(clamping: position.count) - ordinal)
  }

  /// Events that `position` counts as applied and this store does not hold: while there are any, a mirror is behind.
  ///
  /// - Throws: ``PostgresError``.
  public func missing(of position: GroupPosition) async throws(PostgresError) -> Int64 {
    var producers: [String] = []
    var (lows, highs): ([String], [String]) = ([], [])
    for (producer, ranges) in position.applied {
      for range in ranges {
        producers.append("\(producer)")
        lows.append("\(range.lowerBound)")
        highs.append("\(range.upperBound)")
      }
    }
    let lists = [producers, lows, highs].map { "{\($0.joined(separator: ","))}" }
    let rows = try await connection.query(
      """
      select count(distinct (e.producer, e.sequence)) from unnest($1::bigint[], $2::bigint[], $3::bigint[]) r(p, low, high)
      join es.events e on e.producer = r.p and e.sequence between r.low and r.high
      """, lists, within: limit)
    var row = try only(rows, "a count")
    return Int64(clamping: position.count) - (try row.integer())
  }

  /// What `group` has come to in this store: events applied, events of the log that it lacks, effects beyond the first.
  ///
  /// - Throws: ``PostgresError``.
  public func work(
    of group: String
  ) async throws(PostgresError) -> (applied: Int64, missing: Int64, twice: Int64) {
    let rows = try await connection.query(
      """
      select count(a.producer), count(*) - count(a.producer), coalesce(sum(a.times - 1), 0)::bigint from es.events e
      left join es.applied a on a.grp = $1 and a.producer = e.producer and a.sequence = e.sequence
      """, [group], within: limit)
    var row = try only(rows, "a group's work")
    return (try row.integer(), try row.integer(), try row.integer())
  }

  /// Digests of the log, by origin and bucket of aggregates.
  ///
  /// - Parameter ends: the last event of each origin that counts, by its number there.
  /// - Throws: ``PostgresError``.
  public func logDigests(upTo ends: [String: Int64], buckets: Int = 16) async throws(PostgresError) -> [LogDigest] {
    let origins = ends.keys.sorted()
    let rows = try await connection.query(
      """
      select origin, aggregate_id % $1::bigint, count(*), md5(string_agg(
        producer || '-' || sequence || ' ' || aggregate_sequence || ' ' || checksum, ',' order by producer, sequence))
      from es.events join unnest($2::text[], $3::bigint[]) as cut(o, number) on origin = o and origin_sequence <= number
      group by 1, 2 order by 1, 2
      """,
      [
        "\(buckets)", "{\(origins.joined(separator: ","))}",
        "{\(origins.map { "\(ends[$0] ?? 0)" }.joined(separator: ","))}",
      ], within: limit)
    return try convert(rows, "a digest") { (row) throws(PostgresError) in
      LogDigest(
        origin: try row.text(), bucket: try row.integer(), count: try row.integer(), digest: try row.text())
    }
  }

  private static let importStatement = """
    with prefix as materialized (
      select producer, sequence, aggregate_id, aggregate_sequence, checksum,
        row_number() over (order by local_xid, arrival) as ordinal
      from es.events where (local_xid, arrival) <= ($2::xid8, $3::bigint)
    ), fresh as (
      insert into es.applied (grp, producer, sequence, ordinal, deliveries)
      select $1, producer, sequence, ordinal, 1 from prefix on conflict (grp, producer, sequence) do nothing
      returning producer, sequence
    ), projected as (
      insert into es.projection as p (grp, aggregate_id, events, checksum, last_sequence)
      select $1, x.aggregate_id, count(*), sum(x.checksum), max(x.aggregate_sequence)
      from prefix x join fresh using (producer, sequence) group by x.aggregate_id
      on conflict (grp, aggregate_id) do update set
        events = p.events + excluded.events, checksum = p.checksum + excluded.checksum,
        last_sequence = greatest(p.last_sequence, excluded.last_sequence)
    )
    insert into es.progress as g (grp, cursor_xid, cursor_arrival, ordinal)
    values ($1, $2::xid8, $3::bigint, $4::bigint)
    on conflict (grp) do update set
      cursor_xid = excluded.cursor_xid, cursor_arrival = excluded.cursor_arrival, ordinal = excluded.ordinal
    where g.ordinal < excluded.ordinal
    """
}
