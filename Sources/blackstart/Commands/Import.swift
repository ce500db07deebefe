internal import Glibc
internal import Scenarios
internal import Support

private let importOptions = [
  Option(name: "--map", value: "FILE", help: "which regions its selectors and hosts mean; docs/import.md has the form"),
  Option(name: "--output", value: "FILE", help: "write the scenario there; it must not exist yet (standard output)"),
  Option(name: "--partial", help: "leave out what cannot be expressed, and say so, instead of refusing the file"),
  Option(name: "--endless", value: "D", help: "how long a fault lasts that has no end there (30s)"),
  Option(name: "--times", value: "N", help: "how often something is done that is done for ever there (3)"),
  Option(name: "--seed", value: "N", help: "from which choices follow that are left to chance there (1)"),
]

private let importDetails = """
  What cannot be expressed is refused by name, as file:line:column, and nothing is written. What is something else here than
  it was there is remarked on standard error and stands at the head of the scenario.
  """

extension Commands {
  /// `blackstart import chaos-mesh`
  static let importChaosMesh = Command(
    name: "import chaos-mesh", operands: ["FILE"],
    summary: "Makes a scenario of Chaos Mesh's objects. Touches nothing.",
    details: importDetails, options: importOptions
  ) { invocation, tool in
    try runImport(invocation, tool) { bytes, file, map, options throws(Problems) in
      try Scenarios.importChaosMesh(bytes, file: file, map: map, options: options)
    }
  }

  /// `blackstart import chaos-toolkit`
  static let importChaosToolkit = Command(
    name: "import chaos-toolkit", operands: ["FILE"],
    summary: "Makes a scenario of a Chaos Toolkit experiment, in JSON or YAML. Touches nothing.",
    details: importDetails, options: importOptions
  ) { invocation, tool in
    try runImport(invocation, tool) { bytes, file, map, options throws(Problems) in
      try Scenarios.importChaosToolkit(bytes, file: file, map: map, options: options)
    }
  }
}

private func runImport(
  _ invocation: Invocation, _ tool: Tool,
  _ make: ([UInt8], String, ImportMap, ImportOptions) throws(Problems) -> ImportedScenario
) throws -> ExitCode {
  let file = invocation.operands[0]
  var options = ImportOptions(isPartial: invocation.has("--partial"))
  if let text = invocation.value("--endless") {
    options.endless = try Duration(text: text)
    guard options.endless > .zero else { throw Problem(.usage, "--endless must be longer than zero") }
  }
  if let text = invocation.value("--times") { options.repetitions = try number(text, of: "--times", in: 1...1000) }
  if let text = invocation.value("--seed") {
    options.seed = UInt64(try number(text, of: "--seed", in: 0...Int.max))
  }
  let map = try invocation.value("--map").map { try loadImportMap(at: $0) } ?? ImportMap()
  let made = try make(try readForeignFile(at: file), file, map, options)
  for remark in made.remarks { tool.console.note("\(remark)\n") }
  if let output = invocation.value("--output") {
    // A scenario that someone has worked on is not replaced by what a machine makes.
    guard access(output, F_OK) != 0 else {
      throw Problem(.usage, at: output, "is there already; it was left as it is", fix: "another name for --output")
    }
    try writeFile(output, Array(made.text.utf8))
    tool.console.note("\(output): written\n")
  } else {
    tool.console.print(made.text)
  }
  return .pass
}

private func number(_ text: String, of option: String, in range: ClosedRange<Int>) throws(Problem) -> Int {
  guard let number = Int(text), range.contains(number) else {
    throw Problem(.usage, "\(option) '\(text)' is not a whole number from \(range.lowerBound) to \(range.upperBound)")
  }
  return number
}
