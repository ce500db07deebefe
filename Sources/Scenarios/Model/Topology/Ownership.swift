/// Who owns the writes of a topic or of a class of events, in every phase of a drill.
public struct Ownership: Sendable, Hashable, Codable {
  /// The phases in which writes must have an owner.
  public enum Phase: String, Sendable, Hashable, Codable, CaseIterable {
    /// All is well.
    case normal
    /// The normal owner is lost, and another takes over.
    case failover
    /// The other owns the writes, until the way back is decided.
    case operation
    /// The way back has begun, and ends with this owner.
    case failback
  }

  /// The topic or class.
  public var topic: String
  /// The owner while all is well.
  public var normal: String
  /// The owner after the normal one is lost.
  public var failover: String
  /// The owner between failover and failback.
  public var operation: String
  /// The owner at the end of the failback.
  public var failback: String

  /// Ownership from its parts; between failover and failback `failover` owns, and the failback returns to `normal`, unless
  /// something else is said.
  public init(topic: String, normal: String, failover: String, operation: String? = nil, failback: String? = nil) {
    self.topic = topic
    self.normal = normal
    self.failover = failover
    self.operation = operation ?? failover
    self.failback = failback ?? normal
  }

  /// The owner in `phase`.
  public subscript(phase: Phase) -> String {
    switch phase {
    case .normal: normal
    case .failover: failover
    case .operation: operation
    case .failback: failback
    }
  }
}
