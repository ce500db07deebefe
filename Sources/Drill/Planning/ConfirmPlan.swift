public import Netlink
public import Scenarios
internal import Support

extension Plan {
  /// Checks that this machine would do exactly what the plan says: the scenario in it, planned again here with the same seed,
  /// must come to the same plan.
  ///
  /// - Parameters:
  ///   - features: what this machine's kernel can do.
  ///   - hosts: what the hosts of an inventory said of themselves.
  /// - Throws: ``Problem`` with ``ExitCode/usage`` that names the differences; nothing was touched then.
  public func confirmed(
    by features: KernelFeatures, hosts: NodeSurvey = NodeSurvey(), at place: String
  ) throws -> Plan {
    let here: Plan
    do {
      here = try resolvePlan(LoadedScenario(of: self), tool: tool, seed: seed, features: features, hosts: hosts)
    } catch {
      throw Problem(
        .usage, at: place, "this machine cannot do what was planned: \(error)\nNothing was touched.",
        fix: "plan the scenario again, on the machine that runs it")
    }
    let differences = try differences(to: here)
    guard !differences.isEmpty else { return self }
    let shown = differences.prefix(10).map { "\n  \($0)" }.joined()
    let rest = differences.count > 10 ? "\n  and \(differences.count - 10) more" : ""
    throw Problem(
      .usage, at: place,
      "this machine would not do what was planned (planned → here):\(shown)\(rest)\nNothing was touched.",
      fix: "plan the scenario again, on the machine that runs it, and have that reviewed")
  }
}
