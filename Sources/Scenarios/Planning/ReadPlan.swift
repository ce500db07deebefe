public import Support

/// Reads a plan that was written as JSON (`plan.json` of a run, or one that was reviewed).
///
/// The scenario inside is checked again: a plan may have been edited, and what a run relies on must hold all the same.
///
/// - Throws: ``Support/Problem`` with exit code 2 when it is no plan, or one of a form that this version does not know.
public func readPlan(_ bytes: [UInt8], file: String) throws(Problem) -> Plan {
  let format: Int
  do {
    struct Head: Decodable { var format: Int }
    format = try decodeJSON(Head.self, from: bytes).format
  } catch {
    throw Problem(.usage, at: file, "is no plan", fix: "write one with: blackstart plan --json SCENARIO")
  }
  guard format == Plan.currentFormat else {
    throw Problem(
      .usage, at: file, "is a plan of form \(format); this version knows form \(Plan.currentFormat)",
      fix: "plan the scenario again with this version")
  }
  let plan: Plan
  do {
    plan = try decodeJSON(Plan.self, from: bytes)
  } catch {
    throw Problem(.usage, at: file, "is no whole plan: \(error)", fix: "plan the scenario again")
  }
  let errors = check(plan.scenario, at: SourceMap(file: file)).filter { $0.severity == .error }
  if let first = errors.first {
    throw Problem(.usage, at: file, "\(first.path): \(first.what)", fix: first.fix)
  }
  // A plan whose faults are not those of its timeline was edited in one of the two places only.
  let written = plan.scenario.schedule().entries.map(\.entry)
  guard plan.seed == plan.scenario.seed, written == plan.faults.map(\.entry) else {
    throw Problem(
      .usage, at: file, "its faults are not those that its timeline comes to", fix: "plan the scenario again")
  }
  return plan
}
