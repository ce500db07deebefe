internal import Support

/// What an item needs to be judged, and what it is worth without it.
func plannedEvidence(for entry: ChecklistEntry, in scenario: Scenario) -> PlannedEvidence {
  let primary = scenario.primary
  let survivor = scenario.survivor
  let freshness = scenario.stack.mirrorFreshness.text
  let ttl = scenario.stack.leaseTTL
  switch entry.item {
  case .mirrorLagZero:
    return PlannedEvidence(
      item: entry.item,
      level: "within \((entry.within ?? .zero).text) of heal, freshness \(freshness)",
      needs: [
        "both logs read by event id, all through the run", "dumps of both stores at quiescence",
        "a mirror that fell behind during the fault",
      ],
      otherwise: "INCONCLUSIVE without the logs, VACUOUS when no mirror fell behind")
  case .steadyStateRecovered:
    return PlannedEvidence(
      item: entry.item,
      level: "all of it again within \((entry.within ?? scenario.recovery.within).text) of heal, to the end",
      needs: [
        "a look at \(listed(scenario.steadyState.expect.map { "\($0)" })) each half second, before, during and after the faults"
      ],
      otherwise: "INCONCLUSIVE without data before, during or after them")
  case .noDuplicates:
    return PlannedEvidence(
      item: entry.item, level: "none, in any log", needs: ["dumps of both stores at quiescence"],
      otherwise: "INCONCLUSIVE without a dump")
  case .noAcknowledgedLoss:
    let worst = scenario.stack.mirrorFreshness + ttl
    return PlannedEvidence(
      item: entry.item,
      level: (entry.rpo.map { "rpo \($0.text)" } ?? "rpo reported, not judged")
        + ", worst case by design \(worst.text) = mirror lag \(freshness) + lease \(ttl.text)",
      needs: [
        "every acknowledged write in the history", "the survivor's dump at quiescence",
        "the position at which \(survivor) was sealed",
      ],
      otherwise: "INCONCLUSIVE without the dump or when the recorder dropped operations")
  case .staleTokenRejected where scenario.workload.oldLeader == nil:
    return PlannedEvidence(
      item: entry.item, level: "every attempt without the current token refused",
      needs: [
        "attempts with no, stale and never granted tokens at \(listed(scenario.guardedSurfaces)), before, during and after the"
          + " faults", "the guards' logs of decisions", "the election's grants",
      ],
      otherwise: "INCONCLUSIVE for a guard that nobody tried")
  case .noUnfencedSchemaChange:
    return PlannedEvidence(
      item: entry.item, level: "no change but those that a guard let pass",
      needs: [
        "the subjects and versions of every registry before, during and after the faults",
        "attempts through the guards and around them", "the guards' logs of decisions",
      ],
      otherwise: "INCONCLUSIVE for a registry that nobody tried or looked into")
  case .outboxComplete:
    return PlannedEvidence(
      item: entry.item, level: "every row carried, once, in its aggregate's order",
      needs: [
        "the outbox of \(listed(scenario.topology.names(with: .store))) at quiescence, row by row",
        "the topic \(OutboxSettings.topic), read to its end", "rows written while a fault is in force",
      ],
      otherwise: "INCONCLUSIVE without one of the dumps, VACUOUS when nothing was written under a fault")
  case .staleTokenRejected:
    return PlannedEvidence(
      item: entry.item, level: "every attempt refused, before and after heal",
      needs: [
        "attempts with the old token on \(listed(scenario.topology.names(with: .store))), before and after heal",
        "each store's own log with its tokens and seals",
      ],
      otherwise: "INCONCLUSIVE for a store that nobody tried")
  case .electionWithinTTL:
    let margin = entry.margin ?? .zero
    return PlannedEvidence(
      item: entry.item,
      level:
        "\((ttl + margin).text) = ttl \(ttl.text) + \(margin.text); \((ttl * 2 + margin).text) if etcd's own leader"
        + " was in \(primary)",
      needs: ["the moment the cut was in force", "the first write acknowledged under a higher token"],
      otherwise: "INCONCLUSIVE when the fault was not proven in force")
  case .orderPerAggregate:
    return PlannedEvidence(
      item: entry.item, level: "no step back, in any log",
      needs: ["dumps of both stores at quiescence", "keys written under both tokens"],
      otherwise: "VACUOUS when no key was written on both sides of the switch")
  case .consumerProgress:
    let names = scenario.workload.consumers.map(\.name)
    return PlannedEvidence(
      item: entry.item, level: "nothing skipped, nothing twice",
      needs: ["the applied events of \(listed(names))", "dumps of the stores they read"],
      otherwise: "INCONCLUSIVE for a consumer that applied nothing")
  case .writeAuthorityStays:
    return PlannedEvidence(
      item: entry.item, level: "no switch: \(primary) writes under one token all through",
      needs: ["the election's grants", "writes acknowledged while a fault is in force"],
      otherwise: "INCONCLUSIVE without the grants, VACUOUS when nobody wrote under a fault")
  case .offsetsTranslated:
    return PlannedEvidence(
      item: entry.item, level: "nothing skipped, nothing read again that the sync points do not explain",
      needs: [
        "the mirrors' sync points and checkpoints from the first on", "groups' offsets at both ends",
        "offsets that differ between the two logs",
      ],
      otherwise: "INCONCLUSIVE without sync points, VACUOUS where translated and raw offsets are the same")
  }
}

extension Scenario {
  /// What stands behind guards, guard by guard.
  fileprivate var guardedSurfaces: [String] {
    StackSettings.Guarded.allCases.filter(stack.isGuarded).flatMap { guarded in
      topology.names(with: .store).map { "the \(guarded.rawValue) guard of \($0)" }
    }
  }
}
