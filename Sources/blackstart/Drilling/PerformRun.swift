internal import Checks
internal import Drill
internal import Reports
internal import Scenarios
internal import Stacks
internal import Support

/// What is run: a plan, and the files of its scenario if those are at hand.
struct RunSubject: Sendable {
  var plan: Plan
  var sources: ScenarioSources?
  var remarks: [Diagnostic]
  /// What the hosts of an inventory said of themselves.
  var hosts = NodeSurvey()
}

/// How one run ended.
struct EndedRun: Sendable {
  var code: ExitCode
  var directory: RunDirectory
  var verdict: DrillVerdict?
  var summary: RunSummary
  /// Whether a signal asked for the end.
  var wasStopped: Bool
}

/// Runs one drill, shows it, and writes its reports.
///
/// - Parameter path: the run directory; `nil`: one below `runs`, named by time and scenario.
func performRun(_ subject: RunSubject, _ options: RunOptions, in path: String?, _ tool: Tool) async throws -> EndedRun {
  let plan = subject.plan
  let name = RunDirectory.name(
    scenario: plan.scenario.metadata.name, wall: Timebase.system.wall(), nonce: UInt16.random(in: 0 ... .max))
  let directory = try RunDirectory(creating: path ?? "runs/\(name)")
  let view = LiveView(console: tool.console, isJSON: options.isJSON, plan: plan)
  let console = tool.console
  var confirm: (@Sendable (String) async throws -> Void)?
  if options.asks { confirm = { what in try await console.confirm(what) } }
  var approve: (@Sendable (String) async throws -> Bool)?
  if console.canAsk { approve = { question in try await console.answer(question) } }
  let request = DrillRequest(
    sources: subject.sources, plan: plan, plants: options.plants, directory: directory,
    stateDirectory: options.state, program: try ownExecutable(), keepsLab: options.keepsLab, mode: options.mode,
    speed: options.speed, confirm: confirm, approve: approve, observer: { view.take($0) })
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
  // What may remain outranks everything, then the signal, then what the drill came to.
  if code != .recoveryIncomplete, let signal = ended.termination?.code { code = signal }
  return EndedRun(
    code: code, directory: directory, verdict: outcome.verdict, summary: summary, wasStopped: ended.termination != nil)
}

/// Prints what one run came to.
func show(_ ended: EndedRun, _ options: RunOptions, _ tool: Tool) throws {
  tool.console.print(
    options.isJSON
      ? try jsonReport(ended.summary) + "\n" : terminalReport(ended.summary, color: tool.console.hasColor))
}
