internal import Events

/// The smallest evidence that still shows one violation, as a file: `verify` takes it like any other evidence, and judges it the
/// same.
public struct WitnessFile: Sendable, Codable {
  /// The newest version of the form that this program reads.
  public static let currentFormat = 1

  /// The version of the form.
  public var format: Int
  /// The item that fails. `nil`: no item speaks for the row.
  public var item: ChecklistItem?
  /// The violation.
  public var finding: Finding
  /// How many operations and rows the whole evidence has.
  public var reducedFrom: Int
  /// How many of them are left.
  public var left: Int
  /// What is left.
  public var evidence: Evidence

  /// What the file is called in a run directory: `witness-no-duplicates.json`.
  public var name: String { Self.name(item, finding.anomaly) }

  static func name(_ item: ChecklistItem?, _ anomaly: String) -> String {
    "witness-\(item?.rawValue ?? Anomaly(rawValue: anomaly)?.name ?? anomaly).json"
  }

  /// Judges what is left, in just the way in which the whole was judged.
  public func judged() -> DrillVerdict { judge(evidence, checklist: item.map { [$0] } ?? []) }

  /// Whether what is left still shows the violation.
  public var holds: Bool { judged().shows(finding, item) }

  /// What keeps the file from being judged at all; `nil`: nothing does.
  public var defect: String? {
    format == Self.currentFormat ? nil : "it has format \(format); this version reads \(Self.currentFormat)"
  }
}

extension DrillVerdict {
  /// Whether `finding` is among what fails `item`, or a row of its own.
  func shows(_ finding: Finding, _ item: ChecklistItem?) -> Bool {
    if let item {
      guard case .fail(let witness) = items.first(where: { $0.item == item })?.verdict else { return false }
      return witness.findings.contains { $0.isSame(as: finding) }
    }
    return rows.contains { row in
      row.item == nil && row.state == .found && row.findings.contains { $0.isSame(as: finding) }
    }
  }
}

/// Cuts the evidence behind each FAIL of a verdict down to the few operations and rows that still violate.
///
/// First the events that the violation names are tried by themselves, then delta debugging decides; both leave an event out with
/// everything that was seen of it, so that nothing looks lost or unwritten only because half of it was left out. At last single
/// operations and rows go. What comes out shows the same violation by the same rules, or the next larger evidence is kept.
///
/// - Parameters:
///   - evidence: what the verdict was given on.
///   - verdict: the verdict.
///   - limit: the most times that some evidence is judged for one witness.
public func minimalWitnesses(of evidence: Evidence, _ verdict: DrillVerdict, limit: Int = 400) -> [WitnessFile] {
  var targets: [(item: ChecklistItem?, finding: Finding)] = []
  for item in verdict.items {
    guard case .fail(let witness) = item.verdict else { continue }
    // A violation with a name is easier to follow.
    if let finding = witness.findings.first(where: { !$0.events.isEmpty }) ?? witness.findings.first {
      targets.append((item.item, finding))
    }
  }
  for row in verdict.rows where row.item == nil && row.state == .found {
    if let finding = row.findings.first { targets.append((nil, finding)) }
  }
  return targets.map { minimalWitness(of: evidence, $0.finding, $0.item, limit) }
}

extension Evidence {
  /// How much work it is to judge, in operations: the rows of mirrors are gone through for each mirror and item, and each of them
  /// has more to be held against.
  fileprivate var weight: Int {
    let mirrored =
      (truth.records?.count ?? 0) + (truth.offsetSyncs?.count ?? 0) + (truth.groupOffsets?.count ?? 0)
    return history.operations.count + 20 * mirrored
  }
}

private func minimalWitness(
  of evidence: Evidence, _ finding: Finding, _ item: ChecklistItem?, _ limit: Int
) -> WitnessFile {
  let checklist = item.map { [$0] } ?? []
  // Large evidence is judged slowly, so it may be judged less often: about as much work for each witness.
  var left = min(limit, max(20, 20_000_000 / max(1, evidence.weight)))
  func holds(_ candidate: Evidence) -> Bool {
    left -= 1
    return judge(candidate, checklist: checklist).shows(finding, item)
  }
  var few = evidence
  let named = Set(finding.events)
  if let start = [named, named.union([.none])].lazy.map({ evidence.keeping($0) }).first(where: holds) {
    few = start
  } else {
    let events = minimise(evidence.events.sorted(), limit: left / 2) { holds(evidence.keeping(Set($0))) }
    few = evidence.keeping(Set(events))
  }
  let elements = minimise(few.elements, limit: left) { holds(few.keeping($0)) }
  few = few.keeping(elements)
  return WitnessFile(
    format: WitnessFile.currentFormat, item: item, finding: finding, reducedFrom: evidence.elements.count,
    left: elements.count, evidence: few)
}
