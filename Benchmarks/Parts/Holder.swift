internal import Agents
internal import Faults
internal import Glibc
internal import Netlink
internal import Support

/// The hidden command `hold NAMESPACE NODE PEER ...`: arms a fault, says so, and holds it until it is killed.
func holdUntilKilled(_ words: [String]) async throws {
  guard words.count >= 3 else { throw Problem(.usage, "hold NAMESPACE NODE PEER ...") }
  let peers = try words.dropFirst(2).map { word in
    guard let peer = IPAddress(word) else { throw Problem(.usage, "'\(word)' is no address") }
    return peer
  }
  let fault = Fault(
    id: "hold", run: "bench\(getpid())", node: words[1], inbound: .drop, targets: .init(peers: peers),
    timing: .init(lease: .seconds(60), heartbeat: .milliseconds(Holder.heartbeatMilliseconds)))
  let outcome = try await holdFault(
    fault, in: try .open(named: words[0]),
    onArmed: { _ in
      print("armed")
      fflush(nil)
    },
    until: { try await ContinuousClock().sleep(for: .seconds(60)) })
  throw Problem(.fail, at: "hold", "nobody killed it, the fault ended by itself: \(outcome.end)")
}

/// A process of its own that holds a fault. Blocks: use it on a thread of your own.
struct Holder {
  static let heartbeatMilliseconds = 200

  /// The process.
  let process: ChildProcess

  /// Starts it and waits until its fault is in force. It ends with the calling thread, if not before.
  init(on node: BenchNode, against peer: BenchNode) throws {
    var ends: [Int32] = [-1, -1]
    guard pipe(&ends) == 0 else { throw SystemError("pipe") }  // children of ours inherit neither end
    defer { close(ends[0]) }
    var request = ProcessRequest(
      try ownPath(), ["hold", node.namespace.name ?? "", node.name] + peer.addresses.map { "\($0)" })
    request.standardOutput = ends[1]
    request.parentDeathSignal = Signal.kill
    do { process = try ChildProcess(request) } catch {
      close(ends[1])
      throw error
    }
    close(ends[1])
    var word = [UInt8](repeating: 0, count: 16)
    let count = read(ends[0], &word, word.count)
    guard count > 0, word.starts(with: Array("armed".utf8)) else {
      throw Problem(.fail, at: "hold", "it did not arm its fault: \(process.end.map { "\($0)" } ?? "it said nothing")")
    }
  }
}
