internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// What the peers of others cost a packet that is not meant.
let packetCostMeasure = Measure(
  name: "packet-cost", summary: "a packet and a stream that pass beside a cut of 1 to 100,000 other peers"
) { bench in
  try await withNodes(2) { nodes in
    let agents = try AgentMaker(Array(nodes.prefix(1)))
    let scripts = RuleScripts(workspace: bench.workspace)
    var random = SeededRandom(seed: bench.seed, for: "packet-cost")
    var rows: [CostRow] = [CostRow(what: "no rule", maker: nil, fault: nil)]
    for count in [1, 100_000] {
      let fault = strangersFault(count, on: nodes[0], &random)
      rows.append(CostRow(what: "\(count) peers, agents (ours)", maker: agents, fault: fault))
    }
    for count in bench.isQuick ? [1000] : [1000, 10_000] where RuleScripts.available.present.contains(.restore) {
      let fault = strangersFault(count, on: nodes[0], &random)
      let maker = try ProgramMaker(
        RuleScripts.Tool.restore.rawValue, faults: [fault], nodes: nodes, workspace: bench.workspace
      ) { try scripts.script(.restore, $0) }
      rows.append(CostRow(what: "\(count) peers, a rule each (iptables)", maker: maker, fault: fault))
    }
    let rounds = bench.size(quick: 3, full: 18)
    for _ in 0..<rounds {
      for place in rows.indices.shuffled(using: &random) {
        if let fault = rows[place].fault { try await rows[place].maker?.arm(fault) }
        let (packet, megabyte) = try await onOwnThread("packets") { [isQuick = bench.isQuick] in
          try cost(from: nodes[1], to: nodes[0], isQuick: isQuick)
        }
        rows[place].packets.add(packet)
        rows[place].streams.add(megabyte)
        if let fault = rows[place].fault { try await rows[place].maker?.disarm(fault) }
      }
    }
    try await agents.close()
    let base = rows[0]
    return rows.map { row in
      let more = (row.packets.min ?? 0) - (base.packets.min ?? 0)
      return Figure(
        what: "64-byte datagram, \(row.what)", samples: row.packets, base: base.packets,
        note: row.fault == nil ? "" : "\(more) ns more (minima)")
    }
      + rows.map { Figure(what: "MiB of a TCP stream, \($0.what)", samples: $0.streams, base: base.streams) }
  }
}

/// One set of rules and what passing it costs.
private struct CostRow {
  var what: String
  var maker: (any RuleMaker)?
  var fault: Fault?
  /// Nanoseconds a datagram.
  var packets = Samples()
  /// Nanoseconds a MiB.
  var streams = Samples()
}

/// A cut of peers none of whom sends.
private func strangersFault(_ count: Int, on node: BenchNode, _ random: inout SeededRandom) -> Fault {
  Fault(
    id: "cost\(count)", run: "bench\(getpid())", node: node.name, inbound: .drop,
    targets: .init(peers: drawPeers(count, &random)), timing: .init(lease: .seconds(60)))
}

/// Nanoseconds a datagram, and a MiB of a stream.
private func cost(from: BenchNode, to: BenchNode, isQuick: Bool) throws -> (Int64, Int64) {
  let datagrams = isQuick ? 20_000 : 50_000
  let path = try DatagramPath(from: from, to: to, port: 9101)
  let (arrived, took) = try path.send(datagrams)
  guard arrived.count == datagrams else {
    throw Problem(.fail, at: to.name, "\(datagrams - arrived.count) datagrams were lost beside a cut of others")
  }
  let megabytes = isQuick ? 64 : 256
  let stream = try StreamPath(from: from, to: to, port: 9102)
  return (took / Int64(datagrams), try stream.transfer(megabytes << 20) / Int64(megabytes))
}
