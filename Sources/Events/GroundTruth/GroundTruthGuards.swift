/// One attempt of the drill's own to administer something, with or without the current token.
public struct GuardAttemptRow: GroundTruthRow {
  /// A row of a `guard-attempts` dump.
  public static let dumpKind = DumpKind.guardAttempts

  /// What was to be changed.
  public enum Surface: String, Sendable, Hashable, Codable, CaseIterable {
    /// A Kafka cluster: a topic was to be made.
    case admin
    /// A schema registry: a schema was to be registered.
    case registry
  }

  /// What the attempt carried.
  public enum Presented: String, Sendable, Hashable, Codable, CaseIterable {
    /// The token of the reign that was known then.
    case current
    /// One below it: that of an earlier reign, once there was one.
    case stale
    /// One below it that was never granted, as soon as there is a ``stale`` one that was.
    case invented
    /// One far above it, which was never granted.
    case inflated
    /// None.
    case none
  }

  /// How it ended.
  public enum Outcome: String, Sendable, Hashable, Codable, CaseIterable {
    /// It was carried out.
    case accepted
    /// A guard refused it.
    case refused
    /// Certainly not carried out, and no guard said so: nobody listened, or something else answered.
    case notDone = "not-done"
    /// Whether it was carried out is not known.
    case unknown
  }

  /// The region whose cluster or registry it was about.
  public var store: String
  /// Which of the two.
  public var surface: Surface
  /// Whether it went past the guard.
  public var isAround: Bool
  /// The region from which it came.
  public var from: String
  /// What it carried.
  public var presented: Presented
  /// The token; `nil` for none.
  public var token: Int64?
  /// What it would have made: a topic, or a subject.
  public var target: String
  /// A digest of the schema that was to be registered, hexadecimal; `nil` for a topic.
  public var fingerprint: String?
  /// When it began, nanoseconds on the recorder's monotonic clock.
  public var invoked: Int64
  /// When its outcome was known, likewise.
  public var completed: Int64
  /// How it ended.
  public var outcome: Outcome
  /// The guard's rule, or what was answered instead. For people.
  public var detail: String

  /// An attempt by its parts.
  public init(
    store: String, surface: Surface, isAround: Bool, from: String, presented: Presented, token: Int64?, target: String,
    fingerprint: String? = nil, invoked: Int64, completed: Int64, outcome: Outcome, detail: String
  ) {
    self.store = store
    self.surface = surface
    self.isAround = isAround
    self.from = from
    self.presented = presented
    self.token = token
    self.target = target
    self.fingerprint = fingerprint
    self.invoked = invoked
    self.completed = completed
    self.outcome = outcome
    self.detail = detail
  }
}

/// One decision of a guard, from its own log.
public struct GuardDecisionRow: GroundTruthRow {
  /// A row of a `guard-decisions` dump.
  public static let dumpKind = DumpKind.guardDecisions
  /// The region whose cluster or registry the guard stands before.
  public var store: String
  /// Which of the two.
  public var surface: GuardAttemptRow.Surface
  /// What was asked: `CreateTopics 4`, `POST /subjects/orders-value/versions`.
  public var asked: String
  /// The token as it was presented; `nil` for none.
  public var token: String?
  /// Whether it passed.
  public var isAllowed: Bool
  /// By which rule.
  public var rule: String
  /// The token of the reign that the guard knew of; `nil` for nobody.
  public var current: Int64?
  /// When, nanoseconds on the machine's monotonic clock, which is the recorder's in a lab.
  public var observed: Int64

  /// A decision by its parts.
  public init(
    store: String, surface: GuardAttemptRow.Surface, asked: String, token: String?, isAllowed: Bool, rule: String,
    current: Int64?, observed: Int64
  ) {
    self.store = store
    self.surface = surface
    self.asked = asked
    self.token = token
    self.isAllowed = isAllowed
    self.rule = rule
    self.current = current
    self.observed = observed
  }
}
