internal import Agents
internal import Checks
internal import Events
internal import Glibc
internal import Scenarios
internal import Stacks
internal import Support

/// Runs a drill from preflight to verdict.
///
/// Whatever happens, faults are disarmed and verified gone, the lab goes down, and the evidence so far is judged; only then
/// this returns. Cancelling the caller's task ends the run early in just that way.
///
/// - Throws: ``Problem`` when the run directory itself cannot be written; nothing has been touched then.
public func runDrill(_ request: DrillRequest) async throws -> DrillOutcome {
  try refuseUnsupported(request.plan, plants: request.plants)
  let directory = request.directory
  let journal: Journal
  let recorder: HistoryRecorder
  let live = LiveChecks(repeats: request.plan.scenario.stack.mirroring?.delivery == .atLeastOnce)
  do {
    if let sources = request.sources { try directory.keep(sources) }
    try writeFile(directory.plan, encodeJSON(request.plan, pretty: true))
    journal = try Journal(creating: directory.journal, timebase: request.timebase, observer: request.observer)
    recorder = try HistoryRecorder(
      path: directory.history, runID: request.runID, clock: request.timebase.monotonic, wall: request.timebase.wall,
      onBatch: { live.take($0) })
  } catch {
    throw Problem(
      .usage, at: directory.path, "the run's evidence cannot be written: \(error); nothing was touched",
      fix: "free space, or name another directory with --run-dir")
  }

  let run = DrillRun(request: request, journal: journal, recorder: recorder, live: live)
  var problem: Problem?
  do {
    try await withRollback(limitPerStep: .seconds(20), clock: request.clock) { undo in
      try await run.perform(undo)
    }
  } catch {
    problem = explain(error, of: request)
  }
  if problem == nil, let error = run.failureOfJournal { problem = explain(error, of: request) }

  // From here on nothing is in force any more; a caller that was cancelled still gets its verdict.
  let ended = problem
  return await shielded {
    await conclude(request, run: run, journal: journal, recorder: recorder, problem: ended)
  }
}

/// What an error of the run means for the person who started it. Only here it is known that all was taken back, so nobody who throws
/// claims it.
private func explain(_ error: any Error, of request: DrillRequest) -> Problem {
  let directory = request.directory
  func aborted(_ problem: Problem) -> Problem {
    var problem = problem
    problem.what += "; all faults are verified gone"
    return problem
  }
  switch error {
  case let problem as Problem:
    return problem.code == .aborted ? aborted(problem) : problem
  case let problems as Problems:
    return problems.items.first ?? Problem(.faultNotApplied, "\(problems)")
  case let failure as RollbackFailure:
    // What a lab leaves is on this machine, as is the list of what was made in standing clusters; hosts have their own.
    let isLab = request.plan.scenario.topology.ground == .lab
    return Problem(
      .recoveryIncomplete, words(of: failure),
      fix: isLab
        ? "blackstart recover removes what is left; blackstart recover --list shows it"
        : "do on each host what is said of it; blackstart recover here removes what was made in standing clusters")
  case let loss as AgentLost:
    return aborted(
      Problem(
        .aborted, at: "host \(loss.node)", "\(loss). The run ends early",
        fix: "see why in \(directory.logs)/agent-\(loss.node).log"))
  case is CancellationError:
    return aborted(Problem(.aborted, "the run was stopped"))
  case let error as SystemError where error.object.hasPrefix(directory.path):
    return Problem(
      .inconclusive, at: error.object,
      "the evidence cannot be kept any more: \(error). The run ends early; all faults are verified gone, and the verdict is "
        + "made from what was written before",
      fix: "free space, or name another directory with --run-dir, then run again")
  default:
    return aborted(Problem(.aborted, "the run could not go on: \(error)"))
  }
}

/// What could not be taken back. One cause can keep several things, and is told once.
private func words(of failure: RollbackFailure) -> String {
  var causes: [(error: String, names: [String])] = []
  for item in failure.items {
    if let index = causes.firstIndex(where: { $0.error == item.error }) {
      causes[index].names.append(item.name)
    } else {
      causes.append((item.error, [item.name]))
    }
  }
  let lines = causes.map { "could not undo \($0.names.joined(separator: ", ")): \($0.error)" }
  return (lines + (failure.cause.map { ["after: \($0)"] } ?? [])).joined(separator: "\n")
}

private func conclude(
  _ request: DrillRequest, run: DrillRun, journal: Journal, recorder: HistoryRecorder, problem: Problem?
) async -> DrillOutcome {
  var problem = problem
  // Evidence that cannot be completed must not hide the verdict on what there is: the first such failure is reported.
  func attempt(_ what: String, _ body: () async throws -> Void) async {
    do { try await body() } catch {
      problem = problem ?? Problem(.inconclusive, at: request.directory.path, "\(what): \(error)")
    }
  }
  if let problem {
    await attempt("the journal could not be written") { try await journal.record(RunAborted(reason: problem.what)) }
  }
  if !run.hasClosedHistory {
    await attempt("the history could not be closed") {
      try await recorder.close()
      try await journal.record(HistoryClosed(operations: recorder.state.recorded, dropped: recorder.state.dropped))
    }
  }
  await attempt("the journal could not be written") { try await journal.record(PhaseEntered(phase: .verdict)) }
  var verdict: DrillVerdict?
  await attempt("the evidence could not be judged") {
    verdict = try judgeRun(in: request.directory)
  }
  await attempt("the verdict could not be written") {
    if let verdict { try writeVerdict(verdict, in: request.directory) }
  }
  let code = problem?.code ?? verdict?.exitCode ?? .inconclusive
  await attempt("the journal could not be written") { try await journal.record(RunEnded(code: code.rawValue)) }
  return DrillOutcome(code: problem?.code ?? code, verdict: verdict, problem: problem)
}
