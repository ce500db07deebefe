/// How a node would make one kind of inner fault, or why it cannot; for `doctor`.
public struct InnerOffer: Sendable, Hashable, Codable {
  /// The kind, for people.
  public var fault: String
  /// How it would be made; empty when it cannot be.
  public var mechanisms: [MechanismChoice]
  /// Why it cannot be made. `nil`: it can.
  public var refusal: String?

  /// What every kind of inner fault would come to on a node like this. Touches nothing.
  public static func all(on node: InnerProfile) -> [InnerOffer] {
    ProcessDisturbance.examples.map { name, disturbance in offer(name, .processes(disturbance), on: node) }
      + ClockSkew.examples.map { name, skew in offer(name, .clock(skew), on: node) }
      + [offer("clock of a node", .nodeClock(NodeClockChange(offsetNanoseconds: 5_000_000_000)), on: node)]
      + DiskDisturbance.examples.map { name, disturbance in offer(name, .disk(disturbance), on: node) }
  }

  static func offer(_ name: String, _ effect: InnerFault.Effect, on node: InnerProfile) -> InnerOffer {
    let fault = InnerFault(
      id: "doctor", run: "doctor", node: "here", effect: effect,
      processes: effect.isAboutProcesses ? ProcessSelector(.name("any")) : nil,
      timing: .init(lease: .seconds(5)))
    do { return InnerOffer(fault: name, mechanisms: try InnerFaultPlan(fault, on: node).mechanisms) } catch {
      return InnerOffer(fault: name, mechanisms: [], refusal: error.reason.text)
    }
  }
}

extension InnerFault.Effect {
  /// Whether processes can be chosen for it.
  fileprivate var isAboutProcesses: Bool {
    if case .nodeClock = self { false } else { true }
  }
}
