import Glibc
import Scenarios
import Support
import Testing

/// What comes into a scenario from outside: variables, included files, secrets.
@Suite struct InputTests {
  private func load(_ text: String, _ inputs: ScenarioInputs = ScenarioInputs()) throws -> LoadedScenario {
    try parseScenario(Array(text.utf8), file: "drill.yaml", inputs: inputs)
  }

  /// How long the first entry of the timeline lasts.
  private func hold(_ scenario: Scenario) -> Duration? {
    guard case .entry(let entry)? = scenario.timeline.first else { return nil }
    return entry.stop.longest
  }

  private static let variable = scenario([
    ("seed: 7", "seed: 7\nvariables:\n  hold: { type: duration, default: 40s }\n  cut-off: { type: region }"),
    ("region: east, from: all, for: 40s", "region: \"${cut-off}\", from: all, for: \"${hold}\""),
  ])

  @Test func aVariableIsGivenByOptionThenFileThenEnvironmentThenDefault() throws {
    func text(_ given: [GivenVariable], _ environment: [String: String]) throws -> String {
      let inputs = ScenarioInputs(
        variables: [GivenVariable(name: "cut-off", value: "east", origin: "--var")] + given, environment: environment)
      return try #require(hold(load(Self.variable, inputs).scenario)).text
    }
    let environment = ["BLACKSTART_VAR_hold": "45s"]
    let file = GivenVariable(name: "hold", value: "50s", origin: "vars.yaml:1:1")
    #expect(try text([], [:]) == "40s")
    #expect(try text([], environment) == "45s")
    #expect(try text([file], environment) == "50s")
    #expect(try text([file, GivenVariable(option: "hold=55s")], environment) == "55s")
  }

