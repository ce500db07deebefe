public import Netlink

/// What happens between two groups of nodes that both have agents of ours, to be made at the receivers.
///
/// Packets are met where they arrive and never where they leave: a sender whose own stack drops gets errors, or loses
/// TCP's back-off, and recovery then looks instant.
public struct Disturbance: Sendable, Hashable, Codable {
  /// A node and all of its addresses.
  public struct Node: Sendable, Hashable, Codable {
    /// Its name.
    public var name: String
    /// Its addresses of both families.
    public var addresses: [IPAddress]

    /// A node and its addresses.
    public init(_ name: String, addresses: [IPAddress]) {
      self.name = name
      self.addresses = addresses
    }
  }

  /// The group that directions and ports are seen from.
  public var group: [Node]
  /// The nodes at the other end.
  public var others: [Node]
  /// What happens to packets that come to the group.
  public var inbound: Fault.Effect?
  /// What happens to packets that leave it.
  public var outbound: Fault.Effect?
  /// Whether connections are destroyed at the beginning.
  public var killsConnections: Bool
  /// Ports of the group; empty for any.
  public var ports: [PortRange]
  /// Ports of the others; empty for any.
  public var otherPorts: [PortRange]
  /// Protocols; empty for any.
  public var protocols: [IPProtocol]
  /// Ports of the group whose packets fare as ever.
  public var exceptPorts: [PortRange] = []
  /// Ports of the others whose packets fare as ever.
  public var exceptOtherPorts: [PortRange] = []

  /// What happens between two groups.
  public init(
    _ group: [Node], and others: [Node], inbound: Fault.Effect? = nil, outbound: Fault.Effect? = nil,
    killsConnections: Bool = false, ports: [PortRange] = [], otherPorts: [PortRange] = [],
    protocols: [IPProtocol] = []
  ) {
    self.group = group
    self.others = others
    self.inbound = inbound
    self.outbound = outbound
    self.killsConnections = killsConnections
    self.ports = ports
    self.otherPorts = otherPorts
    self.protocols = protocols
  }

  /// Nothing passes between two groups, either way.
  public static func cut(_ group: [Node], from others: [Node]) -> Disturbance {
    Disturbance(group, and: others, inbound: .drop, outbound: .drop)
  }

  /// The faults that make it: one a node that has something to do, in the order of the nodes.
  ///
  /// - Parameters:
  ///   - id: the name of all of them; each is on another node.
  ///   - seed: each node draws from a seed of its own that follows from this one.
  public func faults(
    id: String, run: String, exempt: [IPAddress] = [], timing: Fault.Timing, seed: UInt64 = 0
  ) -> [Fault] {
    func fault(on place: Int, _ node: Node, isInGroup: Bool) -> Fault? {
      let effect = isInGroup ? inbound : outbound
      // One end is enough: the other learns of it by a reset.
      let kills = killsConnections && isInGroup
      guard effect != nil || kills else { return nil }
      return Fault(
        id: id, run: run, node: node.name, inbound: effect, killsConnections: kills,
        targets: .init(
          peers: (isInGroup ? others : group).flatMap(\.addresses), remotePorts: isInGroup ? otherPorts : ports,
          localPorts: isInGroup ? ports : otherPorts, protocols: protocols,
          except: .init(
            remotePorts: isInGroup ? exceptOtherPorts : exceptPorts,
            localPorts: isInGroup ? exceptPorts : exceptOtherPorts),
          exempt: exempt), timing: timing,
        seed: seed &+ UInt64(place) &* 0x9E37_79B9_7F4A_7C15)
    }
    return group.enumerated().compactMap { fault(on: $0, $1, isInGroup: true) }
      + others.enumerated().compactMap { fault(on: group.count + $0, $1, isInGroup: false) }
  }
}
