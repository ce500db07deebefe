/// One step of a runbook as reports tell it. Times are seconds from the start of the run.
public struct StepSummary: Sendable, Hashable, Codable {
  /// `runbook` or `failback`.
  public var runbook: String
  /// The step's id.
  public var id: String
  /// What it did: the verb.
  public var verb: String
  /// When it was begun; `nil`: never.
  public var start: Double?
  /// When it was done, undone or given up; `nil`: it was not.
  public var end: Double?
  /// Its last state: `done`, `failed`, `undone`, …, or `not begun`.
  public var state: String
  /// What was found, or why it failed.
  public var detail: String
  /// How often it was tried.
  public var attempts: Int
}