  @Test func aVariableOfTheEnvironmentHasUnderscores() throws {
    let inputs = ScenarioInputs(environment: ["BLACKSTART_VAR_cut_off": "east"])
    let scenario = try load(Self.variable, inputs).scenario
    #expect(
      scenario.variables == [
        Variable(name: "hold", kind: .duration, value: "40s"),
        Variable(name: "cut-off", kind: .region, value: "east", isGiven: true),
      ])
  }

  @Test(arguments: [
    (
      ["cut-off=east", "hold=soon"],
      """
      drill.yaml:6:9: error: variables.hold: --var gives the variable 'hold' a wrong value: expected a duration such as 250ms, 10s or 5m, found 'soon'
      """
    ),
    (
      ["cut-of=east"],
      """
      drill.yaml:1:1: error: --var gives a value to the variable 'cut-of', which the scenario does not declare
        fix: did you mean 'cut-off'? declared: hold, cut-off
      drill.yaml:7:12: error: variables.cut-off: the variable 'cut-off' has no value
        fix: give it one, --var cut-off=…, or a default in the scenario
      """
    ),
    (
      ["cut-off=ost"],
      """
      drill.yaml:7:3: error: variables.cut-off: there is no region 'ost'
        fix: regions: east, eu, ap
      drill.yaml:33:55: error: timeline[0].region: there is no region 'ost'
        fix: regions: east, eu, ap
      """
    ),
  ]) func aWrongValueIsNamed(options: [String], message: String) throws {
    let inputs = ScenarioInputs(variables: try options.map { try GivenVariable(option: $0) })
    #expect(problem { _ = try load(Self.variable, inputs) } == message)
  }

  @Test func twoCharactersStandForThemselves() throws {
    let text = scenario([("description: A drill.", "description: 'costs $${x} and $5'")])
    #expect(try load(text).scenario.metadata.description == "costs ${x} and $5")
  }

  /// A file of references to a long value would grow without a limit.
  @Test func variablesDoNotMakeABomb() throws {
    let long = String(repeating: "x", count: 4000)
    let references = String(repeating: "${a}", count: 4000)
    let text = scenario([
      ("seed: 7", "seed: 7\nvariables: { a: { type: text, default: \(long) } }"),
      ("description: A drill.", "description: '\(references)'"),
    ])
    #expect(
      problem { _ = try load(text) }?.contains("with its variables written out the scenario is too large") == true)
  }

  private func including(_ files: [String: String]) -> ScenarioInputs {
    ScenarioInputs(include: { path throws(Problem) in
      guard let text = files[path] else { throw Problem(.usage, at: path, "cannot be opened: no such file") }
      return Array(text.utf8)
    })
  }

  private static let shared =
    "ownership:\n  orders: { normal: east, failover: eu }\nstack: { kind: postgres-etcd, lease: { ttl: 20s } }\n"
  private static let main = scenario([
    ("ownership:\n  orders: { normal: east, failover: eu }\n", "include: [parts/shared.yaml]\n")
  ])

  @Test func whatIsIncludedBelongsToTheScenarioAndStandsBelowIt() throws {
    let loaded = try load(Self.main, including(["parts/shared.yaml": Self.shared]))
    #expect(loaded.scenario.ownership.map(\.topic) == ["orders"])
    #expect(loaded.scenario.stack.leaseTTL == .seconds(10), "its own word counts")
    #expect(loaded.includes.map(\.path) == ["parts/shared.yaml"])
    #expect(try makePlan(loaded, tool: "test").includes == loaded.includes)
  }

  @Test func aMistakeIsShownInTheFileThatHasIt() throws {
    let files = ["parts/shared.yaml": Self.shared.replacing("failover: eu", with: "failover: ue")]
    #expect(
      problem { _ = try load(Self.main, including(files)) }?.hasPrefix(
        "parts/shared.yaml:2:37: error: ownership.orders.failover: there is no region 'ue'") == true)
    let broken = ["parts/shared.yaml": "ownership: [\n"]
    #expect(
      problem { _ = try load(Self.main, including(broken)) }?.hasPrefix("parts/shared.yaml:2:1: error: broken YAML")
        == true)
  }

  @Test func aFileThatIncludesItselfIsRefused() throws {
    let files = [
      "parts/shared.yaml": "include: [../a.yaml]\n", "a.yaml": "include: [./b.yaml]\n", "b.yaml": "include: [a.yaml]\n",
    ]
    #expect(
      problem { _ = try load(Self.main, including(files)) }?.contains(
        "b.yaml:1:11: error: include[0]: includes itself: a.yaml → b.yaml → a.yaml") == true)
  }

  @Test func endlessIncludesEnd() throws {
    let deep = ScenarioInputs(include: { path throws(Problem) in
      let number = Int(path.dropLast(5)) ?? 0
      return Array("include: [\(number + 1).yaml]\n".utf8)
    })
    let text = Self.main.replacing("parts/shared.yaml", with: "1.yaml")
    #expect(problem { _ = try load(text, deep) }?.contains("more than 8 deep") == true)
    let many = (1...20).map { "\($0).yaml" }
    let files = Dictionary(uniqueKeysWithValues: many.map { ($0, "{}\n") })
    let wide = Self.main.replacing("parts/shared.yaml", with: many.joined(separator: ", "))
    #expect(problem { _ = try load(wide, including(files)) }?.contains("more than 16 files are included") == true)
  }

  @Test func twoIncludedFilesMayNotSayTheSame() throws {
    let files = ["one.yaml": Self.shared, "two.yaml": "stack: { kind: postgres-etcd }\n"]
    let text = Self.main.replacing("parts/shared.yaml", with: "one.yaml, two.yaml")
    #expect(
      problem { _ = try load(text, including(files)) }?.contains(
        "two.yaml:1:16: error: stack.kind: two included files both say this; the other is one.yaml:3:16") == true)
    // One file included twice says one thing.
    let twice = Self.main.replacing("parts/shared.yaml", with: "one.yaml, one.yaml")
    #expect(try load(twice, including(files)).scenario.ownership.count == 1)
  }

  @Test func aMissingFileIsNamedWhereItIsIncluded() throws {
    #expect(
      problem { _ = try load(Self.main, including([:])) }?.contains(
        "drill.yaml:11:11: error: include[0]: 'parts/shared.yaml' cannot be opened: no such file") == true)
  }

  @Test func aFileOfVariablesIsRead() throws {
    let path = scratch("vars.yaml")
    write("hold: 55s\ncut-off: east\n", to: path)
    defer { unlink(path) }
    let given = try readVariables(at: path)
    #expect(given.map(\.value) == ["55s", "east"])
    #expect(given.first?.origin == "\(path):1:1")
    #expect(try hold(load(Self.variable, ScenarioInputs(variables: given)).scenario) == .seconds(55))
    write("hold: [55s]\nx: {}\n", to: path)
    #expect(
      problem { _ = try readVariables(at: path) } == """
        \(path):1:7: error: hold: expected a value, found a list
        \(path):2:4: error: x: expected a value, found a mapping
        """)
  }

  /// A secret stands in no value of a scenario, so it can stand in no plan and no journal.
  @Test func aSecretStaysAReference() throws {
    let text = scenario([
      (
        "recovery:",
        """
        secrets: { token: { env: API_TOKEN }, key: { file: /run/key } }
        probes: { api: { http: { url: 'http://h/', headers: { Authorization: 'Bearer ${secret:token}' } } } }
        recovery:
        """
      )
    ])
    let loaded = try load(text, ScenarioInputs(environment: ["API_TOKEN": "hunter2"]))
    let plan = String(decoding: try encodeJSON(makePlan(loaded, tool: "test")), as: UTF8.self)
    #expect(plan.contains("${secret:token}") && plan.contains("API_TOKEN") && !plan.contains("hunter2"))
    guard case .http(let call) = loaded.scenario.probes[0].question else { return }
    let header = try #require(call.headers.first)
    #expect(header.value.secrets == ["token"])
    #expect(header.value.resolved(secret: { "<\($0)>" }, fact: { $0 }) == "Bearer <token>")
  }
}
