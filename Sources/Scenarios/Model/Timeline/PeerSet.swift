/// The other side of a link, where it is not simply regions. All that is named belongs to it.
public struct PeerSet: Sendable, Hashable, Codable {
  /// Nodes of these regions; `nil`: of all others if ``roles`` are given, and of none if not.
  public var regions: PeerRegions?
  /// Of the regions' nodes, only those that play one of these roles. Empty: all.
  public var roles: [Role]
  /// Single nodes: hosts of an inventory; in a lab, where a region is one node, its name.
  public var nodes: [String]
  /// Addresses of either family, whoever has them.
  public var addresses: [String]
  /// Networks of either family; they may overlap.
  public var networks: [String]
  /// Names, resolved where the fault is made, and again when their time to live is over.
  public var names: [String]

  /// Regions, by name or all.
  public enum PeerRegions: Sendable, Hashable, Codable {
    /// Every other region.
    case all
    /// These.
    case named([String])
  }

  /// A side from its parts.
  public init(
    regions: PeerRegions? = nil, roles: [Role] = [], nodes: [String] = [], addresses: [String] = [],
    networks: [String] = [], names: [String] = []
  ) {
    self.regions = regions
    self.roles = roles
    self.nodes = nodes
    self.addresses = addresses
    self.networks = networks
    self.names = names
  }

  /// Whether nobody is named.
  public var isEmpty: Bool { self == PeerSet() }

  /// What is named that need be no node's: addresses, networks and names, as written.
  public var beyond: [String] { addresses + networks + names }
}
