internal import Glibc
internal import Support

/// What the kernel does when the process that holds faults is killed, or hangs.
let releaseMeasure = Measure(
  name: "release", summary: "from the death, or the standstill, of the process that holds faults to their end"
) { bench in
  try await withNodes(4) { nodes in
    try await onOwnThread("release") {
      var random = SeededRandom(seed: bench.seed, for: "release")
      var one = Releases()
      var three = Releases()
      var lapsing = Samples()
      let alone = try Scene(held: [nodes[0]], peer: nodes[3], port: 9001)
      let together = try Scene(held: Array(nodes.prefix(3)), peer: nodes[3], port: 9002)
      for _ in 0..<bench.size(quick: 20, full: 100) {
        try alone.kill(&random, into: &one)
        try together.kill(&random, into: &three)
      }
      for _ in 0..<bench.size(quick: 2, full: 20) { lapsing.add(try alone.stop(&random)) }
      alone.close()
      together.close()
      return [
        Figure(what: "1 node: SIGKILL until its table is gone", samples: one.tables, base: one.tables),
        Figure(what: "1 node: SIGKILL until a packet passes", samples: one.packets, base: one.tables),
        Figure(what: "3 nodes: SIGKILL until the last table is gone", samples: three.tables, base: one.tables),
        Figure(what: "3 nodes: SIGKILL until all packets pass", samples: three.packets, base: one.tables),
        Figure(
          what: "1 node: SIGSTOP until a packet passes", samples: lapsing, base: one.tables,
          note: "heartbeat \(Holder.heartbeatMilliseconds) ms, silence \(3 * Holder.heartbeatMilliseconds) ms"),
      ]
    }
  }
}

/// Times from a kill.
private struct Releases {
  /// Until a netlink dump of every node is without a table.
  var tables = Samples()
  /// Until a packet has arrived at every node.
  var packets = Samples()
}

/// Nodes whose faults one process holds, and the peer that they do not hear.
private struct Scene {
  let held: [BenchNode]
  let peer: BenchNode
  let watch: TableWatch
  let paths: [DatagramPath]

  init(held: [BenchNode], peer: BenchNode, port: UInt16) throws {
    self.held = held
    self.peer = peer
    watch = try TableWatch(held.map(\.namespace))
    paths = try held.map { try DatagramPath(from: peer, to: $0, port: port) }
  }

  func close() {
    watch.close()
  }

  /// Kills the holder and waits for both.
  func kill(_ random: inout SeededRandom, into releases: inout Releases) throws {
    let holder = try startHolder(&random)
    let (tables, packets) = try inRealTime {
      let start = Timebase.system.monotonic()
      try holder.process.send(Signal.kill)
      var deaf = paths
      var tablesGone: Int64?
      var packetsPassed: Int64?
      while true {
        deaf = try deaf.filter { try !$0.passes() }
        if deaf.isEmpty, packetsPassed == nil { packetsPassed = Timebase.system.monotonic() - start }
        if tablesGone == nil, try watch.tables().isEmpty { tablesGone = Timebase.system.monotonic() - start }
        if let tablesGone, let packetsPassed { return (tablesGone, packetsPassed) }
        guard Timebase.system.monotonic() - start < 5_000_000_000 else {
          throw Problem(
            .fail, "5 s after the kill, \(try watch.tables().count) tables stand and \(deaf.count) nodes are deaf")
        }
        breathe()
      }
    }
    releases.tables.add(tables)
    releases.packets.add(packets)
    _ = try watch.waitUntilNone(limit: .seconds(5)) { holder.process.end != nil }
  }

  /// How long after a SIGSTOP packets pass (ns).
  func stop(_ random: inout SeededRandom) throws -> Int64 {
    let holder = try startHolder(&random)
    let start = Timebase.system.monotonic()
    try holder.process.send(Signal.stop)
    var deaf = paths
    while !deaf.isEmpty {
      deaf = try deaf.filter { try !$0.passes() }
      guard Timebase.system.monotonic() - start < 5_000_000_000 else {
        throw Problem(.fail, "5 s after its holder was stopped the fault is still in force")
      }
      usleep(100)
    }
    let took = Timebase.system.monotonic() - start
    try holder.process.send(Signal.kill)
    _ = try watch.waitUntilNone(limit: .seconds(5)) { holder.process.end != nil }
    return took
  }

  /// A holder whose faults are in force, at a random moment between two heartbeats.
  private func startHolder(_ random: inout SeededRandom) throws -> Holder {
    let holder = try Holder(on: held, against: peer)
    for path in paths { _ = try path.arrived() }  // what was on its way when the fault came
    usleep(UInt32.random(in: 0...(UInt32(Holder.heartbeatMilliseconds) * 1000), using: &random))
    guard try paths.allSatisfy({ try !$0.passes() }), try watch.tables().count == held.count else {
      throw Problem(.fail, at: "hold", "the faults that are to be released are not in force")
    }
    return holder
  }
}
