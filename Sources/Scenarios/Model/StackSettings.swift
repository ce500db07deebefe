/// The system under drill and the settings that the drill's arithmetic depends on.
public struct StackSettings: Sendable, Hashable, Codable {
  /// The kinds of system that can be drilled.
  public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
    /// PostgreSQL event stores mirrored by logical replication, write authority through etcd leases.
    case postgresEtcd = "postgres-etcd"
    /// Kafka clusters mirrored by MirrorMaker 2, in every region with a store, whose control planes hold write authority.
    case kafka
  }

  /// Which system.
  public var kind: Kind
  /// How long the lease behind write authority lives without renewal.
  @DurationText public var leaseTTL: Duration
  /// How old the newest mirrored event may be while the mirror counts as caught up.
  @DurationText public var mirrorFreshness: Duration

  /// Settings from their parts.
  public init(kind: Kind = .postgresEtcd, leaseTTL: Duration = .seconds(10), mirrorFreshness: Duration = .seconds(2)) {
    self.kind = kind
    self.leaseTTL = leaseTTL
    self.mirrorFreshness = mirrorFreshness
  }

  /// The longest that a lease can live after its holder is cut off: a change of etcd's own leader re-extends every lease
  /// by its full time to live once (docs/architecture.md; measured 9.4–9.9 s for a lease of 5 s).
  public var longestLease: Duration { leaseTTL * 2 }
}
