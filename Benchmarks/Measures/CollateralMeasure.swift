internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// What a fault costs those it does not mean.
let collateralMeasure = Measure(
  name: "collateral", summary: "a TCP stream between two nodes while a fault is in force against a third"
) { bench in
  try await withNodes(3) { nodes in
    let agents = try AgentMaker(nodes, keeper: try bench.keeper())
    let targets = Fault.Targets(peers: nodes[2].addresses)
    func fault(_ what: String, _ inbound: Fault.Effect?, _ outbound: Fault.Effect? = nil) -> Fault {
      Fault(
        id: what, run: "bench\(getpid())", node: nodes[0].name, inbound: inbound, outbound: outbound,
        targets: targets, timing: .init(lease: .seconds(300)))
    }
    let loss = Fault.Effect(loss: .random(probability: 0.1))
    let delay = Fault.Effect(delay: .init(.milliseconds(50)))
    let rate = Fault.Effect(rate: .init(bytesPerSecond: 1_250_000))
    var rows: [(what: String, fault: Fault?, samples: Samples)] = [
      ("no fault", nil, Samples()),
      ("cut", fault("cut", .drop), Samples()),
      ("cut both ways, at this node", fault("cut-both", .drop, .drop), Samples()),
      ("10 % loss both ways", fault("loss", loss, loss), Samples()),
      ("50 ms both ways", fault("delay", delay, delay), Samples()),
      ("10 Mbit/s both ways", fault("rate", rate, rate), Samples()),
    ]
    var random = SeededRandom(seed: bench.seed, for: "collateral")
    let megabytes = bench.size(quick: 64, full: 512)
    for round in 0..<bench.size(quick: 2, full: 12) {
      for place in rows.indices.shuffled(using: &random) {
        if let fault = rows[place].fault { try await agents.arm(fault) }
        let took = try await onOwnThread("stream") {
          // Into the faulted node and out of it.
          try StreamPath(from: nodes[1], to: nodes[0], port: UInt16(9400 + round)).transfer(megabytes << 20)
            + StreamPath(from: nodes[0], to: nodes[1], port: UInt16(9400 + round)).transfer(megabytes << 20)
        }
        rows[place].samples.add(took / Int64(2 * megabytes))
        if let fault = rows[place].fault { try await agents.disarm(fault) }
      }
    }
    try await agents.close()
    return rows.map { row in
      let share = row.samples.median.flatMap { own in rows[0].samples.median.map { Double($0) / Double(own) } } ?? 0
      return Figure(
        what: "MiB of a bystander's stream, \(row.what)", samples: row.samples, base: rows[0].samples,
        note: row.fault == nil ? "" : "\(fixed(share, 2)) of the throughput without")
    }
  }
}
