internal import Drill
internal import Faults
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
    summary: "Removes whatever a killed run left behind: devices of faults, processes, namespaces, directories.",
    details: """
      The kernel ends every fault with the process that held it, and a guardian process takes away what that leaves on a node.
      This is for the rest: both killed, the lab of a run that was killed, topics and groups that it made in standing clusters. What somebody answers for (a run that goes on, a
      lab kept by `lab up`) is left alone unless --force is given. Can be called at any time, any number of times, from any
      state, also after a reboot.
      """,
    options: [
      Option(name: "--list", help: "only say what is held where, since when and by whom"),
      Option(name: "--force", help: "also what is held, kept or in use; a process that holds faults is ended"),
      stateOption,
    ]
  ) { invocation, tool in
    let state = stateDirectory(invocation)
    if invocation.has("--list") {
      let faults = try await onOwnThread("undo-list") { try UndoRecovery.list(stateDirectory: state) }
      let labs = try await Lab.list(stateDirectory: state)
      let attached = try AttachedRecovery.list(stateDirectory: state)
      for run in attached {
        tool.console.print("standing clusters, run \(run.run): \(run.isHeld ? "held" : "abandoned")\n")
        for line in run.lines { tool.console.print("  \(line)\n") }
      }
      if labs.isEmpty, faults.isEmpty, attached.isEmpty { tool.console.print("Nothing is held.\n") }
      for line in faults.flatMap(lines) { tool.console.print("\(line)\n") }
      for lab in labs {
        tool.console.print("lab \(lab.id): \(lab.standing), \(lab.directory)\n")
        for name in lab.namespaces { tool.console.print("  namespace \(name)\n") }
        for process in lab.processes { tool.console.print("  process \(process)\n") }
        for other in lab.others { tool.console.print("  \(other)\n") }
      }
      return .pass
    }
    let force = invocation.has("--force")
    // Faults first: their devices are in the namespaces of labs. A failure there must not keep the labs standing.
    var failures: [Problem] = []
    var done: [String] = []
    let faults = try await onOwnThread("undo") { try UndoRecovery.attempt(stateDirectory: state, force: force) }
    done += faults.done
    failures += faults.failures
    do {
      done += try await AttachedRecovery.recover(stateDirectory: state, force: force).map { "removed \($0)" }
    } catch let problem as Problem { failures.append(problem) }
    done += try await Lab.recover(stateDirectory: state, force: force).map { "removed \($0)" }
    for line in done { tool.console.print("\(line)\n") }
    if !failures.isEmpty { throw Problems(failures) }
    if done.isEmpty { tool.console.print("There was nothing to remove.\n") }
    return .pass
  }

  /// What one process holds or left, for people.
  private static func lines(_ listing: UndoListing) -> [String] {
    let standing = listing.isHeld ? "held by \(listing.process)" : "abandoned by \(listing.process)"
    return ["faults of run \(listing.run): \(standing)"]
      + listing.items.flatMap { item in
        let failure = item.failure.map { ", the guardian failed: \($0)" } ?? ""
        let lease = Duration.milliseconds(item.leaseMilliseconds).brief
        return [
          "  fault \(item.fault) on node \(item.node), \(item.place), since \(item.since), lease \(lease)\(failure)"
        ]
          + item.objects.map { "    \($0)" }
      } + listing.defects.map { "  journal: \($0)" }
  }
}
