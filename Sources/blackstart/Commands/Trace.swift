internal import Drill
internal import Events
internal import Reports
internal import Support

extension Commands {
  /// `blackstart trace`
  static let trace = Command(
    name: "trace", operands: ["EVENT", "[RUN]"],
    summary: "Tells what became of one event: published, acknowledged, replicated, processed, reconciled.",
    details: """
      EVENT is an id as reports and witnesses show it, such as p3-142: producer 3, its event 142. RUN is a run directory; without \
      it, the newest one below runs/.
      """,
    options: [
      Option(name: "--runs", value: "DIR", help: "where the newest run is looked for (runs)"),
      Option(name: "--json", help: "print the lineage as JSON"),
    ]
  ) { invocation, tool in
    let text = invocation.operands[0]
    guard let event = EventID(text), event != .none else {
      throw Problem(
        .usage, "'\(text)' is no event id", fix: "write it as reports do: p3-142 is event 142 of producer 3")
    }
    let path = try invocation.operands.dropFirst().first ?? newestRun(in: invocation.value("--runs") ?? "runs")
    let directory = try RunDirectory(opening: path)
    let found: (lineage: Lineage, start: Int64)
    do { found = try Drill.trace(event, in: directory) } catch let error as SystemError {
      throw Problem(
        .usage, at: path, "this run cannot be traced, for a file of it cannot be read: \(error)",
        fix: "bring the whole directory, as the run left it")
    }
    tool.console.print(
      invocation.has("--json")
        ? String(decoding: try encodeJSON(found.lineage, pretty: true), as: UTF8.self) + "\n"
        : lineageText(found.lineage, since: found.start, color: tool.console.hasColor))
    return .pass
  }

  /// The run directory whose name, which begins with the time, comes last.
  private static func newestRun(in runs: String) throws(Problem) -> String {
    let names: [String]
    do throws(SystemError) { names = try listDirectory(runs) } catch {
      throw Problem(.usage, at: runs, "there are no runs: \(error)", fix: "name a run directory")
    }
    guard let newest = names.filter({ fileExists("\(runs)/\($0)/journal.jsonl") }).max() else {
      throw Problem(.usage, at: runs, "there is no run in it", fix: "name a run directory")
    }
    return "\(runs)/\(newest)"
  }
}
