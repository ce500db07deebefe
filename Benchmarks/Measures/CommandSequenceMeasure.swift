internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// One node that does not hear another, made as other tools make it, command by command.
let commandSequenceMeasure = Measure(
  name: "commands", summary: "one node deaf to 1 and to 100 peers, by us and by the commands that Chaos Mesh runs"
) { bench in
  try await withNodes(2) { nodes in
    guard ChaosMeshScript.programs.allSatisfy(Program.isInstalled),
      let peer = nodes[1].addresses.first(where: { $0.family == .v4 })
    else {
      return [Figure(what: "ipset, iptables, ip, tc", samples: Samples(), note: "not installed")]
    }
    let path = try DatagramPath(from: nodes[1], to: nodes[0], port: 9601)
    let agents = try AgentMaker(Array(nodes.prefix(1)))
    let scripts = RuleScripts(workspace: bench.workspace)
    var figures: [Figure] = []
    for (count, quick, full) in [(1, 3, 50), (100, 1, 10)] {
      var random = SeededRandom(seed: bench.seed, for: "commands \(count)")
      let fault = Fault(
        id: "cm\(count)", run: "bench\(getpid())", node: nodes[0].name, inbound: .drop,
        targets: .init(peers: drawPeers(count - 1, &random) + [peer]), timing: .init(lease: .seconds(60)))
      func maker(
        _ name: String, _ script: @escaping (Fault) throws -> ProgramMaker.Script
      ) throws -> ProgramMaker {
        try ProgramMaker(name, faults: [fault], nodes: nodes, workspace: bench.workspace, script)
      }
      var makers: [any RuleMaker] = [agents]
      for tool in [RuleScripts.Tool.nft, .restore] where RuleScripts.available.present.contains(tool) {
        makers.append(try maker(tool.rawValue) { try scripts.script(tool, $0) })
      }
      makers.append(try maker("ipset, iptables, ip, tc as Chaos Mesh runs them") { ChaosMeshScript($0).script })
      let contest = Contest(makers: makers, faults: [fault]) { isArmed in
        guard try isDeaf(path) == isArmed else {
          throw Problem(.fail, at: fault.id, isArmed ? "armed, it lets packets pass" : "disarmed, it stops packets")
        }
      }
      figures += try await contest.run(
        "\(count) peer\(count == 1 ? "" : "s")", rounds: bench.size(quick: quick, full: full), random: &random)
    }
    try await agents.close()
    let executed = try await onOwnThread("strace") {
      try executedPrograms(on: nodes[0], against: peer, workspace: bench.workspace)
    }
    if let executed, executed > 0 { throw Problem(.fail, "arming and disarming executed \(executed) programs") }
    figures.append(
      Figure(
        what: "programs executed by ours, under strace", samples: Samples(),
        note: executed.map { "\($0) execve" } ?? "strace is not installed"))
    return figures
  }
}

/// Whether none of 20 datagrams arrives.
func isDeaf(_ path: DatagramPath) throws -> Bool {
  // What was on its way before may still come.
  usleep(2000)
  _ = try path.arrived()
  for _ in 0..<20 {
    if try path.passes() { return false }
    usleep(500)
  }
  return true
}
