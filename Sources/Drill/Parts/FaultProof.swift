internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

/// What must be seen of a fault before it is claimed to be in force.
struct FaultProof: Sendable {
  /// From one node to another.
  struct Path: Hashable {
    var from: String
    var to: String
  }

  /// Paths on which nothing may arrive.
  private let cut: Set<Path>
  /// Paths on which something happens that one datagram may or may not show, so that either is right.
  private let disturbed: Set<Path>
  /// How much longer than before a datagram is on its way, at least (ns).
  private let later: [Path: Int64]
  /// The longest that a datagram may be on its way besides the network's own time (ns).
  let longestDelay: Int64

  /// What must be seen while `faults` are in force, all of them.
  ///
  /// - Parameters:
  ///   - planned: the faults by their plans.
  ///   - faults: what each of them makes on the nodes, all at the receivers.
  ///   - name: the node that an address belongs to.
  init(_ planned: [(plan: PlannedFault, faults: [Fault])], name: (Fault) -> [String]) {
    var cut: Set<Path> = []
    var disturbed: Set<Path> = []
    var later: [Path: Int64] = [:]
    var longest: Int64 = 0
    for (plan, faults) in planned {
      for pair in plan.reachability where !pair.during { cut.insert(Path(from: pair.from, to: pair.to)) }
      for fault in faults {
        guard let effect = fault.inbound else { continue }
        let isWhole = fault.targets.isEverything && fault.timing.flapping == nil
        for sender in name(fault) {
          let path = Path(from: sender, to: fault.node)
          // A cut that is whole stands in the plan's own table of paths.
          if effect.cut == nil || !isWhole { disturbed.insert(path) }
          if let delay = effect.delay {
            longest += delay.baseNanoseconds + 6 * delay.jitterNanoseconds
            if isWhole, effect.reorder == nil {
              later[path, default: 0] += max(0, delay.baseNanoseconds - 2 * delay.jitterNanoseconds)
            }
          }
          if effect.rate != nil { longest += 500_000_000 }
        }
      }
    }
    self.cut = cut
    self.disturbed = disturbed
    self.later = later
    longestDelay = longest
  }

  /// How hard to try, so that a datagram that is only late is not taken for lost.
  var effort: ReachabilityProbe.Effort {
    .init(tries: 5, patience: .milliseconds(100) + .nanoseconds(longestDelay))
  }

  /// Whether datagrams from one node should reach the other; `nil` where either is right.
  func isOpen(_ from: String, _ to: String) -> Bool? {
    let path = Path(from: from, to: to)
    if cut.contains(path) { return false }
    return disturbed.contains(path) ? nil : true
  }

  /// What was measured that contradicts the faults, in words; empty when all is as planned.
  func contradictions(_ seen: Reachability) -> [String] {
    seen.contradictions(isOpen: isOpen)
      + seen.paths.compactMap { path in
        guard let least = later[Path(from: path.from, to: path.to)], !cut.contains(Path(from: path.from, to: path.to))
        else { return nil }
        guard let delay = path.delay else {
          return "\(path.from) → \(path.to) (\(path.family)): nothing arrived that could show its delay"
        }
        guard delay < least else { return nil }
        return "\(path.from) → \(path.to) (\(path.family)): \(Duration.nanoseconds(delay).brief) on the way, "
          + "expected at least \(Duration.nanoseconds(least).brief)"
      }
  }

  /// What was measured on the paths of these faults, a line each.
  func measured(_ seen: Reachability) -> [String] {
    seen.paths.filter { disturbed.contains(Path(from: $0.from, to: $0.to)) }.map { path in
      let delay = path.delay.map { ", \(Duration.nanoseconds($0).brief) on the way (median)" } ?? ""
      return "\(path.from)→\(path.to) \(path.family): \(path.arrived) of \(path.sent) arrived\(delay)"
    }
  }
}

extension Fault.Targets {
  /// Whether all packets of the peers are meant.
  fileprivate var isEverything: Bool {
    remotePorts.isEmpty && localPorts.isEmpty && protocols.isEmpty && cgroup == nil && user == nil
      && except == Fault.Exceptions()
  }
}

extension Fault {
  /// Whether what a node with these addresses sends to `node` may be among the packets that are meant.
  func mayMeet(packetsFrom sender: [IPAddress], to node: String) -> Bool {
    guard self.node == node else { return false }
    let isByAddress = !targets.peers.isEmpty && targets.networks.isEmpty && targets.names.isEmpty
    return !isByAddress || sender.contains(where: targets.peers.contains)
  }
}

extension FaultCounters {
  /// Packets that were meant, whatever became of them, and connections that were broken. A packet that was drawn for and then held back counts once.
  var met: UInt64 {
    let destroyed = UInt64(connectionsDestroyed ?? 0)
    return [inbound?.v4, inbound?.v6, outbound?.v4, outbound?.v6].compactMap(\.self).reduce(destroyed) { sum, tally in
      sum + max(tally.drawn?.packets ?? 0, tally.hit.packets)
    }
  }
}
