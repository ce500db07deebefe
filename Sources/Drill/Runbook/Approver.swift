internal import Scenarios
internal import Support

/// What somebody decided about a step, as `blackstart approve` leaves it in the run directory.
public struct Decision: Codable, Sendable, Hashable {
  /// Whether it may be done.
  public var isApproved: Bool
  /// Who says so.
  public var by: String
  /// Why not, or what else is to be said.
  public var reason: String?

  /// A decision.
  public init(isApproved: Bool, by: String, reason: String? = nil) {
    self.isApproved = isApproved
    self.by = by
    self.reason = reason
  }
}

extension RunDirectory {
  /// Where decisions about steps are left.
  var approvals: String { "\(path)/approvals" }

  /// Leaves a decision about a step for the run that waits for it.
  ///
  /// - Throws: ``Problem`` when there is one already, or the step's name is none.
  public func decide(_ step: String, _ decision: Decision) throws {
    guard !step.isEmpty, step.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "-" || $0 == "_" }) else {
      throw Problem(.usage, "'\(step)' is no step", fix: "name it as the runbook does")
    }
    let file = "\(approvals)/\(step).json"
    if fileExists(file) { throw Problem(.usage, at: file, "this step was decided already") }
    try makeDirectory(approvals)
    try writeFile(file, encodeJSON(decision))
  }
}

/// Asks people about steps: on the terminal if somebody sits there, and through the run directory in any case.
struct Approver: Sendable {
  let run: DrillRun

  /// Waits until somebody has decided.
  ///
  /// - Throws: ``StepFailure`` when the answer is no.
  func ask(_ prompt: String, by decider: RunbookStep.Decider, step: String) async throws -> String {
    let decision = try await withThrowingTaskGroup(of: Decision.self) { group in
      group.addTask(name: "approval by file") { try await fromFile(step, decider) }
      if let ask = run.request.approve {
        group.addTask(name: "approval on the terminal") {
          Decision(isApproved: try await ask("\(prompt) (\(decider) decides)"), by: "the terminal")
        }
      }
      defer { group.cancelAll() }
      guard let first = try await group.next() else { throw CancellationError() }
      return first
    }
    guard decision.isApproved else {
      throw StepFailure("\(decision.by) said no\(decision.reason.map { ": \($0)" } ?? "")")
    }
    return "approved by \(decision.by)"
  }

  private func fromFile(_ step: String, _ decider: RunbookStep.Decider) async throws -> Decision {
    let path = "\(run.request.directory.approvals)/\(step).json"
    while true {
      if fileExists(path) {
        let decision = try decodeJSON(Decision.self, from: readFile(path))
        if case .person(let name) = decider, decision.by != name {
          throw StepFailure("\(decision.by) decided, but it is for \(name) to decide")
        }
        return decision
      }
      // Nothing tells us that another process has written.
      try await run.clock.sleep(for: .milliseconds(200))
    }
  }
}
