internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// One node that is cut off from few and from many.
let peersMeasure = Measure(
  name: "peers", summary: "one node cut off from 1 to 100,000 peers, by us, by nft, and by a rule each"
) { bench in
  try await withNodes(2) { nodes in
    let node = nodes[0]
    guard let real = nodes[1].addresses.first(where: { $0.family == .v4 }) else { return [] }
    let path = try DatagramPath(from: nodes[1], to: node, port: 9602)
    let agents = try AgentMaker([node])
    let scripts = RuleScripts(workspace: bench.workspace)
    let watch = try TableWatch([node.namespace])
    defer { watch.close() }
    var figures: [Figure] = []
    for (count, quick, full) in [(1, 10, 200), (100, 10, 100), (10_000, 3, 30), (100_000, 2, 10)] {
      var random = SeededRandom(seed: bench.seed, for: "peers \(count)")
      let fault = Fault(
        id: "cut\(count)", run: "bench\(getpid())", node: node.name, inbound: .drop,
        targets: .init(peers: drawPeers(count - 1, &random) + [real]),
        // A heartbeat is a change, and a list of 100,000 elements is read anew after each.
        timing: .init(lease: .seconds(60), heartbeat: .seconds(10), silence: .seconds(40)))
      var makers: [any RuleMaker] = [agents]
      for tool in [RuleScripts.Tool.nft, .restore] where RuleScripts.available.present.contains(tool) {
        // A rule each for 100,000 takes seconds; twice of that is enough for a few samples.
        if tool == .restore, count > 10_000, bench.isQuick { continue }
        makers.append(
          try ProgramMaker(tool.rawValue, faults: [fault], nodes: nodes, workspace: bench.workspace) {
            try scripts.script(tool, $0)
          })
      }
      let contest = Contest(makers: makers, faults: [fault]) { isArmed in
        // Rules that have no set are known by what becomes of packets alone.
        let peers = try watch.peers()
        guard peers == 0 || (isArmed && peers == count) else {
          throw Problem(.fail, at: fault.id, "\(peers) peers are cut off, not \(isArmed ? count : 0)")
        }
        guard try isDeaf(path) == isArmed else {
          throw Problem(.fail, at: fault.id, isArmed ? "armed, it lets packets pass" : "disarmed, it stops packets")
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
