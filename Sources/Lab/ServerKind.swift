/// The kinds of server in a region.
public enum ServerKind: String, Sendable, Hashable, Codable, CaseIterable {
  /// A member of the etcd quorum.
  case etcd
  /// The PostgreSQL event store.
  case store
  /// The control-plane process, which is this program itself.
  case controlPlane = "control-plane"
  /// A Kafka broker.
  case broker
  /// A Kafka Connect worker.
  case worker
}
