internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// How exactly the kernel ends a fault that nobody ends: by a command, and by the time of its elements.
let timeoutMeasure = Measure(
  name: "timeouts", summary: "a cut that is ended by a command, and one whose time is over while nobody prolongs it"
) { bench in
  try await withNodes(2) { nodes in
    try await onOwnThread("timeouts") {
      let scene = try TimeoutScene(nodes)
      defer { scene.close() }
      var commands = Samples()
      for _ in 0..<bench.size(quick: 20, full: 300) { commands.add(try scene.command()) }
      var figures = [Figure(what: "deleting the table until its effect is gone", samples: commands)]
      var wrong: [String] = []
      let jiffy: Int64 = 10_000_000  // 100 Hz, the slowest that kernels of distributions have
      for (life, quick, full) in [(50, 3, 40), (250, 2, 20), (1000, 0, 10), (5000, 0, 4)] {
        var early = Samples()
        for _ in 0..<bench.size(quick: quick, full: full) { early.add(try scene.lapse(afterMilliseconds: life)) }
        guard let (soonest, latest) = early.max.flatMap({ most in early.min.map { (most, $0) } }) else { continue }
        let note = latest < 0 ? "up to \(brief(-latest)) late, by what sees it" : "never late"
        figures.append(Figure(what: "time of \(life) ms: over so much early", samples: early, note: note))
        // Seen at the packet that passes: the watcher sends one every 100 µs or so.
        if soonest > jiffy + 2_000_000 { wrong.append("\(life) ms ended \(brief(soonest)) early") }
      }
      guard wrong.isEmpty else { throw Problem(.fail, wrong.joined(separator: "; ")) }
      return figures
    }
  }
}

/// A node that does not hear another, by rules that are made without a holder.
private struct TimeoutScene {
  private let path: DatagramPath
  private let connection: NFTables.Connection
  private let compiled: CompiledFault

  init(_ nodes: [BenchNode]) throws {
    path = try DatagramPath(from: nodes[1], to: nodes[0], port: 9501)
    connection = try NFTables.Connection(in: nodes[0].namespace)
    compiled = try Fault(
      id: "timeout", run: "bench\(getpid())", node: nodes[0].name, inbound: .drop,
      targets: .init(peers: nodes[1].addresses), timing: .init(lease: .seconds(60))
    ).compile()
  }

  func close() { connection.close() }

  /// How long the deletion takes. The first packet after it must pass.
  func command() throws -> Int64 {
    try arm(milliseconds: 60_000)
    let start = Timebase.system.monotonic()
    try connection.commit(compiled.disarm)
    let took = Timebase.system.monotonic() - start
    guard try passes(withinMilliseconds: 100) else { throw Problem(.fail, "a deleted cut has an effect") }
    return took
  }

  /// How much earlier than asked for the first packet passes; below 0 for later.
  func lapse(afterMilliseconds life: Int) throws -> Int64 {
    let early: Int64 = try inRealTime {
      let sent = try arm(milliseconds: UInt64(life))
      let end = sent + Int64(life) * 1_000_000
      while try !path.passes() {
        guard Timebase.system.monotonic() < end + 2_000_000_000 else {
          throw Problem(.fail, "2 s after its time the cut is in force")
        }
        breathe()
      }
      return end - Timebase.system.monotonic()
    }
    try connection.commit(compiled.disarm)
    return early
  }

  @discardableResult private func arm(milliseconds: UInt64) throws -> Int64 {
    while try path.arrived() {}
    let sent = Timebase.system.monotonic()
    try connection.commit(compiled.arm(lifeMilliseconds: milliseconds))
    // What was on its way before may still come.
    for _ in 0..<20 {
      if try !path.passes() { return sent }
      usleep(200)
    }
    throw Problem(.fail, "the cut has no effect")
  }

  private func passes(withinMilliseconds limit: Int64) throws -> Bool {
    let end = Timebase.system.monotonic() + limit * 1_000_000
    repeat {
      if try path.passes() { return true }
      usleep(50)
    } while Timebase.system.monotonic() < end
    return false
  }
}
