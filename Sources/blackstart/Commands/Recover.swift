internal import Lab
internal import Support

/// Where labs keep their state.
let stateOption = Option(
  name: "--state", value: "DIR", help: "where labs keep their state (\(LabSurroundings.defaultStateDirectory))")

/// The state directory of this command line.
func stateDirectory(_ invocation: Invocation) -> String {
  invocation.value("--state") ?? LabSurroundings.defaultStateDirectory
}

extension Commands {
  /// `blackstart recover`
  static let recover = Command(
    name: "recover",
    summary: "Removes whatever a killed run left behind: processes, namespaces, directories.",
    details: """
      Faults need no recovery: the kernel ended them with the process that held them. Labs that somebody answers for (a run
      that goes on, a lab kept by `lab up`) are left alone unless --force is given. Can be called at any time, any number of
      times, from any state.
      """,
    options: [
      Option(name: "--list", help: "only say what is there"),
      Option(name: "--force", help: "also remove labs that are kept or in use"),
      stateOption,
    ]
  ) { invocation, tool in
    let state = stateDirectory(invocation)
    if invocation.has("--list") {
      let labs = try await Lab.list(stateDirectory: state)
      if labs.isEmpty { tool.console.print("Nothing is held.\n") }
      for lab in labs {
        tool.console.print("lab \(lab.id): \(lab.standing), \(lab.directory)\n")
        for name in lab.namespaces { tool.console.print("  namespace \(name)\n") }
        for process in lab.processes { tool.console.print("  process \(process)\n") }
      }
      return .pass
    }
    let removed = try await Lab.recover(stateDirectory: state, force: invocation.has("--force"))
    for line in removed { tool.console.print("removed \(line)\n") }
    if removed.isEmpty { tool.console.print("There was nothing to remove.\n") }
    return .pass
  }
}
