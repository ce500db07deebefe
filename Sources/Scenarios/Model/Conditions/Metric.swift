/// The figures of the running system that a scenario can name.
public enum Metric: String, Sendable, Hashable, Codable, CaseIterable {
  /// Failed and unknown writes as a share of all, over half a second.
  case writeErrorRate = "write-error-rate"
  /// Acknowledged writes of all producers together, over half a second.
  case writeRate = "write-rate"
  /// The age of the oldest event that a mirror's target still lacks, in the worst direction: how fresh the mirror is.
  case mirrorLag = "mirror-lag"
  /// How many events a mirror's target still lacks, in the worst direction.
  case mirrorBacklog = "mirror-backlog"
  /// The region that holds write authority.
  case leader
  /// The fencing token under which write authority is held.
  case token
  /// Events acknowledged since the baseline began.
  case events
}
