public import Netlink

/// What happens between a group of nodes and whoever is at the other end.
///
/// Where both ends have agents of ours, packets are met where they arrive and never where they leave: a sender whose own stack
/// drops gets errors, or loses TCP's back-off, and recovery then looks instant. What is known at the group's nodes alone (an
/// address that is no node's, whose socket it is) is made there in both directions, see ``isMadeAtGroupAlone``.
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
  /// Ports of which one must be at one of the two ends, whichever; empty for any.
  public var eitherPorts: [PortRange] = []
  /// Addresses at the other end, besides those of the others; nodes or not.
  public var addresses: [IPAddress] = []
  /// Networks at the other end.
  public var networks: [IPPrefix] = []
  /// Names at the other end, resolved on each node of the group.
  public var names: [String] = []
  /// Whose sockets of the group; `nil` for all.
  public var owner: SocketOwner?
  /// Addresses at the other end whose packets fare as ever.
  public var exceptAddresses: [IPAddress] = []
  /// Networks at the other end whose packets fare as ever.
  public var exceptNetworks: [IPPrefix] = []
  /// The nodes that the group lives with. What passes between them and the group is never meant, whatever networks cover.
  public var inside: [Node] = []

  /// Whether the group's nodes alone know which packets are meant, so that what leaves is met there too.
  public var isMadeAtGroupAlone: Bool {
    !(addresses.isEmpty && networks.isEmpty && names.isEmpty && exceptAddresses.isEmpty && exceptNetworks.isEmpty)
      || owner != nil
  }

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
    if isMadeAtGroupAlone {
      return group.enumerated().map {
        alone(id: id, run: run, on: $1, exempt, timing, seed: Self.seed(seed, of: $0))
      }
    }
    func fault(on place: Int, _ node: Node, isInGroup: Bool) -> Fault? {
      let effect = isInGroup ? inbound : outbound
      // One end is enough: the other learns of it by a reset.
      let kills = killsConnections && isInGroup
      guard effect != nil || kills else { return nil }
      var targets = Fault.Targets(
        peers: (isInGroup ? others : group).flatMap(\.addresses), remotePorts: isInGroup ? otherPorts : ports,
        localPorts: isInGroup ? ports : otherPorts, protocols: protocols,
        except: .init(
          remotePorts: isInGroup ? exceptOtherPorts : exceptPorts,
          localPorts: isInGroup ? exceptPorts : exceptOtherPorts),
        exempt: exempt)
      targets.eitherPorts = eitherPorts
      return Fault(
        id: id, run: run, node: node.name, inbound: effect, killsConnections: kills, targets: targets, timing: timing,
        seed: Self.seed(seed, of: place))
    }
    return group.enumerated().compactMap { fault(on: $0, $1, isInGroup: true) }
      + others.enumerated().compactMap { fault(on: group.count + $0, $1, isInGroup: false) }
  }

  /// Both directions on a node of the group.
  private func alone(
    id: String, run: String, on node: Node, _ exempt: [IPAddress], _ timing: Fault.Timing, seed: UInt64
  ) -> Fault {
    var targets = Fault.Targets(
      peers: IPAddress.distinct(others.flatMap(\.addresses) + addresses), networks: networks, names: names,
      remotePorts: otherPorts, localPorts: ports, protocols: protocols,
      except: .init(
        peers: exceptAddresses, networks: exceptNetworks, remotePorts: exceptOtherPorts, localPorts: exceptPorts),
      exempt: exempt)
    targets.eitherPorts = eitherPorts
    targets.owner = owner
    if !networks.isEmpty || !names.isEmpty {
      let own = (inside + group + [node]).flatMap(\.addresses)
      targets.except.peers = Set(targets.except.peers + own).subtracting(targets.peers).sorted()
      targets.except.networks += Self.loopback
    }
    return Fault(
      id: id, run: run, node: node.name, inbound: inbound, outbound: outbound, killsConnections: killsConnections,
      targets: targets, timing: timing, seed: seed)
  }

  /// What a node says to itself (RFC 1122 §3.2.1.3, RFC 4291 §2.5.3).
  private static let loopback = [
    IPPrefix(.v4(0x7F00_0000), length: 8), IPPrefix(.v6(0, 1), length: 128),
  ].compactMap(\.self)

  private static func seed(_ seed: UInt64, of place: Int) -> UInt64 { seed &+ UInt64(place) &* 0x9E37_79B9_7F4A_7C15 }
}
