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
    // Into the faulted node and out of it, on connections that outlive every fault.
    let streams = [
      try StreamPath(from: nodes[1], to: nodes[0], port: 9400),
      try StreamPath(from: nodes[0], to: nodes[1], port: 9401),
    ]
    let bytes = bench.size(quick: 16, full: 64) << 20
    @Sendable func transfer() async throws -> Int64 {
      try await onOwnThread("stream") { try streams.reduce(0) { try $0 + $1.transfer(bytes) } }
    }
    var rows = bystanderFaults(nodes).map { Pairs(fault: $0) }
    var random = SeededRandom(seed: bench.seed, for: "collateral")
    for round in 0...bench.size(quick: 3, full: 40) {
      for place in rows.indices.shuffled(using: &random) {
        let before = try await transfer()
        if let fault = rows[place].fault { try await agents.arm(fault) }
        let during = try await transfer()
        if let fault = rows[place].fault { try await agents.disarm(fault) }
        let after = try await transfer()
        // The first round gets the connections going.
        if round > 0 { rows[place].add(during, beside: round % 2 == 0 ? before : after) }
      }
    }
    try await agents.close()
    return rows.map { $0.figure(megabytes: Int64(2 * bytes) >> 20) }
  }
}

/// Faults of the first node against the third; first none, to see what the machine does by itself.
private func bystanderFaults(_ nodes: [BenchNode]) -> [Fault?] {
  func fault(_ id: String, _ inbound: Fault.Effect, _ outbound: Fault.Effect? = nil) -> Fault {
    Fault(
      id: id, run: "bench\(getpid())", node: nodes[0].name, inbound: inbound, outbound: outbound,
      targets: .init(peers: nodes[2].addresses), timing: .init(lease: .seconds(300)))
  }
  let loss = Fault.Effect(loss: .random(probability: 0.1))
  let delay = Fault.Effect(delay: .init(.milliseconds(50)))
  let rate = Fault.Effect(rate: .init(bytesPerSecond: 1_250_000))
  return [
    nil, fault("cut", .drop), fault("cut-both-ways", .drop, .drop), fault("loss-both-ways", loss, loss),
    fault("50ms-both-ways", delay, delay), fault("10mbit-both-ways", rate, rate),
    fault("answers", .init(answers: .names([.init("*", .noSuchName)]))),
  ]
}

/// A stream under a fault, each time beside one without, before it or after it in turn, so that what else the machine does
/// meanwhile falls on both.
private struct Pairs {
  var fault: Fault?
  private var during = Samples()
  private var without = Samples()
  /// Throughput under the fault over that without, in millionths.
  private var shares = Samples()

  init(fault: Fault?) { self.fault = fault }

  mutating func add(_ time: Int64, beside other: Int64) {
    during.add(time)
    without.add(other)
    shares.add(other * 1_000_000 / max(1, time))
  }

  func figure(megabytes: Int64) -> Figure {
    let name = fault?.id ?? "no fault"
    let fastest = Double(without.min ?? 0) / Double(max(1, during.min ?? 1))
    func share(_ quantile: Double) -> String { fixed(Double(shares.quantile(quantile) ?? 0) / 1e6, 2) }
    return Figure(
      what: "\(megabytes) MiB of a bystander's streams, \(name)", samples: during, base: without,
      note: "\(share(0.5)) of the throughput without, \(fixed(fastest, 2)) by the fastest of each;"
        + " half of all pairs within \(share(0.25)) and \(share(0.75))")
  }
}
