internal import Drill
internal import Scenarios
internal import Support

/// `blackstart doctor --kafka SCENARIO`
func examineKafka(_ invocation: Invocation, _ tool: Tool) async throws -> ExitCode {
  let file = invocation.value("--kafka") ?? ""
  let findings = try await examineClusters(of: loadScenario(at: file, invocation).scenario)
  let wrong = findings.count { $0.standing == .wrong }
  if invocation.has("--json") {
    tool.console.print(String(decoding: try encodeJSON(findings, pretty: true), as: UTF8.self) + "\n")
    return wrong == 0 ? .pass : .faultNotApplied
  }
  let width = (findings.map(\.subject.count).max() ?? 0) + 2
  for finding in findings {
    let mark =
      switch finding.standing {
      case .fine: "ok      "
      case .remark: "note    "
      case .wrong: "WRONG   "
      }
    let pad = String(repeating: " ", count: width - finding.subject.count)
    tool.console.print("\(mark)\(finding.subject)\(pad)\(finding.detail)\n")
    if let fix = finding.fix { tool.console.print("        \(String(repeating: " ", count: width))fix: \(fix)\n") }
  }
  tool.console.print(
    wrong == 0 ? "A drill can run on these clusters.\n" : "No drill can run on these clusters: \(wrong) wrong.\n")
  return wrong == 0 ? .pass : .faultNotApplied
}
