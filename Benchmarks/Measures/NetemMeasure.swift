internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// What netem adds to what was asked for, where the kernel has it.
let netemMeasure = Measure(
  name: "netem",
  summary: "latency made by netem on a device of ours: its error (needs a kernel with netem: scripts/guest)"
) { bench in
  guard try KernelFeatures.probe().has(.netem) else {
    return [Figure(what: "this kernel has no netem", samples: Samples(), note: "scripts/guest qemu Benchmarks netem")]
  }
  return try await withNodes(2) { nodes in
    let agents = try AgentMaker(nodes, keeper: try bench.keeper())
    let count = bench.size(quick: 100, full: 1500)
    let base = try await datagramTimes(from: nodes[0], to: nodes[1], count: count)
    var figures = [Figure(what: "bare path", samples: base)]
    for milliseconds in [1, 10, 50, 250] {
      let fault = delayFault(.init(.milliseconds(milliseconds)), nodes)
      try await agents.arm(fault)
      let times = try await datagramTimes(from: nodes[0], to: nodes[1], count: count)
      try await agents.disarm(fault)
      figures.append(
        Figure(
          what: "\(milliseconds) ms: arrives late by", samples: times.shifted(by: -Int64(milliseconds) * 1_000_000)))
    }
    let fault = delayFault(.init(.milliseconds(10), jitter: .milliseconds(2), distribution: .normal), nodes)
    try await agents.arm(fault)
    let times = try await datagramTimes(from: nodes[0], to: nodes[1], count: count)
    try await agents.disarm(fault)
    figures.append(Figure(what: "10 ± 2 ms, normal: takes", samples: times))
    try await agents.close()
    return figures
  }
}

private func delayFault(_ delay: Fault.Delay, _ nodes: [BenchNode]) -> Fault {
  Fault(
    id: "netem", run: "bench\(getpid())", node: nodes[1].name, inbound: .init(delay: delay),
    targets: .init(peers: nodes[0].addresses),
    // An emulated machine is slow, and what it measures must not end because of that.
    timing: .init(lease: .seconds(300), heartbeat: .seconds(2), silence: .seconds(60)))
}
