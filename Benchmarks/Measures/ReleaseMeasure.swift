internal import Glibc
internal import Support

/// What the kernel does when the process that holds a fault is killed, or hangs.
let releaseMeasure = Measure(
  name: "release", summary: "from the death, or the standstill, of the process that holds a fault to its end"
) { bench in
  try await withNodes(2) { nodes in
    try await onOwnThread("release") {
      var random = SeededRandom(seed: bench.seed, for: "release")
      var gone = Samples()
      var passing = Samples()
      var lapsing = Samples()
      let watch = try TableWatch([nodes[0].namespace])
      defer { watch.close() }
      let path = try DatagramPath(from: nodes[1], to: nodes[0])
      for _ in 0..<bench.size(quick: 20, full: 200) {
        let release = try killHolder(nodes, watch, path, &random)
        gone.add(release.tableGone)
        passing.add(release.packetPassed)
      }
      for _ in 0..<bench.size(quick: 2, full: 20) { lapsing.add(try stopHolder(nodes, watch, path, &random)) }
      return [
        Figure(what: "SIGKILL until the table is gone", samples: gone, base: gone, note: "seen by netlink dumps"),
        Figure(what: "SIGKILL until a packet passes", samples: passing, base: gone),
        Figure(
          what: "SIGSTOP until a packet passes", samples: lapsing, base: gone,
          note: "heartbeat \(Holder.heartbeatMilliseconds) ms, silence \(3 * Holder.heartbeatMilliseconds) ms"),
      ]
    }
  }
}

private struct Release {
  var tableGone: Int64
  var packetPassed: Int64
}

private func killHolder(
  _ nodes: [BenchNode], _ watch: TableWatch, _ path: DatagramPath, _ random: inout SeededRandom
) throws -> Release {
  let holder = try startHolder(nodes, watch, path, &random)
  let start = Timebase.system.monotonic()
  try holder.process.send(Signal.kill)
  var tableGone: Int64?
  var packetPassed: Int64?
  while true {
    if packetPassed == nil, try path.passes() { packetPassed = Timebase.system.monotonic() - start }
    if tableGone == nil, try watch.tables().isEmpty { tableGone = Timebase.system.monotonic() - start }
    if let tableGone, let packetPassed { return Release(tableGone: tableGone, packetPassed: packetPassed) }
    guard Timebase.system.monotonic() - start < 5_000_000_000 else {
      throw Problem(
        .fail, "5 s after the kill the table \(tableGone == nil ? "stands" : "is gone, but no packet passes")")
    }
  }
}

/// How long after a SIGSTOP a packet passes (ns).
private func stopHolder(
  _ nodes: [BenchNode], _ watch: TableWatch, _ path: DatagramPath, _ random: inout SeededRandom
) throws -> Int64 {
  let holder = try startHolder(nodes, watch, path, &random)
  let start = Timebase.system.monotonic()
  try holder.process.send(Signal.stop)
  while true {
    if try path.passes() { break }
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

/// A holder whose fault is in force, at a random moment between two heartbeats.
private func startHolder(
  _ nodes: [BenchNode], _ watch: TableWatch, _ path: DatagramPath, _ random: inout SeededRandom
) throws -> Holder {
  _ = try path.arrived()
  let holder = try Holder(on: nodes[0], against: nodes[1])
  _ = try path.arrived()  // what was on its way when the fault came
  usleep(UInt32.random(in: 0...(UInt32(Holder.heartbeatMilliseconds) * 1000), using: &random))
  guard try !path.passes(), try watch.tables().count == 1 else {
    throw Problem(.fail, at: "hold", "the fault that is to be released is not in force")
  }
  return holder
}
