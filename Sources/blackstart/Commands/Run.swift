internal import Drill
internal import Lab
internal import Reports
internal import Scenarios
internal import Stacks
internal import Support

extension Commands {
  /// `blackstart run`
  static let run = Command(
    name: "run", operands: ["SCENARIO"],
    summary: "Runs a drill: breaks the system, lets it recover, proves whether it did.",
    details: """
      Leaves a run directory with the journal, the history, the servers' own state, the verdict and its reports. Ctrl-C takes
      the faults back, takes the lab down and keeps the evidence.

      --plant makes the system under drill wrong on purpose, to see the checklist fail: \
      \(StackPlant.allCases.map(\.rawValue).joined(separator: ", ")).
      """,
    options: planOptions + [
      Option(name: "--plant", value: "NAME", help: "make the stack wrong on purpose; may be repeated", repeats: true),
      Option(name: "--run-dir", value: "DIR", help: "where the evidence goes (runs/<time>-<scenario>-<digits>)"),
      Option(name: "--keep-lab", help: "leave the lab standing afterwards"),
      Option(name: "--json", help: "print progress and verdict as JSON Lines"),
      stateOption,
    ]
  ) { invocation, tool in
    let (loaded, plan) = try resolve(invocation)
    let plants = try invocation.all("--plant").map(plant)
    if let twice = plants.first(where: { one in plants.count(where: { $0 == one }) > 1 }) {
      throw Problem(.usage, "--plant \(twice.rawValue) was given twice", fix: "give it once")
    }
    try checkMachine()  // before the directory is made, so that a wrong start leaves nothing
    let wall = Timebase.system.wall()
    let name = RunDirectory.name(
      scenario: plan.scenario.metadata.name, wall: wall, nonce: UInt16.random(in: 0 ... .max))
    let directory = try RunDirectory(creating: invocation.value("--run-dir") ?? "runs/\(name)")
    for remark in loaded.remarks { tool.console.note("\(remark)\n") }

    let view = LiveView(console: tool.console, isJSON: invocation.has("--json"), plan: plan)
    let request = DrillRequest(
      scenarioBytes: loaded.bytes, plan: plan, plants: plants, directory: directory,
      stateDirectory: stateDirectory(invocation), program: try ownExecutable(), keepsLab: invocation.has("--keep-lab"),
      observer: { view.take($0) })
    let ended = try await cancellable(console: tool.console) { try await runDrill(request) }
    view.finish()
    let outcome = try ended.outcome.get()
    if let problem = outcome.problem, ended.termination == nil || problem.code == .recoveryIncomplete {
      tool.console.note("\(problem)\n")
    }
    let summary = try summarizeRun(in: directory, verdict: outcome.verdict)
    var code = outcome.code
    do { try writeReports(summary, to: directory) } catch {
      let problem = unwritten(directory, error)
      tool.console.note("\(problem)\n")
      if code == .pass { code = problem.code }
    }
    if invocation.has("--json") {
      tool.console.print(try jsonReport(summary) + "\n")
    } else {
      tool.console.print(terminalReport(summary, color: tool.console.hasColor))
    }
    // What may remain outranks everything, then the signal, then what the drill came to.
    if code == .recoveryIncomplete { return code }
    return ended.termination?.code ?? code
  }

  private static func plant(_ name: String) throws(Problem) -> StackPlant {
    if let plant = StackPlant(rawValue: name) { return plant }
    let names = StackPlant.allCases.map(\.rawValue)
    throw Problem(
      .usage, "there is no plant '\(name)'",
      fix: (nearest(name, in: names).map { "did you mean '\($0)'? " } ?? "")
        + "plants: \(names.joined(separator: ", "))")
  }
}
