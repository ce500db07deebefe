internal import Drill
internal import Support

extension Commands {
  /// `blackstart approve`
  static let approve = Command(
    name: "approve", operands: ["RUN", "STEP"],
    summary: "Decides about a step of a runbook for which a run waits.",
    details: """
      For who does not sit at the run's own terminal. The decision is left in the run directory and is part of its evidence; it \
      counts once. A step that names a person is for that person to decide.
      """,
    options: [
      Option(name: "--by", value: "NAME", help: "who decides (required)"),
      Option(name: "--reject", value: "REASON", help: "say no, and why"),
    ]
  ) { invocation, tool in
    guard let name = invocation.value("--by") else {
      throw Problem(.usage, "a decision needs a name", fix: "--by NAME")
    }
    let directory = try RunDirectory(opening: invocation.operands[0])
    let reason = invocation.value("--reject")
    try directory.decide(invocation.operands[1], Decision(isApproved: reason == nil, by: name, reason: reason))
    tool.console.print("\(invocation.operands[1]): \(reason == nil ? "approved" : "rejected") by \(name)\n")
    return .pass
  }
}
