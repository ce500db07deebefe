internal import Scenarios
internal import Support

/// Options that give a scenario's variables their values.
let variableOptions = [
  Option(name: "--var", value: "NAME=VALUE", help: "give a variable its value; may be repeated", repeats: true),
  Option(
    name: "--var-file", value: "FILE", help: "give variables the values in this YAML mapping; may be repeated",
    repeats: true),
]

/// Reads the scenario that the command line names, with the variables that it and the environment give.
func loadScenario(of invocation: Invocation) throws -> LoadedScenario {
  try loadScenario(at: invocation.operands[0], invocation)
}

/// Reads the scenario at `path`, likewise.
func loadScenario(at path: String, _ invocation: Invocation) throws -> LoadedScenario {
  var given = try invocation.all("--var-file").flatMap { try readVariables(at: $0) }
  for option in invocation.all("--var") { given.append(try GivenVariable(option: option)) }
  return try loadScenario(
    at: path, variables: given, environment: try variablesOfEnvironment())
}

/// The part of this process's environment that is meant for scenarios.
private func variablesOfEnvironment() throws -> [String: String] {
  let text = try readFile("/proc/self/environ")
  let pairs = text.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
    .filter { $0.hasPrefix("BLACKSTART_VAR_") }
    .map { $0.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init) }
  return Dictionary(
    pairs.compactMap { $0.count == 2 ? ($0[0], $0[1]) : nil }, uniquingKeysWith: { one, _ in one })
}
