/// Debezium's connector that carries the outbox of one store to a topic, and what it is configured with. Pure.
///
/// A connector belongs to one server: its positions are positions in that server's write-ahead log. For another store there is
/// another connector, under another name.
public struct OutboxCapture: Sendable, Hashable {
  /// The region whose store it reads.
  public var region: String
  /// Where that store is.
  public var store: PostgresAddress
  /// The file of properties on the worker that has the password; it stands in no configuration.
  public var secretsFile: String
  /// What it does about rows that were there before its slot, in Debezium's own words.
  public var snapshotMode: String
  /// Whether records are written in transactions, together with the connector's own position.
  public var exactlyOnce: Bool

  /// A connector of a region's store.
  public init(
    region: String, store: PostgresAddress, secretsFile: String, snapshotMode: String = "no_data",
    exactlyOnce: Bool = true
  ) {
    self.region = region
    self.store = store
    self.secretsFile = secretsFile
    self.snapshotMode = snapshotMode
    self.exactlyOnce = exactlyOnce
  }

  /// The publication that the store has for it.
  public static let publication = "es_outbox"
  /// The replication slot that it reads from, which is on that server alone.
  public static let slot = "es_outbox"
  /// The key of the password in ``secretsFile``.
  public static let secret = "password"

  /// What it is called.
  public var name: String { Self.name(of: region) }

  /// What the connector of a region's store is called.
  public static func name(of region: String) -> String { "outbox-\(region)" }

  /// Its configuration, as Debezium's documentation names the keys (3.7, "PostgreSQL connector", "Outbox Event Router").
  public var configuration: [String: String] {
    let headers = [
      ("event_id", OutboxRecord.Header.event), ("aggregateid", OutboxRecord.Header.key),
      ("key_sequence", OutboxRecord.Header.keySequence), ("fence_token", OutboxRecord.Header.token),
    ]
    return [
      "connector.class": "io.debezium.connector.postgresql.PostgresConnector", "tasks.max": "1",
      "database.hostname": store.host, "database.port": "\(store.port)", "database.user": EventStore.mirrorRole,
      "database.password": "${file:\(secretsFile):\(Self.secret)}", "database.dbname": store.database,
      "topic.prefix": "bs-outbox-\(region)", "plugin.name": "pgoutput", "publication.name": Self.publication,
      "publication.autocreate.mode": "disabled", "slot.name": Self.slot, "table.include.list": "es.outbox",
      "snapshot.mode": snapshotMode, "tombstones.on.delete": "false",
      // A row is on its way within this time; Debezium's own half second is no better for anybody.
      "poll.interval.ms": "50",
      "exactly.once.support": exactlyOnce ? "required" : "requested",
      "key.converter": "org.apache.kafka.connect.storage.StringConverter",
      "value.converter": "org.apache.kafka.connect.storage.StringConverter",
      // The worker's own is the mirror's, which takes bytes only.
      "header.converter": "org.apache.kafka.connect.storage.SimpleHeaderConverter",
      "transforms": "outbox", "transforms.outbox.type": "io.debezium.transforms.outbox.EventRouter",
      "transforms.outbox.route.topic.replacement": "outbox.${routedByValue}",
      "transforms.outbox.table.fields.additional.placement":
        headers.map { "\($0.0):header:\($0.1)" }.joined(separator: ","),
    ]
  }
}
