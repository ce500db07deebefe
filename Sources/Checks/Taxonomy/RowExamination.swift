/// What looking for one anomaly in the evidence of one drill came to.
///
/// A row is examined by the family of checks that it belongs to. Which of its findings the contract permits, and what the row
/// means for the verdict on the whole, is decided elsewhere, in one place.
public struct RowExamination: Sendable, Hashable {
  /// The row.
  public var anomaly: Anomaly
  /// What was looked at, and how many of it. A row with a count of 0 has shown nothing.
  public var examined: Count?
  /// What was found.
  public var findings: [Finding]
  /// Evidence that this stack has and that is not there.
  public var missing: [String]
  /// Why the evidence of this stack cannot show the anomaly at all. `nil`: it can.
  public var notApplicable: String?

  private init(
    _ anomaly: Anomaly, examined: Count?, findings: [Finding], missing: [String], notApplicable: String?
  ) {
    self.anomaly = anomaly
    self.examined = examined
    self.findings = findings
    self.missing = missing
    self.notApplicable = notApplicable
  }

  /// A row that was looked for in `examined`, with what was found. `missing` is what else should have been looked at.
  public init(_ anomaly: Anomaly, in examined: Count, findings: [Finding] = [], missing: [String] = []) {
    self.init(anomaly, examined: examined, findings: findings, missing: missing, notApplicable: nil)
  }

  /// A row that could not be looked for, because evidence is missing that this stack has.
  public static func inconclusive(_ anomaly: Anomaly, missing: [String]) -> RowExamination {
    RowExamination(anomaly, examined: nil, findings: [], missing: missing, notApplicable: nil)
  }

  /// A row that this stack has no evidence for, whatever the run.
  public static func notApplicable(_ anomaly: Anomaly, _ reason: String) -> RowExamination {
    RowExamination(anomaly, examined: nil, findings: [], missing: [], notApplicable: reason)
  }
}
