internal import Checks
internal import Drill
internal import Reports
internal import Support

/// What to say when reports cannot be put beside the evidence: it may be archived, or its disk full.
func unwritten(_ directory: RunDirectory, _ error: any Error) -> Problem {
  Problem(
    .inconclusive, at: directory.path, "the reports could not be written: \(error); the evidence stays as it is",
    fix: "make it writable, with room, then: blackstart report \(directory.path)")
}

extension Commands {
  /// `blackstart report`
  static let report = Command(
    name: "report", operands: ["[RUN]"],
    summary: "Judges a run directory again and renders its reports; without one, lists the runs.",
    details: "Needs nothing but the directory: what was recorded is what is judged.",
    options: [
      Option(name: "--runs", value: "DIR", help: "where runs are listed from (runs)"),
      Option(name: "--json", help: "print the summary as JSON"),
    ]
  ) { invocation, tool in
    guard let path = invocation.operands.first else {
      let index = try RunIndex(path: "\(invocation.value("--runs") ?? "runs")/index.sqlite")
      tool.console.print(indexText(try index.runs(limit: 50)))
      return .pass
    }
    let directory = try RunDirectory(opening: path)
    let verdict: DrillVerdict
    let summary: RunSummary
    do {
      verdict = try judgeRun(in: directory)
      summary = try summarizeRun(in: directory, verdict: verdict)
    } catch let error as SystemError {
      throw Problem(
        .usage, at: path, "this run cannot be judged, for a file of it cannot be read: \(error); nothing was changed",
        fix: "bring the whole directory, as the run left it")
    }
    do {
      try writeVerdict(verdict, in: directory)
      try writeReports(summary, to: directory)
    } catch {
      tool.console.note("\(unwritten(directory, error))\n")
    }
    tool.console.print(
      invocation.has("--json") ? try jsonReport(summary) + "\n" : terminalReport(summary, color: tool.console.hasColor))
    return verdict.exitCode
  }
}
