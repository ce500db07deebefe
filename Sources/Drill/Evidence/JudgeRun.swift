public import Checks
internal import Scenarios
internal import Support

/// Judges a run from its directory alone: what the run itself does at its end, and anybody may do again later.
///
/// - Parameters:
///   - directory: the run.
///   - permitted: rows of the taxonomy that are permitted beyond what the stack's contract permits.
/// - Throws: ``Problem`` or the error of the file that cannot be read.
public func judgeRun(in directory: RunDirectory, permitting permitted: Permissions = .none) throws -> DrillVerdict {
  let record = try RunRecord(reading: directory)
  var verdict = judge(record.evidence(permitting: permitted), checklist: record.checklist)
  verdict.take(conduct: record.conduct)
  return record.isDryRun ? verdict.ofDryRun : verdict
}

/// Writes the verdict on a run beside its evidence, and for each entry that fails the smallest evidence that still shows it.
///
/// - Throws: the error of the file that cannot be written, or, where something fails, of the evidence that cannot be read.
public func writeVerdict(
  _ verdict: DrillVerdict, in directory: RunDirectory, permitting permitted: Permissions = .none
) throws {
  try writeFile(directory.verdict, encodeJSON(verdict, pretty: true))
  guard verdict.overall == .fail else { return }
  let evidence = try RunRecord(reading: directory).evidence(permitting: permitted)
  for witness in minimalWitnesses(of: evidence, verdict) {
    try writeFile("\(directory.path)/\(witness.name)", encodeJSON(witness, pretty: true))
  }
}

extension DrillVerdict {
  /// What is said of a run in which nothing was armed: what held proves nothing.
  var ofDryRun: DrillVerdict {
    var verdict = self
    for index in verdict.items.indices {
      guard case .pass(let coverage) = verdict.items[index].verdict else { continue }
      verdict.items[index].verdict = .vacuous(
        Vacuity("dry run, nothing was armed; without a fault it held: \(coverage.sentence)"))
    }
    verdict.overall = max(verdict.overall, .vacuous)
    return verdict
  }
}

extension RunRecord {
  /// The items of the scenario's checklist.
  public var checklist: [Checks.ChecklistItem] {
    scenario.checklist.compactMap { Checks.ChecklistItem(rawValue: $0.item.rawValue) }
  }

  /// The evidence, under a contract that permits more.
  fileprivate func evidence(permitting permitted: Permissions) -> Evidence {
    var evidence = evidence
    evidence.contract.permissions = evidence.contract.permissions.union(permitted)
    return evidence
  }
}
