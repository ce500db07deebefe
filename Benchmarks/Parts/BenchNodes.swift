internal import Faults
internal import Glibc
internal import Lab
internal import Netlink
internal import Support

/// A namespace with an address in each family, on a bridge with others.
struct BenchNode: Sendable {
  var name: String
  var namespace: NetworkNamespace
  var addresses: [IPAddress]

  /// The node as one side of a disturbance.
  var side: Disturbance.Node { Disturbance.Node(name, addresses: addresses) }

  /// The node as one end of reachability probes.
  var endpoint: ReachabilityProbe.Endpoint { .init(name, namespace: namespace, addresses: addresses) }
}

/// Runs `body` with connected nodes of its own, which are removed afterwards.
func withNodes<T: Sendable>(_ count: Int, _ body: @escaping ([BenchNode]) async throws -> T) async throws -> T {
  try removeForsakenNodes()
  let prefix = "bsbench-\(getpid())-"
  let outcome: Result<T, any Error>
  do {
    let nodes = try await onOwnThread("nodes") { try makeNodes(count, prefix: prefix) }
    try await waitUntilConnected(nodes)
    outcome = .success(try await body(nodes))
  } catch { outcome = .failure(error) }
  for name in try NetworkNamespace.names() where name.hasPrefix(prefix) { try NetworkNamespace.delete(named: name) }
  return try outcome.get()
}

/// Removes what an earlier run left that was interrupted: nodes whose process is no more.
private func removeForsakenNodes() throws {
  for name in try NetworkNamespace.names() {
    let parts = name.split(separator: "-")
    guard parts.count == 3, parts[0] == "bsbench", let pid = Int32(parts[1]), ProcessIdentity(of: pid) == nil else {
      continue
    }
    try NetworkNamespace.delete(named: name)
  }
}

private func makeNodes(_ count: Int, prefix: String) throws -> [BenchNode] {
  let wide = try NetworkNamespace.create(named: "\(prefix)wan")
  let outside = try LinkController(in: wide)
  defer { outside.close() }
  try outside.createBridge("br0")
  try outside.setUp("br0")
  return try (1...count).map { number in
    let name = "n\(number)"
    let namespace = try NetworkNamespace.create(named: "\(prefix)\(name)")
    try outside.createVeth(name, peer: "eth0", in: namespace)
    try outside.setMaster(of: name, to: "br0")
    try outside.setUp(name)
    let inside = try LinkController(in: namespace)
    defer { inside.close() }
    let prefixes = [AddressPlan.prefix4(number), AddressPlan.prefix6(number)]
    for prefix in prefixes { try inside.addAddress(prefix, to: "eth0") }
    try inside.setUp("eth0")
    return BenchNode(name: name, namespace: namespace, addresses: prefixes.map(\.address))
  }
}

/// A bridge port forwards a moment after it was switched on.
private func waitUntilConnected(_ nodes: [BenchNode]) async throws {
  let probe = try ReachabilityProbe(nodes.map(\.endpoint))
  var wrong: [String] = []
  for _ in 0..<20 {
    wrong = try await probe.measure().contradictions { _, _ in true }
    if wrong.isEmpty { return }
  }
  throw Problem(.fail, "the nodes of the benchmark cannot reach each other: \(wrong.joined(separator: "; "))")
}
