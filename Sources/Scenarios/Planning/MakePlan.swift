internal import Support

/// Resolves a checked scenario into exactly what a run will do. Pure: looks at nothing but its arguments.
///
/// - Parameters:
///   - loaded: the scenario with its remarks.
///   - tool: the version of this tool, for the record.
///   - seed: a seed in place of the scenario's own.
///   - figures: the drill's own times.
public func makePlan(
  _ loaded: LoadedScenario, tool: String, seed: UInt64? = nil, figures: PlanningFigures = PlanningFigures()
) -> Plan {
  var scenario = loaded.scenario
  if let seed { scenario.seed = seed }
  let schedule = scenario.schedule()
  let nodes = scenario.topology.regions.enumerated().map { PlannedNode(region: $1, index: $0 + 1) }
  return Plan(
    format: Plan.currentFormat, tool: tool, scenario: scenario, scenarioDigest: loaded.digest,
    seed: scenario.seed, nodes: nodes, phases: phases(of: scenario, schedule, figures),
    faults: schedule.entries.map { plannedFault($0, in: scenario, nodes, figures) },
    evidence: scenario.checklist.map { plannedEvidence(for: $0, in: scenario) },
    blastRadius: blastRadius(of: scenario, schedule), remarks: loaded.remarks)
}

/// The phases one after the other; each begins when the one before is expected to end.
private func phases(of scenario: Scenario, _ schedule: Schedule, _ figures: PlanningFigures) -> [PlannedPhase] {
  let steady = scenario.steadyState.hold
  let timeline = schedule.through
  let recovery = scenario.recovery.within
  let parts: [(name: String, expected: Duration, limit: Duration, what: String)] = [
    ("preflight", figures.preflight.expected, figures.preflight.limit, "build the lab, check every part"),
    (
      "baseline", figures.settling.expected + steady, figures.settling.limit + steady,
      "the steady state must hold for \(steady.text), or nothing is injected"
    ),
    ("timeline", timeline, timeline, "arm the faults, verify that they bite, keep writing and probing"),
    ("heal", figures.heal.expected, figures.heal.limit, "take the faults away, verify that nothing is left"),
    (
      "recovery", min(figures.recoveryExpected, recovery), recovery,
      "touch nothing; wait for the checklist's conditions"
    ),
    (
      "quiescence", figures.quiescence.expected, figures.quiescence.limit,
      "stop the workload, dump the ground truth, close the history"
    ),
    (
      "verdict", figures.verdict.expected, figures.verdict.limit,
      "judge the evidence, write the reports, take the lab down"
    ),
  ]
  var begins = Duration.zero
  return parts.map { part in
    defer { begins += part.expected }
    return PlannedPhase(
      name: part.name, begins: begins, expected: part.expected, limit: part.limit, what: part.what)
  }
}

private func blastRadius(of scenario: Scenario, _ schedule: Schedule) -> BlastRadius {
  let names = scenario.topology.regions.map(\.name)
  let disturbed = Set(schedule.entries.flatMap(\.entry.fault.disturbed))
  return BlastRadius(
    disturbed: names.filter(disturbed.contains), bystanders: names.filter { !disturbed.contains($0) },
    limit: scenario.safety.maxRegions)
}
