public import Netlink

extension Fault {
  /// Whether a fault means a packet, as far as that can be said from outside.
  public enum Meaning: Sendable, Hashable, Comparable {
    /// It does not.
    case never
    /// It may: what its names stand for now, or which groups a socket lies in, is not known here.
    case perhaps
    /// It does.
    case always
  }

  /// Whether the fault means a UDP datagram, while it is in force: what a probe must know of its own packets.
  ///
  /// - Parameters:
  ///   - direction: which way the datagram goes, seen from the fault's node.
  ///   - remote: the address of the other end.
  ///   - remotePort: the port of the other end.
  ///   - localPort: the port of the fault's node.
  ///   - user: who sends it, if it leaves.
  public func meansDatagram(
    _ direction: Direction, remote: IPAddress, remotePort: UInt16, localPort: UInt16, sentBy user: UInt32
  ) -> Meaning {
    let targets = ruleTargets
    let known = targets.peers.contains(remote) || targets.networks.contains { $0.contains(remote) }
    if targets.limitsPeers, !known, targets.names.isEmpty { return .never }
    if targets.exempt.contains(remote) || targets.except.peers.contains(remote)
      || targets.except.networks.contains(where: { $0.contains(remote) })
    {
      return .never
    }
    guard targets.protocols.isEmpty || targets.protocols.contains(where: { $0.number(remote.family) == 17 }) else {
      return .never
    }
    func fits(_ ranges: [PortRange], _ ports: UInt16...) -> Bool {
      ranges.isEmpty || ranges.contains { range in ports.contains(where: range.contains) }
    }
    guard fits(targets.remotePorts, remotePort), fits(targets.localPorts, localPort),
      fits(targets.eitherPorts, remotePort, localPort)
    else { return .never }
    let except = targets.except
    if !except.remotePorts.isEmpty, fits(except.remotePorts, remotePort) { return .never }
    if !except.localPorts.isEmpty, fits(except.localPorts, localPort) { return .never }
    if let wanted = targets.user ?? targets.owner?.user.flatMap({ UInt32($0) }), wanted != user || direction == .inbound
    {
      return .never
    }
    return known || !targets.limitsPeers
      ? (targets.limitsGroup || targets.owner?.user != nil ? .perhaps : .always) : .perhaps
  }
}
