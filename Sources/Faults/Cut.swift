public import Netlink

/// A cut between two groups of nodes, to be made at the receivers.
///
/// Packets are dropped where they arrive and never where they leave: a sender whose own stack drops gets errors, or
/// loses TCP's back-off, and recovery then looks instant.
public struct Cut: Sendable, Hashable, Codable {
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

  /// Which packets are lost, seen from the first group.
  public enum Direction: String, Sendable, Hashable, Codable, CaseIterable {
    /// Those that come to it.
    case `in`
    /// Those that leave it.
    case out
    /// All.
    case both
  }

  /// The group that the direction is seen from.
  public var group: [Node]
  /// The nodes it is cut off from.
  public var others: [Node]
  /// Which packets are lost.
  public var direction: Direction

  /// A cut between two groups.
  public init(_ group: [Node], from others: [Node], direction: Direction = .both) {
    self.group = group
    self.others = others
    self.direction = direction
  }

  /// The faults that make the cut: one a node that must drop, in the order of the nodes.
  public func faults(
    id: String, run: String, exempt: [IPAddress] = [], timing: Fault.Timing
  ) -> [Fault] {
    func fault(on node: Node, from senders: [Node]) -> Fault {
      Fault(
        id: id, run: run, node: node.name, inbound: .drop,
        targets: .init(peers: senders.flatMap(\.addresses), exempt: exempt), timing: timing)
    }
    var faults: [Fault] = []
    if direction != .out { faults += group.map { fault(on: $0, from: others) } }
    if direction != .in { faults += others.map { fault(on: $0, from: group) } }
    return faults
  }
}
