internal import Agents
internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// How far apart the nodes of one partition are cut.
let cutSkewMeasure = Measure(
  name: "cut-skew", summary: "a region of 3 nodes cut off from a fourth: time between the first and the last node's cut"
) { bench in
  try await withNodes(4) { nodes in
    let agents = try nodes.map { node in
      (node, try NamespaceAgent(node: node.name, namespace: node.namespace, undo: nil) { _ in })
    }
    let faults = Disturbance.cut(nodes.prefix(3).map(\.side), from: [nodes[3].side]).faults(
      id: "cut", run: "bench\(getpid())", timing: .init(lease: .seconds(60)))
    var commits = Samples()
    var bounds = Samples()
    for round in 0..<bench.size(quick: 10, full: 500) {
      let receipts = try await withThrowingTaskGroup(of: ArmReceipt.self) { group in
        for (node, agent) in agents.prefix(3) {
          guard let fault = faults.first(where: { $0.node == node.name }) else { continue }
          group.addTask { try await agent.arm(fault) }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      guard receipts.count == 3 else { throw Problem(.fail, "\(receipts.count) of 3 nodes were cut") }
      let armed = receipts.map(\.armedAtNanoseconds).sorted()
      let sent = receipts.map(\.sentAtNanoseconds).sorted()
      // The first round makes threads and sockets warm.
      if round > 0 {
        commits.add(armed[2] - armed[0])
        bounds.add(armed[2] - sent[0])
      }
      for (_, agent) in agents.prefix(3) { _ = try await agent.disarm("cut") }
    }
    for (_, agent) in agents { await agent.close() }
    return [
      Figure(what: "first to last of 3 nodes, by when each kernel had done it", samples: commits),
      Figure(what: "upper bound: first batch sent to last one done", samples: bounds),
    ]
  }
}
