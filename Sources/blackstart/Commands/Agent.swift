internal import Agents
internal import Drill
internal import Glibc
internal import Support

extension Commands {
  /// `blackstart agent`
  static let agent = Command(
    name: "agent",
    summary: "Serves one host to a drill elsewhere, over standard input and output.",
    details: """
      Not called by hand: a scenario's topology.inventory names the command that starts it, such as [ssh, db-1, blackstart,
      agent], and the drill starts that. Standard output carries messages only. No port is opened.

      When standard input ends, or the drill is silent for longer than its lease, all faults end, and what is left of them is
      told on standard error (exit status 5). docs/hosts.md says what it does to a host, and what it never does.
      """,
    options: [
      Option(name: "--state", value: "DIR", help: "where the undo journal is kept (as recover's)")
    ]
  ) { invocation, tool in
    // A signal ends the service, not the process: its faults must be verified gone first.
    let signals = try signalStream([Signal.interrupt, Signal.terminate, Signal.hangUp, Signal.quit])
    let state = stateDirectory(invocation)
    let executable = try ownExecutable()
    let console = tool.console
    let service = AgentService(
      input: 0, output: 1, program: try .current(), ready: try .ofThisMachine(stateDirectory: state)
    ) { order, send in
      guard geteuid() == 0 else {
        throw Problem(.usage, "an agent needs root: it makes nf_tables rules", fix: "start it with sudo -n")
      }
      return try ServedNode.current(
        for: order, stateDirectory: state, program: executable, report: { send(.event($0)) },
        note: { text in
          console.note("\(text)\n")
          send(.note(text))
        }, ask: { try await answer($0) })
    }
    let (end, left) = await withTaskGroup(of: (end: AgentEnd, left: [String])?.self) { group in
      group.addTask(name: "service") { await service.run() }
      group.addTask(name: "signals") {
        for await _ in signals { break }
        return nil
      }
      var ended: (end: AgentEnd, left: [String])?
      while ended == nil, let next = await group.next() {
        if next == nil { group.cancelAll() }  // the service then comes to its end
        ended = next
      }
      group.cancelAll()
      return ended ?? (.inputEnded, [])
    }
    if end != .goodbye { console.note("agent: \(end)\n") }
    guard left.isEmpty else {
      throw Problem(
        .recoveryIncomplete, "faults ended, but something is left on this host: \(left.joined(separator: "; "))",
        fix: "blackstart recover --state \(state)")
    }
    return switch end {
    case .goodbye, .inputEnded: .pass
    case .silent: .aborted
    case .refused, .broken: .usage
    }
  }
}
