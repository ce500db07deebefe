/// What a message can say of the drill, filled in from the journal when it is sent.
public enum Fact: String, Sendable, Hashable, Codable, CaseIterable {
  /// The scenario's name.
  case scenario
  /// The run's directory name.
  case run
  /// The phase that the run is in.
  case phase
  /// The time since the message's anchor.
  case elapsed
  /// The faults in force.
  case faults
  /// When the anchor happened, in wall-clock time.
  case since
  /// The region that holds write authority, or `nobody`.
  case leader
  /// The token under which it does.
  case token
  /// Writes that were acknowledged since the anchor.
  case acknowledged
  /// Writes that failed since the anchor.
  case failed
  /// Writes whose outcome is not known, since the anchor.
  case unknown
  /// The mirrors' lag in the worst direction.
  case mirrorLag = "mirror-lag"
  /// The steps of the runbook that are done.
  case steps
}
