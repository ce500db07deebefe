/// Where the drill takes place.
public struct Topology: Sendable, Hashable, Codable {
  /// What the regions are made of.
  public enum Ground: String, Sendable, Hashable, Codable {
    /// Network namespaces on this machine, built for the drill and taken down after it.
    case lab
    /// Real hosts, each reached through an agent.
    case inventory
  }

  /// What the regions are made of.
  public var ground: Ground
  /// The regions, in the order of the file; in a lab the order decides their addresses. Of an inventory they follow from
  /// the hosts: a region plays every role that one of its hosts plays.
  public var regions: [Region]
  /// The hosts of an inventory, in the order of the file; empty in a lab.
  public var hosts: [Host]
  /// The addresses from which the agents of an inventory are reached: the control channel, which no fault may cut. `nil` for
  /// none.
  public var controllers: [String]?

  /// A topology from its parts.
  public init(ground: Ground = .lab, regions: [Region], hosts: [Host] = [], controllers: [String]? = nil) {
    self.controllers = controllers
    self.ground = ground
    self.regions = regions
    self.hosts = hosts
  }

  /// The region called `name`.
  public func region(_ name: String) -> Region? { regions.first { $0.name == name } }

  /// The names of the regions that play `role`.
  public func names(with role: Role) -> [String] { regions.filter { $0.roles.contains(role) }.map(\.name) }
}
