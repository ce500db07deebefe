internal import Drill
internal import Faults
internal import Glibc
internal import Netlink
internal import Scenarios
internal import Support

/// Options that change what a plan says, shared by `plan` and `run`.
let planOptions =
  [Option(name: "--seed", value: "N", help: "use this seed in place of the scenario's own")] + variableOptions

/// Reads a scenario and resolves it, with the options of the command line.
func resolve(_ invocation: Invocation) async throws -> (loaded: LoadedScenario, plan: Plan, hosts: NodeSurvey) {
  let loaded = try loadScenario(of: invocation)
  var seed: UInt64?
  if let text = invocation.value("--seed") {
    // The range of a scenario's own seed, which every JSON reader can hold.
    guard let number = Int64(text), number >= 0 else {
      throw Problem(.usage, "--seed '\(text)' is no seed", fix: "a whole number from 0 to \(Int64.max)")
    }
    seed = UInt64(number)
  }
  let hosts = try await surveyHosts(loaded.scenario.topology)
  let plan = try resolvePlan(
    loaded, tool: Version.number, seed: seed, features: try featuresOfThisMachine(), hosts: hosts)
  return (loaded, plan, hosts)
}

/// What the kernel of this machine can do for faults, asked in a network namespace without a name that is gone at once.
/// Without root nothing can be asked, and a plan that needs more than nf_tables says so.
func featuresOfThisMachine() throws -> KernelFeatures {
  geteuid() == 0 ? try KernelFeatures.probe() : NodeProfile.unknown.features
}

extension Commands {
  /// `blackstart plan`
  static let plan = Command(
    name: "plan", operands: ["SCENARIO"],
    summary: "Prints exactly what a run would do: nodes, kernel objects, times, evidence.",
    details: """
      The same scenario, seed and kernel give the same bytes. Nothing is touched: what the kernel can do is asked in a network
      namespace of its own, and only by root. Of an inventory the hosts are asked, through their agents.

      --diff prints, in place of the plan, what another one says differently: a plan (plan --json), or the plan of a run.
      """,
    options: planOptions + [
      Option(name: "--json", help: "print the plan as JSON, as it will stand in plan.json"),
      Option(name: "--diff", value: "OTHER", help: "compare with a plan file or the plan of a run directory"),
    ]
  ) { invocation, tool in
    let (loaded, plan, _) = try await resolve(invocation)
    if let other = invocation.value("--diff") {
      let differences = try Self.plan(at: other).differences(to: plan)
      if invocation.has("--json") {
        tool.console.print(String(decoding: try encodeJSON(differences, pretty: true), as: UTF8.self) + "\n")
      } else {
        let lines = differences.isEmpty ? ["the plan is that of \(other)"] : differences.map(\.description)
        tool.console.print(lines.joined(separator: "\n") + "\n")
      }
    } else if invocation.has("--json") {
      tool.console.print(String(decoding: try encodeJSON(plan, pretty: true), as: UTF8.self) + "\n")
    } else {
      for remark in loaded.remarks { tool.console.note("\(remark)\n") }
      tool.console.print(planText(plan))
    }
    return .pass
  }

  /// The plan in a file, or of a run.
  private static func plan(at path: String) throws -> Plan {
    let isRun = fileExists("\(path)/plan.json")
    let file = isRun ? "\(path)/plan.json" : path
    do { return try readPlan(readFile(file), file: file) } catch let error as SystemError {
      throw Problem(.usage, at: file, "cannot be read: \(error)", fix: "name a plan file or a run directory")
    }
  }
}
