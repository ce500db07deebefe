internal import Support

/// Something that can come to hold, or be seen to hold, while a drill runs.
public struct Condition: Sendable, Hashable {
  /// What is looked at.
  public var subject: Subject
  /// How it must hold over time; `nil`: once is enough, at the moment it is asked.
  public var quantifier: Quantifier?

  /// A condition from its parts.
  public init(_ subject: Subject, _ quantifier: Quantifier? = nil) {
    self.subject = subject
    self.quantifier = quantifier
  }

  /// What is looked at.
  public enum Subject: Sendable, Hashable {
    /// The running system: a figure or a probe.
    case expectation(Expectation)
    /// A fault of the timeline, by its id, has come to this state.
    case fault(String, FaultState)
    /// A step of the runbook or failback, by its id, has come to this state.
    case step(String, StepState)
  }

  /// States of a fault; each is reached once and stays reached.
  public enum FaultState: String, Sendable, Hashable, Codable, CaseIterable {
    /// In force on every node, and seen to bite.
    case begun
    /// Taken away, and seen to be gone.
    case ended
  }

  /// States of a step; each is reached once and stays reached.
  public enum StepState: String, Sendable, Hashable, Codable, CaseIterable {
    /// Its precondition held and its action began.
    case begun
    /// Done and verified.
    case done
    /// Given up after its last retry.
    case failed
    /// Undone.
    case undone
  }
}

extension Condition: CustomStringConvertible {
  /// `mirror-lag ≤ 2s, eventually within 30s`.
  public var description: String { "\(subject)\(quantifier.map { ", \($0)" } ?? "")" }
}

extension Condition.Subject: CustomStringConvertible {
  /// `fault blackout has begun`.
  public var description: String {
    switch self {
    case .expectation(let expectation): "\(expectation)"
    case .fault(let id, let state): "fault \(id) has \(state.rawValue)"
    case .step(let id, .begun): "step \(id) has begun"
    case .step(let id, let state): "step \(id) is \(state.rawValue)"
    }
  }
}
