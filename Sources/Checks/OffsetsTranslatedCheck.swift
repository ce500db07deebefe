internal import Events

/// Checklist item `offsets-translated` (taxonomy M6, M7, M9 to M11, M18, M19; domain 33).
///
/// Every checkpoint and every position that a group has in the mirror must follow from the sync points that were recorded, by the
/// mirror's own rules: it skips nothing, and what is read again stays within the bound that the same sync points give. What is
/// judged, and how, is ``TranslationOracle``'s, ``SyncTruthCheck``'s and that of the rows beside them; this item says for how many
/// groups there was something to judge, what was missing, and whether it could have failed.
///
/// Where the offsets of both logs are the same, a raw copy looks like a translation: then the item is vacuous.
struct OffsetsTranslatedCheck: Check {
  private var last: Int64 = 0

  init(_ facts: Facts) {}

  mutating func take(_ operation: Operation) { last = max(last, ended(operation)) }

  func judge(_ facts: Facts) -> Judgement {
    var result = Judgement()
    let view = MirrorView(
      truth: facts.truth, faults: facts.faults, milestones: facts.milestones, objectives: facts.objectives,
      pauses: facts.pauses,
      end: facts.milestones.quiescent ?? last)
    var (checkpoints, positions, distinguishing, partitions) = (0, 0, 0, 0)
    for flow in facts.roles.mirrors {
      guard let records = view.records(of: flow) else {
        if facts.truth.logs[flow.from] == nil { result.missing.append("records of the partitions of \(flow)") }
        continue
      }
      let evidence = MirrorEvidence(partitionsOf: view, flow, records)
      var checks = MirrorChecks(evidence.expectations)
      for event in evidence.events { checks.take(event) }
      for (_, partition) in checks.partitions.sorted(by: { $0.key < $1.key }) {
        let oracle = partition.oracle
        checkpoints += oracle.checkpoints
        positions += oracle.positions
        distinguishing += oracle.distinguishing
        partitions += oracle.checkpoints + oracle.positions > 0 ? 1 : 0
        result.missing += oracle.missing
        for figure in partition.undershoot.figures.values.sorted(by: { $0.group < $1.group }) {
          result.measures.append(
            Measure("\(partition.place) records \(figure.group) would read again", Double(figure.last), "records"))
        }
      }
      result.findings += checks.drain().filter { $0.anomaly == Anomaly.translationUnexplained.rawValue }
      result.missing += evidence.missing[.translationUnexplained] ?? []
    }
    let isCarriedByPartition = facts.roles.mirrors.contains { view.records(of: $0) != nil }
    if facts.roles.mirrors.isEmpty {
      result.missing.append("a mirror: the topology names none")
    } else if !isCarriedByPartition {
      result.vacuity = "the mirrors of this stack carry rows, not partitions, and translate no offsets"
    } else if checkpoints + positions == 0, result.missing.isEmpty {
      result.missing.append("a group that committed at the source of a mirror")
    } else if distinguishing == 0 {
      result.vacuity =
        "translated and raw offsets are the same in all \(counted(checkpoints + positions, "case")): a raw copy would pass, too"
    }
    result.failure = result.findings.first?.what ?? ""
    result.trials = Count("checkpoints and positions", checkpoints + positions)
    result.coverage = Coverage(
      "\(counted(checkpoints, "checkpoint")) and \(counted(positions, "position")) of groups in "
        + "\(counted(partitions, "partition")) follow from the recorded sync points; in \(grouped(distinguishing)) of them a raw "
        + "copy would have been seen",
      counts: [
        Count("checkpoints and positions", checkpoints + positions), Count("where raw offsets differ", distinguishing),
      ])
    return result
  }
}
