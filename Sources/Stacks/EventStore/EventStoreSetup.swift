/// Setting a store up and steering its mirrors, as ``administrator``.
extension EventStore {
  /// Makes a fresh copy of the template the store of `region`: leaves, own publication, fence (read-only at token 0),
  /// and the lab's password for every role.
  ///
  /// - Parameters:
  ///   - origins: every region that has a store, this one among them; lower-case letters, digits and `_`.
  ///   - password: for all roles; only its SCRAM verifier travels.
  /// - Throws: ``PostgresError``; the store is unchanged or, between the two steps, has the old passwords.
  public func provision(region: String, origins: [String], password: String) async throws(PostgresError) {
    precondition(origins.contains(region), "the store of \(region) is not among the origins \(origins)")
    let list = "{\(origins.joined(separator: ","))}"
    try await connection.query("select es.provision($1, $2::text[])", [region, list], within: .seconds(5))
    var script = ""
    for role in [Self.administrator, Self.applicationRole, Self.controlRole, Self.mirrorRole] {
      let verifier = try await connection.verifier(password: password, user: role)
      script += "alter role \(quotedIdentifier(role)) password \(quotedLiteral(verifier));"
    }
    try await connection.execute(script: script)
  }

  /// Mirrors the events of `origin` into this store: PostgreSQL's own logical replication of that origin's leaf.
  ///
  /// - Parameter publisher: the origin's server as this one reaches it; the role is replaced by ``mirrorRole``.
  /// - Throws: ``PostgresError``; a slot may be left at the publisher when the outcome is unknown.
  public func subscribe(
    to origin: String, at publisher: PostgresAddress, region: String
  ) async throws(PostgresError) {
    let conninfo = publisher.with(user: Self.mirrorRole).connectionString(applicationName: "mirror-\(region)")
    // disable_on_error would turn an ordinary partition into a stop for good (the worker ends by its time-out).
    try await connection.query(
      """
      create subscription \(quotedIdentifier(Self.subscription(of: origin)))
      connection \(quotedLiteral(conninfo)) publication \(quotedIdentifier("es_\(origin)"))
      with (slot_name = \(quotedLiteral(Self.slot(from: origin, to: region))), copy_data = true,
        disable_on_error = false, synchronous_commit = on)
      """, within: .seconds(5))
  }

  /// Whether every mirror into this store has copied what there was and follows now.
  public func mirrorsReady() async throws(PostgresError) -> Bool {
    try await mirrorStatus().incoming.allSatisfy { $0.running && $0.unreadyTables == 0 }
  }

  /// Stops applying the events of `origin`; its server keeps them.
  public func freezeMirror(of origin: String) async throws(PostgresError) {
    try await connection.query(
      "alter subscription \(quotedIdentifier(Self.subscription(of: origin))) disable", within: limit)
  }

  /// Goes on where ``freezeMirror(of:)`` stopped, without loss or repetition.
  public func resumeMirror(of origin: String) async throws(PostgresError) {
    try await connection.query(
      "alter subscription \(quotedIdentifier(Self.subscription(of: origin))) enable", within: limit)
  }

  /// Reads the state of the mirrors in both directions. Any role may.
  public func mirrorStatus() async throws(PostgresError) -> MirrorStatus {
    let slots = try await connection.query(
      """
      select slot_name, active, pg_wal_lsn_diff(pg_current_wal_lsn(), confirmed_flush_lsn)::bigint
      from pg_replication_slots where slot_type = 'logical' and confirmed_flush_lsn is not null order by slot_name
      """, within: limit)
    let subscriptions = try await connection.query(
      """
      select s.subname, s.subenabled, w.pid is not null, \(microseconds("w.latest_end_time")),
        coalesce(e.apply_error_count, 0),
        (select count(*) from pg_subscription_rel r where r.srsubid = s.oid and r.srsubstate <> 'r')
      from pg_subscription s
      left join pg_stat_subscription w on w.subid = s.oid and w.relid is null
      left join pg_stat_subscription_stats e on e.subid = s.oid
      order by s.subname
      """, within: limit)
    return MirrorStatus(
      outgoing: try convert(slots, "a slot") { (row) throws(PostgresError) in
        .init(slot: try row.text(), active: try row.bool(), lagBytes: try row.integer())
      },
      incoming: try convert(subscriptions, "a subscription") { (row) throws(PostgresError) in
        .init(
          subscription: try row.text(), enabled: try row.bool(), running: try row.bool(),
          lastHeardAt: try row.optionalTime(), applyErrors: try row.integer(),
          unreadyTables: try row.integer())
      })
  }

  /// The name of the mirror that brings the events of `origin`, as ``mirrorStatus()`` has it.
  public static func mirrorName(of origin: String) -> String { subscription(of: origin) }

  static func subscription(of origin: String) -> String { "es_\(origin)" }
  static func slot(from origin: String, to region: String) -> String { "es_\(origin)_to_\(region)" }
}
