public import Support

/// Resolves a checked scenario into exactly what a run will do. Pure: looks at nothing but its arguments.
///
/// - Parameters:
///   - loaded: the scenario with its remarks.
///   - tool: the version of this tool, for the record.
///   - seed: a seed in place of the scenario's own.
///   - figures: the drill's own times.
/// - Throws: the mistakes that the timeline has with `seed` and would not have with the scenario's own.
public func makePlan(
  _ loaded: LoadedScenario, tool: String, seed: UInt64? = nil, figures: PlanningFigures = PlanningFigures()
) throws(Problems) -> Plan {
  var scenario = loaded.scenario
  if let seed, seed != scenario.seed {
    scenario.seed = seed
    // What is drawn from the seed was checked with another one.
    let errors = check(scenario, at: loaded.places).filter { $0.severity == .error }
    guard errors.isEmpty else { throw Problems(errors.map(\.problem)) }
  }
  let schedule = scenario.schedule()
  let back = Schedule(of: [], runbook: scenario.failback.map { Runbook(steps: $0.steps) })
  return Plan(
    format: Plan.currentFormat, tool: tool, scenario: scenario, scenarioDigest: loaded.digest,
    includes: loaded.includes, seed: scenario.seed, nodes: nodes(of: scenario.topology),
    phases: phases(of: scenario, schedule, back, figures),
    faults: schedule.entries.map { plannedFault($0, in: scenario, figures) },
    concurrentFaults: schedule.mostConcurrent.count, runbook: plannedSteps(scenario.runbook, schedule.steps),
    failback: plannedSteps(scenario.failback, back.steps), communications: plannedMessages(scenario, schedule),
    evidence: scenario.checklist.map { plannedEvidence(for: $0, in: scenario) },
    blastRadius: blastRadius(of: scenario, schedule),
    attached: plannedClusters(scenario, longest: scenario.safety.maxDuration), remarks: loaded.remarks)
}

private func nodes(of topology: Topology) -> [PlannedNode] {
  switch topology.ground {
  case .lab: topology.regions.enumerated().map { PlannedNode(region: $1, index: $0 + 1) }
  case .inventory: topology.hosts.enumerated().map { PlannedNode(host: $1, index: $0 + 1) }
  }
}

/// The phases one after the other; each begins when the one before is expected to end.
private func phases(
  of scenario: Scenario, _ schedule: Schedule, _ back: Schedule, _ figures: PlanningFigures
) -> [PlannedPhase] {
  let steady = scenario.steadyState.hold
  let timeline = max(schedule.through, schedule.stepsThrough)
  let expected = max(schedule.expectedThrough, schedule.stepsExpected)
  let after = scenario.steadyState.after?.within
  let recovery = scenario.recovery.within
  var parts: [(name: String, expected: Duration, limit: Duration, what: String)] = [
    (
      "preflight", figures.preflight.expected, figures.preflight.limit,
      scenario.stack.attach == nil
        ? "build the lab, check every part"
        : "look at the clusters; whatever is wrong there ends the run before it begins"
    ),
    (
      "baseline", figures.settling.expected + steady, figures.settling.limit + steady,
      "the steady state must hold for \(steady.text), or nothing is injected"
    ),
    ("timeline", expected, timeline, "arm the faults, verify that they bite, keep writing and probing"),
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
      scenario.stack.attach == nil
        ? "judge the evidence, write the reports, take the lab down"
        : "judge the evidence, write the reports, remove what was made in the clusters"
    ),
  ]
  if scenario.failback != nil {
    parts.insert(
      ("failback", back.stepsExpected, back.stepsThrough, "the way back, step by step, with its gates"), at: 5)
  }
  if let after {
    parts.insert(("afterwards", .zero, after, "the steady state must hold again"), at: parts.count - 2)
  }
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
  let beyond = schedule.entries.flatMap { $0.entry.fault.link?.peers.set.beyond ?? [] }
  return BlastRadius(
    disturbed: names.filter(disturbed.contains), bystanders: names.filter { !disturbed.contains($0) },
    limit: scenario.safety.maxRegions, nodes: scenario.disturbedNodes(schedule.entries),
    beyond: beyond.isEmpty ? nil : Array(Set(beyond)).sorted())
}
