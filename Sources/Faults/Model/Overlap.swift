internal import Netlink

extension Fault.Targets {
  /// Whether a packet may be meant by both. Errs on the side of yes: exceptions are not looked at, and a name may stand
  /// for any address.
  public func overlaps(_ other: Fault.Targets) -> Bool {
    peersOverlap(other)
      && Self.overlap(remotePorts, other.remotePorts) && Self.overlap(localPorts, other.localPorts)
      && eitherPortsOverlap(other) && protocolsOverlap(other) && cgroupsOverlap(other)
      && (user == nil || other.user == nil || user == other.user) && ownersOverlap(other)
  }

  /// Whether both may be on one device.
  func sharesDevices(_ other: Fault.Targets) -> Bool {
    guard let devices, let others = other.devices else { return true }
    return !Set(devices).isDisjoint(with: others)
  }

  private func peersOverlap(_ other: Fault.Targets) -> Bool {
    if !limitsPeers || !other.limitsPeers || !names.isEmpty || !other.names.isEmpty { return true }
    if !Set(peers).isDisjoint(with: other.peers) { return true }
    func covers(_ networks: [IPPrefix], _ peers: [IPAddress]) -> Bool {
      networks.contains { network in peers.contains { network.contains($0) } }
    }
    if covers(networks, other.peers) || covers(other.networks, peers) { return true }
    // Two networks are apart, or one holds the other.
    return networks.contains { mine in
      other.networks.contains { mine.contains($0.address) || $0.contains(mine.address) }
    }
  }

  private static func overlap(_ mine: [PortRange], _ others: [PortRange]) -> Bool {
    mine.isEmpty || others.isEmpty
      || mine.contains { range in others.contains { range.first <= $0.last && $0.first <= range.last } }
  }

  /// A packet has two ports, so two of these may both fit; one that the other ends exclude is apart.
  private func eitherPortsOverlap(_ other: Fault.Targets) -> Bool {
    func fits(_ mine: [PortRange], _ one: Fault.Targets) -> Bool {
      Self.overlap(mine, one.remotePorts) || Self.overlap(mine, one.localPorts)
    }
    return fits(eitherPorts, other) && fits(other.eitherPorts, self)
  }

  /// Two users are apart if both are numbers; two names may stand for one.
  private func ownersOverlap(_ other: Fault.Targets) -> Bool {
    guard let mine = owner?.user.flatMap({ UInt32($0) }), let others = other.owner?.user.flatMap({ UInt32($0) }) else {
      return true
    }
    return mine == others
  }

  private func protocolsOverlap(_ other: Fault.Targets) -> Bool {
    if protocols.isEmpty || other.protocols.isEmpty { return true }
    return IPAddress.Family.allCases.contains { family in
      !Set(protocols.map { $0.number(family) }).isDisjoint(with: other.protocols.map { $0.number(family) })
    }
  }

  /// Groups of one level are apart unless they are the same; of two levels, one may lie within the other.
  private func cgroupsOverlap(_ other: Fault.Targets) -> Bool {
    guard let cgroup, let group = other.cgroup else { return true }
    return cgroup.level != group.level || cgroup == group
  }
}
