internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// One node that is cut off from few and from many.
let peersMeasure = Measure(
  name: "peers", summary: "one node cut off from 1 to 100,000 peers, by us and by nft"
) { bench in
  try await withNodes(1) { nodes in
    let node = nodes[0]
    let agents = try AgentMaker(nodes)
    let scripts = RuleScripts(workspace: bench.workspace)
    let watch = try TableWatch([node.namespace])
    defer { watch.close() }
    var figures: [Figure] = []
    for (count, quick, full) in [(1, 10, 200), (100, 10, 100), (10_000, 3, 30), (100_000, 2, 10)] {
      var random = SeededRandom(seed: bench.seed, for: "peers \(count)")
      let fault = Fault(
        id: "cut\(count)", run: "bench\(getpid())", node: node.name, inbound: .drop,
        targets: .init(peers: drawPeers(count, &random)), timing: .init(lease: .seconds(60)))
      var makers: [any RuleMaker] = [agents]
      if RuleScripts.available.present.contains(.nft) {
        makers.append(
          try ProgramMaker(RuleScripts.Tool.nft.rawValue, faults: [fault], nodes: nodes, workspace: bench.workspace) {
            try scripts.script(.nft, $0)
          })
      }
      let contest = Contest(makers: makers, faults: [fault]) { isArmed in
        let peers = try watch.peers()
        guard peers == (isArmed ? count : 0) else {
          throw Problem(.fail, at: fault.id, "\(peers) peers are cut off, not \(isArmed ? count : 0)")
        }
      }
      let what = "\(count) peer\(count == 1 ? "" : "s")"
      figures += try await contest.run(what, rounds: bench.size(quick: quick, full: full), random: &random)
    }
    try await agents.close()
    return figures
  }
}

/// Different addresses of 172.16.0.0/12.
func drawPeers(_ count: Int, _ random: inout SeededRandom) -> [IPAddress] {
  var drawn: Set<UInt32> = []
  while drawn.count < count { drawn.insert(172 << 24 | 16 << 16 | UInt32.random(in: 1..<(1 << 20), using: &random)) }
  return drawn.sorted().map { .v4($0) }
}
