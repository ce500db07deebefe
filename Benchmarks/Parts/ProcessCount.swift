internal import Agents
internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// Which programs arming and disarming execute, as `strace` saw it; `nil` where it is not installed. Blocks.
func executedPrograms(on node: BenchNode, against peer: IPAddress, workspace: String) throws -> Int? {
  let strace = "/usr/bin/strace"
  guard Program.isInstalled(strace), let namespace = node.namespace.name else { return nil }
  let trace = "\(workspace)/execve.txt"
  try Program(
    path: strace,
    arguments: [
      "-f", "-qq", "-e", "trace=execve,execveat", "-o", trace, try ownPath(), "arm-once",
      "\(namespace)/\(node.name)/\(peer)",
    ]
  ).run(errors: "\(workspace)/errors.txt")
  let calls = String(decoding: try readFile(trace), as: UTF8.self).split(separator: "\n")
    .filter { $0.contains("execve") }
  guard calls.first?.contains("arm-once") == true else {
    throw Problem(.fail, at: trace, "strace did not see the start of its own program, so it may have missed others")
  }
  return calls.count - 1
}

/// The hidden command `arm-once NAMESPACE/NODE/PEER`: makes a cut, ends it, and verifies both, as an agent does.
func armOnce(_ words: [String]) async throws {
  let parts = words.first?.split(separator: "/").map(String.init) ?? []
  guard parts.count == 3, let peer = IPAddress(parts[2]) else {
    throw Problem(.usage, "'\(words.joined(separator: " "))' is not NAMESPACE/NODE/PEER")
  }
  let agent = try NamespaceAgent(
    node: parts[1], namespace: try NetworkNamespace.open(named: parts[0]), undo: nil
  ) { _ in }
  _ = try await agent.arm(
    Fault(
      id: "once", run: "bench\(getpid())", node: parts[1], inbound: .drop, targets: .init(peers: [peer]),
      timing: .init(lease: .seconds(60))))
  let outcome = try await agent.disarm("once")
  await agent.close()
  guard outcome.end == .disarmed else { throw Problem(.fail, "it ended by itself: \(outcome.end)") }
}
