internal import Scenarios
internal import Support

extension Commands {
  /// `blackstart validate`
  static let validate = Command(
    name: "validate", operands: ["SCENARIO"],
    summary: "Checks a scenario and names every mistake in it. Touches nothing.",
    details: """
      Reads the file, and reports all mistakes in one pass as file:line:column, with what was expected and the nearest valid
      name. Warnings do not fail the check.
      """,
    options: variableOptions + [Option(name: "--json", help: "print the remarks as JSON")]
  ) { invocation, tool in
    let loaded = try loadScenario(of: invocation)
    if invocation.has("--json") {
      tool.console.print(String(decoding: try encodeJSON(loaded.remarks, pretty: true), as: UTF8.self) + "\n")
    } else {
      for remark in loaded.remarks { tool.console.note("\(remark)\n") }
      tool.console.print("\(invocation.operands[0]): valid\n")
    }
    return .pass
  }
}
