/// A real host of an inventory.
public struct Host: Sendable, Hashable, Codable {
  /// Its name in the drill.
  public var name: String
  /// The region it stands in.
  public var region: String
  /// What runs on it.
  public var roles: [Role]
  /// Its addresses, IPv4 and IPv6, without prefix: what its peers see. At least one.
  public var addresses: [String]
  /// The command that starts its agent and gives its standard input and output, a word an element: `ssh`, `kubectl exec`
  /// and the like. No shell sees it.
  public var agent: [String]

  /// A host from its parts.
  public init(name: String, region: String, roles: [Role], addresses: [String], agent: [String]) {
    self.name = name
    self.region = region
    self.roles = roles
    self.addresses = addresses
    self.agent = agent
  }
}
