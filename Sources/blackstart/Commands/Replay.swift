internal import Drill
internal import Scenarios
internal import Stacks
internal import Support

extension Commands {
  /// `blackstart replay`
  static let replay = Command(
    name: "replay", operands: ["RUN"],
    summary: "Runs the plan of an earlier run again: the same faults, times and seed.",
    details: """
      The stack is made wrong in the same way where that run did so. Refuses when this machine would do anything else than what
      was planned.
      """,
    options: drillOptions
  ) { invocation, tool in
    var options = try RunOptions(invocation, tool.console)
    let directory = try RunDirectory(opening: invocation.operands[0])
    let earlier = try await earlierRun(directory)
    options.plants = earlier.plants
    if earlier.subject.plan.scenario.topology.ground == .lab { try checkMachine() }
    let ended = try await performRun(earlier.subject, options, in: options.directory, tool)
    try show(ended, options, tool)
    return ended.code
  }
}

/// What an earlier run ran, and with which plants; refused when this machine would do otherwise.
func earlierRun(_ directory: RunDirectory) async throws -> (subject: RunSubject, plants: [StackPlant]) {
  let planned = try readPlanFile(directory.plan)
  let hosts = try await surveyHosts(planned.scenario.topology)
  let plan = try planned.confirmed(by: try featuresOfThisMachine(), hosts: hosts, at: directory.plan)
  let started = try startOfRun(directory)
  let plants = try started.plants.map { name in
    guard let plant = StackPlant(rawValue: name) else {
      throw Problem(.usage, at: directory.path, "this version cannot make the stack wrong by '\(name)'")
    }
    return plant
  }
  return (RunSubject(plan: plan, sources: try directory.sources(), remarks: plan.remarks, hosts: hosts), plants)
}

private func startOfRun(_ directory: RunDirectory) throws -> RunStarted {
  let contents = try JournalContents(path: directory.journal)
  guard let started = contents.records.lazy.compactMap({ $0.decoded(RunStarted.self) }).first else {
    throw Problem(.usage, at: directory.journal, "the journal does not say how the run was started")
  }
  return started
}
