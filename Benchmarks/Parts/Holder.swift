internal import Agents
internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// The hidden command `hold NAMESPACE/NODE/PEER/... ...`: arms a fault on each node, says `armed` for each, and holds
/// them all until it is killed.
func holdUntilKilled(_ words: [String]) async throws {
  try await withThrowingDiscardingTaskGroup { group in
    for word in words {
      let parts = word.split(separator: "/").map(String.init)
      guard parts.count >= 3 else { throw Problem(.usage, "'\(word)' is not NAMESPACE/NODE/PEER") }
      let fault = Fault(
        id: "hold", run: "bench\(getpid())", node: parts[1], inbound: .drop,
        targets: .init(
          peers: try parts.dropFirst(2).map { part in
            guard let peer = IPAddress(part) else { throw Problem(.usage, "'\(part)' is no address") }
            return peer
          }),
        timing: .init(lease: .seconds(60), heartbeat: .milliseconds(Holder.heartbeatMilliseconds)))
      let namespace = try NetworkNamespace.open(named: parts[0])
      group.addTask {
        let outcome = try await holdFault(
          fault, in: namespace,
          onArmed: { _ in
            print("armed")
            fflush(nil)
          },
          until: { try await ContinuousClock().sleep(for: .seconds(60)) })
        throw Problem(.fail, at: "hold", "nobody killed it, the fault ended by itself: \(outcome.end)")
      }
    }
  }
}

/// A process of its own that holds a fault on each of some nodes. Blocks: use it on a thread of your own.
struct Holder {
  static let heartbeatMilliseconds = 200

  /// The process.
  let process: ChildProcess

  /// Starts it and waits until all nodes drop what `peer` sends. It ends with the calling thread, if not before.
  init(on nodes: [BenchNode], against peer: BenchNode) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError("pipe") }  // children of ours inherit neither end
    defer { close(ends[0]) }
    let words = nodes.map { node in
      ([node.namespace.name ?? "", node.name] + peer.addresses.map { "\($0)" }).joined(separator: "/")
    }
    var request = ProcessRequest(try ownPath(), ["hold"] + words)
    request.standardOutput = ends[1]
    request.parentDeathSignal = Signal.kill
    do { process = try ChildProcess(request) } catch {
      close(ends[1])
      throw error
    }
    close(ends[1])
    var said = 0
    var buffer = [UInt8](repeating: 0, count: 64)
    while said < nodes.count {
      let count = read(ends[0], &buffer, buffer.count)
      guard count > 0 else {
        throw Problem(
          .fail, at: "hold", "it did not arm its faults: \(process.end.map { "\($0)" } ?? "it said nothing")")
      }
      said += buffer.prefix(count).count { $0 == UInt8(ascii: "\n") }
    }
  }
}
