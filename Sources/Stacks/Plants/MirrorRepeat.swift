/// The planted fault of a mirror that applies a batch twice, through PostgreSQL's own apply worker.
///
/// A copy of the mirror's slot, made early, keeps the publisher's log from then on. Later the subscription is pointed at
/// the copy and its memory of how far it has come (the replication origin) is set back to it: what was mirrored in
/// between comes again. The target's unique indexes, which would refuse it, are made plain ones first.
public struct MirrorRepeat: Sendable {
  private let publisher: EventStore
  private let subscriber: EventStore
  private let origin: String
  private let slot: String
  private let copy: String
  /// The place in the publisher's log from which events will come again.
  public let from: String

  /// Prepares the fault: nothing is repeated yet.
  ///
  /// - Parameters:
  ///   - publisher: the store of `origin`, as ``EventStore/administrator``.
  ///   - subscriber: the store that mirrors it, likewise.
  /// - Throws: ``PostgresError``; a copied slot may be left at the publisher when the outcome is unknown.
  public static func prepare(
    publisher: EventStore, subscriber: EventStore, origin: String
  ) async throws(PostgresError) -> MirrorRepeat {
    let known = try await subscriber.connection.query(
      "select subslotname from pg_subscription where subname = $1", [EventStore.subscription(of: origin)])
    var subscription = try subscriber.only(known, "the subscription to \(origin)")
    let slot = try subscription.text()
    let copy = "\(slot)_repeat"
    let rows = try await publisher.connection.query(
      "select lsn from pg_copy_logical_replication_slot($1, $2)", [slot, copy], within: .seconds(5))
    var row = try publisher.only(rows, "a copied slot")
    let from = try row.text()
    let leaf = "events_\(origin)"
    let indexes = try await subscriber.connection.query(
      """
      select indexrelid::regclass::text, pg_get_indexdef(indexrelid) from pg_index
      where indrelid = ('es.' || quote_ident($1))::regclass and indisunique
      """, [leaf])
    var script = ""
    for columns in indexes {
      var row = Row(columns, "an index")
      let name = try row.text()
      // A plain one in its place: reading by these columns stays fast.
      let definition = try row.text().split(separator: " ").filter { $0 != "UNIQUE" }.joined(separator: " ")
      script += "drop index \(name); \(definition);\n"
    }
    try await subscriber.connection.execute(script: script)
    return MirrorRepeat(
      publisher: publisher, subscriber: subscriber, origin: origin, slot: slot, copy: copy, from: from)
  }

  /// Lets everything since ``prepare(publisher:subscriber:origin:)`` be applied again. Both stores must reach
  /// each other; the mirror then goes on as before.
  ///
  /// - Parameter clock: for the pauses while the apply worker ends.
  /// - Throws: ``PostgresError``, or `CancellationError`; the mirror may stand still then.
  public func fire(clock: any Clock<Duration> = ContinuousClock()) async throws {
    let name = quotedIdentifier(EventStore.subscription(of: origin))
    try await subscriber.freezeMirror(of: origin)
    // The worker lets go of slot and origin only when it has ended, which takes it some milliseconds.
    while try await subscriber.mirrorStatus().incoming.contains(where: {
      $0.subscription == EventStore.subscription(of: origin) && $0.running
    }) {
      try await clock.sleep(for: .milliseconds(20))
    }
    while try await publisher.mirrorStatus().outgoing.contains(where: { $0.slot == slot && $0.active }) {
      try await clock.sleep(for: .milliseconds(20))
    }
    try await subscriber.connection.query("alter subscription \(name) set (slot_name = \(quotedLiteral(copy)))")
    try await subscriber.connection.query(
      """
      select pg_replication_origin_advance('pg_' || oid, $1::pg_lsn) from pg_subscription where subname = $2
      """, [from, EventStore.subscription(of: origin)])
    try await subscriber.resumeMirror(of: origin)
    // Nobody reads the first slot any more; kept, it would hold the publisher's log back and show as lag.
    try await publisher.connection.query("select pg_drop_replication_slot($1)", [slot])
  }
}
