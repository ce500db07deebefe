internal import Scenarios
internal import Support

extension Commands {
  /// `blackstart schema`
  static let schema = Command(
    name: "schema",
    summary: "Prints the JSON Schema of scenarios, for editors and other tools.",
    details: """
      Draft 2020-12. It knows every key and the form of every value; what depends on the rest of a scenario (names that must
      exist, arithmetic, order) is what validate checks.
      """
  ) { _, tool in
    tool.console.print(String(decoding: try scenarioSchema(), as: UTF8.self) + "\n")
    return .pass
  }
}
