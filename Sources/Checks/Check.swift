internal import Events

/// One checklist item at work: it takes the operations one by one and judges at the end.
///
/// A check keeps what it needs from an operation, never the operation; so it can run live beside the workload, or over a
/// history of any length.
protocol Check: Sendable {
  /// Starts with nothing seen.
  init(_ facts: Facts)
  /// Looks at the next operation of the history.
  mutating func take(_ operation: Operation)
  /// Judges what was taken against the ground truth.
  func judge(_ facts: Facts) -> Judgement
}

/// What a check has found. Which verdict that makes is decided in one place, ``verdict(_:)``, the same for all checks.
struct Judgement {
  /// Violations. One is enough to fail.
  var findings: [Finding] = []
  /// The sentence of the witness, when there are findings.
  var failure = ""
  /// Evidence that would have been needed.
  var missing: [String] = []
  /// Why the item would hold although nothing happened. `nil`: something did.
  var vacuity: String?
  /// What was looked at.
  var coverage = Coverage("")
  /// Figures that are reported whatever the verdict.
  var measures: [Measure] = []
  /// How long after the heal the slowest mirror had caught up. `nil`: this check does not tell.
  var lagZero: Int64?

  /// How often a violation could have shown. `nil`: that is no matter of chance.
  var trials: Count?

  /// A fail needs one finding that is certain and stands whatever else is missing; a pass needs everything.
  func verdict(_ facts: Facts, _ underFault: UnderFault?) -> Verdict {
    let certain = findings.filter { $0.certainty != .possible }
    if let first = certain.first { return .fail(Witness(failure.isEmpty ? first.what : failure, certain)) }
    let missing = missing + facts.missingFromRecord
    if !missing.isEmpty { return .inconclusive(Missing(missing)) }
    if let reason = facts.faultVacuity ?? vacuity { return .vacuous(Vacuity(reason)) }
    if let underFault, underFault.inForce == 0 {
      return .vacuous(Vacuity("there were no \(underFault.what) while a fault was in force"))
    }
    var coverage = coverage
    // What rests on comparing two nodes' clocks is told, and neither convicts nor acquits.
    coverage.notes += findings.map { "possible, within the uncertainty of the clocks: \($0.anomaly) \($0.what)" }
    coverage.confidence = trials.map { Confidence(noneIn: $0) }
    return .pass(coverage)
  }

  /// The judgement with what the families of checks say about what `item` speaks for.
  func joined(with rows: [RowVerdict], _ table: RowTable, as item: ChecklistItem) -> Judgement {
    var whole = self
    for row in rows {
      let examination = table.families[row.anomaly]
      switch row.state {
      case .found, .possible:
        let own = (examination?.findings ?? []).filter { table.item(for: $0, of: row.anomaly) == item }
        for finding in own where !whole.findings.contains(where: { $0.isSame(as: finding) }) {
          whole.findings.append(finding)
        }
      case .permitted where row.item == item:
        whole.findings.removeAll { $0.anomaly == row.anomaly.rawValue }
        whole.coverage.notes.append("\(row.anomaly.rawValue) \(row.name): \(row.sentence)")
      case .inconclusive where row.item == item:
        for reason in examination?.missing ?? [] where !whole.missing.contains(reason) { whole.missing.append(reason) }
      case .clean, .unexercised, .notApplicable, .permitted, .inconclusive: break
      }
    }
    if findings.isEmpty, let first = whole.findings.first {
      whole.failure = "\(counted(whole.findings.count, "violation")): \(first.what)"
    }
    return whole
  }
}

/// A measured figure.
public struct Measure: Sendable, Hashable, Codable {
  /// What was measured.
  public var name: String
  /// The value, in ``unit``.
  public var value: Double
  /// `s`, `events`.
  public var unit: String

  /// A figure.
  public init(_ name: String, _ value: Double, _ unit: String) {
    self.name = name
    self.value = value
    self.unit = unit
  }

  /// A duration of `nanoseconds`, given in seconds.
  static func seconds(_ name: String, _ nanoseconds: Int64) -> Measure {
    Measure(name, Double(nanoseconds) / 1e9, "s")
  }
}
