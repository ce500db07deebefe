internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// Whether a cut looks like a cut: how long after its end an established connection goes on.
let realismMeasure = Measure(
  name: "realism", summary: "an established TCP connection after a cut: from the heal to the first byte that arrives"
) { bench in
  try await withNodes(2) { nodes in
    let cut = Duration.seconds(bench.isQuick ? 2 : 6)
    let receiver = Fault(
      id: "real", run: "bench\(getpid())", node: nodes[1].name, inbound: .drop,
      targets: .init(peers: nodes[0].addresses), timing: .init(lease: .seconds(60)))
    let sender = Fault(
      id: "real", run: "bench\(getpid())", node: nodes[0].name, outbound: .drop,
      targets: .init(peers: nodes[1].addresses), timing: .init(lease: .seconds(60)))
    let agents = try AgentMaker(nodes, keeper: try bench.keeper())
    var forms = [
      Form(what: "cable unplugged beyond both nodes", start: { try unplug(nodes[1]) }, end: { try plugIn(nodes[1]) }),
      Form(
        what: "cut at the receiver (ours)", start: { try await agents.arm(receiver) },
        end: { try await agents.disarm(receiver) }),
      Form(
        what: "cut at the sender, into a device that is down (ours)", start: { try await agents.arm(sender) },
        end: { try await agents.disarm(sender) }),
    ]
    if RuleScripts.available.present.contains(.iptables) {
      let rule = ["OUTPUT", "-d", nodes[1].addresses.first { $0.family == .v4 }.map { "\($0)" } ?? "", "-j", "DROP"]
      @Sendable func change(_ action: String) async throws {
        try await onOwnThread("rule", networkNamespace: nodes[0].namespace.fileDescriptor) {
          try Program(path: "/usr/sbin/iptables", arguments: ["-w", action] + rule)
            .run(errors: "\(bench.workspace)/errors.txt")
        }
      }
      forms.append(
        Form(
          what: "drop in the sender's output, as others do", start: { try await change("-A") },
          end: { try await change("-D") }))
    }
    var random = SeededRandom(seed: bench.seed, for: "realism")
    for round in 0..<bench.size(quick: 1, full: 5) {
      for place in forms.indices.shuffled(using: &random) {
        let port = UInt16(9200 + round * 8 + place)
        forms[place].recovery.add(try await recovery(forms[place], from: nodes[0], to: nodes[1], port: port, cut: cut))
      }
    }
    try await agents.close()
    let base = forms[0].recovery
    return forms.map { Figure(what: $0.what, samples: $0.recovery, base: base, note: "cut for \(cut.brief)") }
  }
}

/// One way to cut, and what came of it.
private struct Form {
  var what: String
  var start: @Sendable () async throws -> Void
  var end: @Sendable () async throws -> Void
  var recovery = Samples()
}

/// Writes a byte each 10 ms before, during and after a cut.
///
/// - Returns: from the end of the cut to the first byte that arrived (ns).
private func recovery(
  _ form: Form, from: BenchNode, to: BenchNode, port: UInt16, cut: Duration
) async throws -> Int64 {
  let driver = try await onOwnThread("stream") { try Driver(StreamPath(from: from, to: to, port: port)) }
  try await driver.run(for: .milliseconds(300)) { _ in false }
  try await form.start()
  try await driver.run(for: cut) { _ in false }
  try await form.end()
  let healed = Timebase.system.monotonic()
  let arrived = try await driver.run(for: .seconds(30)) { $0 > healed }
  guard let arrived else { throw Problem(.fail, at: form.what, "30 s after its end nothing had arrived") }
  return arrived - healed
}

/// Drives a stream from whichever thread has its turn; one at a time.
private final class Driver: Sendable {
  private let stream: StreamPath

  init(_ stream: StreamPath) { self.stream = stream }

  /// Pushes a byte each 10 ms and looks each millisecond, until `isEnough` of the moment at which something arrived.
  ///
  /// - Returns: that moment (ns, monotonic); `nil` when `time` was over.
  @discardableResult
  func run(for time: Duration, until isEnough: @escaping @Sendable (Int64) -> Bool) async throws -> Int64? {
    try await onOwnThread("stream") {
      let end = Timebase.system.monotonic() + time.nanoseconds
      var tick = 0
      while Timebase.system.monotonic() < end {
        if tick % 10 == 0 { self.stream.push() }
        tick += 1
        usleep(1000)
        let now = Timebase.system.monotonic()
        if self.stream.arrived(), isEnough(now) { return now }
      }
      return nil
    }
  }
}

/// Takes a node's cable out of the bridge: both ends keep their carrier and hear nothing, as beyond a failed switch.
private func unplug(_ node: BenchNode) throws { try change(node) { try $0.setMaster(of: node.name, to: nil) } }

private func plugIn(_ node: BenchNode) throws { try change(node) { try $0.setMaster(of: node.name, to: "br0") } }

private func change(_ node: BenchNode, _ body: (LinkController) throws -> Void) throws {
  let wide = (node.namespace.name ?? "").split(separator: "-").dropLast().joined(separator: "-") + "-wan"
  let links = try LinkController(in: NetworkNamespace.open(named: wide))
  defer { links.close() }
  try body(links)
}
