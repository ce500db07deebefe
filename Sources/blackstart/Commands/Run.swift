internal import Drill
internal import Scenarios
internal import Stacks
internal import Support

extension Commands {
  /// `blackstart run`
  static let run = Command(
    name: "run", operands: ["[SCENARIO]"],
    summary: "Runs a drill: breaks the system, lets it recover, proves whether it did.",
    details: """
      Leaves a run directory with the journal, the history, the servers' own state, the verdict and its reports. Ctrl-C takes
      the faults back, takes the lab down and keeps the evidence.

      --plan runs a plan that was reviewed (plan --json) in place of a scenario, and refuses when this machine would do
      anything else. --repeat and --until-fail run the scenario again and again: the first run has the scenario's own seed, the
      others have seeds that follow from it; their directories are DIR/1, DIR/2, … where --run-dir is given.

      --plant makes the system under drill wrong on purpose, to see the checklist fail: \
      \(StackPlant.allCases.map(\.rawValue).joined(separator: ", ")).
      """,
    options: planOptions + [
      Option(name: "--plan", value: "FILE", help: "run this plan, and nothing else"),
      Option(name: "--plant", value: "NAME", help: "make the stack wrong on purpose; may be repeated", repeats: true),
      Option(name: "--repeat", value: "N", help: "run it N times with seeds that follow from its own, and sum up"),
      Option(name: "--until-fail", help: "end with the first run that fails; at most 1000 runs, or --repeat"),
    ] + drillOptions
  ) { invocation, tool in
    let options = try RunOptions(invocation, tool.console)
    let times = try count("--repeat", 1...100_000, invocation)
    let untilFail = invocation.has("--until-fail")
    let subject = try await subject(of: invocation)
    // Before a directory is made, so that a wrong start leaves nothing. On hosts it is their agents that need root.
    if subject.plan.scenario.topology.ground == .lab { try checkMachine() }
    for remark in subject.remarks { tool.console.note("\(remark)\n") }
    guard times != nil || untilFail else {
      let ended = try await performRun(subject, options, in: options.directory, tool)
      try show(ended, options, tool)
      return ended.code
    }
    guard invocation.value("--plan") == nil else {
      throw Problem(
        .usage, "--plan cannot be repeated with other seeds: what was reviewed has one",
        fix: "run the scenario, or leave --repeat and --until-fail out")
    }
    let features = try featuresOfThisMachine()
    let campaign = Campaign(seed: subject.plan.seed, count: times ?? 1000, untilFail: untilFail)
    return try await performRuns(campaign, options, tool) { seed in
      var next = subject
      next.plan = try resolvePlan(
        LoadedScenario(of: subject.plan), tool: Version.number, seed: seed, features: features, hosts: subject.hosts)
      return next
    }
  }

  /// What the command line names: a scenario, planned now, or a plan.
  private static func subject(of invocation: Invocation) async throws -> RunSubject {
    guard let file = invocation.value("--plan") else {
      guard !invocation.operands.isEmpty else {
        throw Problem(.usage, "'run' needs SCENARIO or --plan FILE", fix: "blackstart run SCENARIO [options]")
      }
      let (loaded, plan, hosts) = try await resolve(invocation)
      return RunSubject(plan: plan, sources: loaded.sources, remarks: loaded.remarks, hosts: hosts)
    }
    for option in planOptions.map(\.name) where invocation.has(option) {
      throw Problem(.usage, "\(option) would change the plan that --plan names", fix: "give one of the two")
    }
    let plan = try readPlanFile(file)
    let sources = try invocation.operands.first.map { try ScenarioSources(of: plan, at: $0) }
    let hosts = try await surveyHosts(plan.scenario.topology)
    return RunSubject(
      plan: try plan.confirmed(by: try featuresOfThisMachine(), hosts: hosts, at: file), sources: sources,
      remarks: plan.remarks, hosts: hosts)
  }
}

/// The plan in a file.
func readPlanFile(_ path: String) throws -> Plan {
  let bytes: [UInt8]
  do throws(SystemError) { bytes = try readFile(path) } catch {
    throw Problem(.usage, at: path, "the plan cannot be read: \(error)", fix: "write one with: blackstart plan --json")
  }
  return try readPlan(bytes, file: path)
}
