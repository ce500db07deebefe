internal import Faults
internal import Glibc
internal import Support

/// One region against two others, both families.
let partitionMeasure = Measure(
  name: "partition", summary: "one region cut off from two others, IPv4 and IPv6, by us and by other tools"
) { bench in
  try await withNodes(3) { nodes in
    let faults = Disturbance.cut([nodes[0].side], from: nodes.dropFirst().map(\.side)).faults(
      id: "cut", run: "bench\(getpid())", timing: .init(lease: .seconds(60)))
    let scripts = RuleScripts(workspace: bench.workspace)
    let agents = try AgentMaker(nodes)
    let others = try RuleScripts.available.present.map { tool in
      try ProgramMaker(tool.rawValue, faults: faults, nodes: nodes, workspace: bench.workspace) {
        try scripts.script(tool, $0)
      }
    }
    let probe = try ReachabilityProbe(nodes.map(\.endpoint))
    let region = nodes[0].name
    let contest = Contest(makers: [agents] + others, faults: faults) { isArmed in
      let wrong = try await probe.measure().contradictions { from, to in
        !isArmed || (from != region && to != region)
      }
      if !wrong.isEmpty {
        throw Problem(
          .fail, "\(isArmed ? "armed" : "disarmed"), it does not do what it should: \(wrong.joined(separator: "; "))")
      }
    }
    var random = SeededRandom(seed: bench.seed, for: "partition")
    let figures = try await contest.run("3 nodes", rounds: bench.size(quick: 5, full: 100), random: &random)
    try await agents.close()
    let absent = RuleScripts.available.absent.map {
      Figure(what: "arm 3 nodes, \($0.rawValue)", samples: Samples(), note: "not installed")
    }
    return figures + absent
  }
}
