internal import Support

/// What people or the tool do to bring the system over, or back: structured steps.
public struct Runbook: Sendable, Hashable, Codable {
  /// When its first step may begin. `nil`: a runbook begins with the timeline, a failback after the recovery.
  public var start: TimelineStart?
  /// The steps in the order of the file.
  public var steps: [RunbookStep]
  /// What happens when a step has failed for good.
  public var onFailure: OnFailure

  /// What happens when a step has failed for good.
  public enum OnFailure: String, Sendable, Hashable, Codable, CaseIterable {
    /// The steps that are done are undone, the last one first.
    case undo
    /// Everything stays as it is; no further step begins.
    case stop
  }

  /// A runbook from its parts.
  public init(start: TimelineStart? = nil, steps: [RunbookStep], onFailure: OnFailure = .undo) {
    self.start = start
    self.steps = steps
    self.onFailure = onFailure
  }

  /// The step called `id`.
  public func step(_ id: String) -> RunbookStep? { steps.first { $0.id == id } }
}
