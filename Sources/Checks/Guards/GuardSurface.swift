public import Events

/// What one guard stands before.
public struct GuardSurface: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The region.
  public var store: String
  /// Its Kafka cluster, or its schema registry.
  public var kind: GuardAttemptRow.Surface

  /// What is guarded in a region.
  public init(_ store: String, _ kind: GuardAttemptRow.Surface) {
    self.store = store
    self.kind = kind
  }

  /// `east's registry guard`.
  public var description: String { "\(store)'s \(kind.rawValue) guard" }
}

/// A part of a drill, by the faults: a guard has to be tried in each.
enum TrialPhase: String, CaseIterable {
  case before = "before the faults"
  case during = "during the faults"
  case after = "after the heal"
}

/// When the phases were; `nil` for a drill whose faults or heal nobody has recorded.
struct TrialPhases {
  private let inForce: Int64
  private let healed: Int64

  init?(_ facts: Facts) {
    guard let inForce = facts.milestones.faultInForce, let healed = facts.milestones.healed else { return nil }
    self.inForce = inForce
    self.healed = healed
  }

  /// The phase in which something lies wholly; `nil` for what spans two.
  func phase(_ begun: Int64, _ ended: Int64) -> TrialPhase? {
    if ended < inForce { return .before }
    if begun >= healed { return .after }
    return begun >= inForce && ended < healed ? .during : nil
  }
}

extension Facts {
  /// What is guarded, of one kind or of all.
  func surfaces(_ kind: GuardAttemptRow.Surface? = nil) -> [GuardSurface] {
    (roles.surfaces ?? []).filter { kind == nil || $0.kind == kind }
  }

  func attempts(on surface: GuardSurface) -> [GuardAttemptRow] {
    (truth.guardAttempts ?? []).filter { $0.store == surface.store && $0.surface == surface.kind }
  }

  func decisions(of surface: GuardSurface) -> [GuardDecisionRow] {
    (truth.guardDecisions ?? []).filter { $0.store == surface.store && $0.surface == surface.kind }
      .sorted { $0.observed < $1.observed }
  }
}
