/// What arming an inner fault will do to a node, told before anything is there to look at. Pure: the same fault and the
/// same abilities give the same words.
public struct InnerFaultPlan: Sendable, Hashable, Codable {
  /// How it is made on such a node, and why.
  public var mechanisms: [MechanismChoice]
  /// The changes, one line each; processes are named by what selects them.
  public var changes: [String]
  /// How it is undone by hand, should all else fail.
  public var undo: String
  /// What it cannot reach, one line each.
  public var limits: [String]

  /// A plan from its parts.
  init(mechanisms: [MechanismChoice], changes: [String], undo: String, limits: [String] = []) {
    self.mechanisms = mechanisms
    self.changes = changes
    self.undo = undo
    self.limits = limits
  }

  /// Lays out what arming would do on a node with these abilities.
  ///
  /// - Throws: ``FaultError`` when such a node cannot have it, with the reason.
  public init(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) {
    try fault.validate()
    switch fault.effect {
    case .processes(let disturbance): self = try disturbance.plan(fault, on: node)
    case .clock(let skew): self = try skew.plan(fault, on: node)
    case .nodeClock(let change): self = try change.plan(fault, on: node)
    case .disk(let disturbance): self = try disturbance.plan(fault, on: node)
    }
  }
}
