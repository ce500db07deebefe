internal import Faults
internal import Netlink
internal import Scenarios
internal import Support

/// From a scenario's words to what agents understand.
extension FaultSpecification {
  /// What happens between the nodes of the fault's regions; `nil` for a fault that does not happen on the network.
  ///
  /// - Parameter node: a node with its addresses.
  func disturbance(
    in topology: Topology, node: (String) throws -> Disturbance.Node
  ) rethrows -> Disturbance? {
    guard let link else { return nil }
    let ends = link.ends(in: topology)
    var disturbance = Disturbance(try ends.group.map(node), and: try ends.peers.map(node))
    disturbance.narrow(to: link.scope)
    // What is no address or network was refused when the scenario was read.
    disturbance.addresses = link.peers.set.addresses.compactMap { IPAddress($0) }
    disturbance.networks = link.peers.set.networks.compactMap { IPPrefix($0) }
    disturbance.names = link.peers.set.names
    disturbance.inside = try topology.nodes(of: link.region).filter { !ends.peers.contains($0) }.map(node)
    switch self {
    case .partition(_, let direction, let answer):
      let cut = Fault.Effect(cut: answer.refusal)
      if direction != .out { disturbance.inbound = cut }
      if direction != .in { disturbance.outbound = cut }
    case .network(_, let inbound, let outbound):
      disturbance.inbound = inbound.isEmpty ? nil : Fault.Effect(inbound)
      disturbance.outbound = outbound.isEmpty ? nil : Fault.Effect(outbound)
    case .killConnections:
      disturbance.killsConnections = true
    case .answers(_, let answers):
      disturbance.inbound = Fault.Effect(answers: Fault.Answers(answers))
    case .process, .clock, .nodeClock, .disk:
      return nil  // inside a node, and without a link
    }
    return disturbance
  }
}

extension Disturbance {
  /// Means only packets of this scope.
  fileprivate mutating func narrow(to scope: TrafficScope) {
    func ranges(_ ports: [TrafficScope.Ports]) -> [PortRange] { ports.map { PortRange($0.first, $0.last) } }
    ports = ranges(scope.ports)
    otherPorts = ranges(scope.peerPorts)
    eitherPorts = ranges(scope.portsAtEitherEnd)
    protocols = scope.wholeTransport.map { [IPProtocol($0)] } ?? []
    owner = scope.owner.map { SocketOwner(cgroup: $0.cgroup, user: $0.user) }
    guard let except = scope.except else { return }
    exceptPorts = ranges(except.ports)
    exceptOtherPorts = ranges(except.peerPorts)
    exceptAddresses = (except.addresses ?? []).compactMap { IPAddress($0) }
    exceptNetworks = (except.networks ?? []).compactMap { IPPrefix($0) }
  }
}

extension IPProtocol {
  fileprivate init(_ transport: TrafficScope.TransportProtocol) {
    self =
      switch transport {
      case .tcp: .tcp
      case .udp: .udp
      case .sctp: .sctp
      case .icmp: .icmp
      }
  }
}

extension FaultSpecification.CutAnswer {
  fileprivate var refusal: Fault.Refusal {
    switch self {
    case .silence: .silence
    case .reset: .tcpReset
    case .unreachable: .icmp(.adminProhibited)
    }
  }
}

extension Fault.Effect {
  fileprivate init(_ effect: PacketEffect) {
    self.init(
      loss: effect.loss.map(Fault.Loss.init), delay: effect.delay.map { Fault.Delay($0, effect) },
      reorder: effect.reorder.map { Fault.Reorder($0.fraction) },
      duplicate: effect.duplicate.map { Fault.Chance($0.fraction) },
      corrupt: effect.corrupt.map { Fault.Chance($0.fraction) },
      rate: effect.rate.map { rate in
        Fault.Rate(
          bytesPerSecond: UInt64(rate.bytesPerSecond), burstBytes: effect.burst.map { UInt32(clamping: $0.bytes) },
          queueBytes: effect.queue.map { UInt32(clamping: $0.bytes) })
      })
  }
}

extension Fault.Loss {
  fileprivate init(_ loss: PacketLoss) {
    self =
      switch loss {
      case .random(let share, let correlation):
        .random(probability: share.fraction, correlation: correlation?.fraction ?? 0)
      case .bursts(let enter, let leave, let inside, let outside):
        .bursts(
          Fault.GilbertElliott(
            toBad: enter.fraction, toGood: leave.fraction, lossInBad: inside.fraction, lossInGood: outside.fraction))
      case .every(let number): .everyNth(number)
      case .exact(let share): .pattern(probability: share.fraction)
      }
  }
}

extension Fault.Delay {
  fileprivate init(_ base: Duration, _ effect: PacketEffect) {
    self.init(
      base, jitter: effect.jitter ?? .zero,
      distribution: effect.table.map { .table($0.values) } ?? effect.distribution.map(Fault.Distribution.init)
        ?? .uniform,
      correlation: effect.correlation?.fraction ?? 0)
  }
}

extension Fault.Distribution {
  fileprivate init(_ distribution: JitterDistribution) {
    self =
      switch distribution {
      case .uniform: .uniform
      case .normal: .normal
      case .pareto: .pareto
      case .paretonormal: .paretonormal
      }
  }
}
