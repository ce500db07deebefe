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
  /// A schema registry.
  case registry
  /// The guard before it, which is this program itself.
  case registryGuard = "registry-guard"
  /// The guard before a Kafka broker, likewise.
  case adminGuard = "admin-guard"
}
