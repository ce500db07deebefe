internal import Checks
internal import Drill
internal import Reports
internal import Support

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
    let verdict = try judgeRun(in: directory)
    try writeFile(directory.verdict, encodeJSON(verdict, pretty: true))
    let summary = try writeReports(of: directory)
    tool.console.print(
      invocation.has("--json") ? try jsonReport(summary) + "\n" : terminalReport(summary, color: tool.console.hasColor))
    return verdict.exitCode
  }
}
