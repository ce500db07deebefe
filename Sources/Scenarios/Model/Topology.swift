/// Where the drill takes place.
public struct Topology: Sendable, Hashable, Codable {
  /// What the regions are made of.
  public enum Ground: String, Sendable, Hashable, Codable {
    /// Network namespaces on this machine, built for the drill and taken down after it.
    case lab
  }

  /// What the regions are made of.
  public var ground: Ground
  /// The regions, in the order of the file; the order decides their addresses.
  public var regions: [Region]

  /// A topology from its parts.
  public init(ground: Ground = .lab, regions: [Region]) {
    self.ground = ground
    self.regions = regions
  }

  /// The region called `name`.
  public func region(_ name: String) -> Region? { regions.first { $0.name == name } }

  /// The names of the regions that play `role`.
  public func names(with role: Role) -> [String] { regions.filter { $0.roles.contains(role) }.map(\.name) }
}

/// A failure domain.
public struct Region: Sendable, Hashable, Codable {
  /// Its name, at most 12 letters.
  public var name: String
  /// What runs in it.
  public var roles: [Role]

  /// A region from its parts.
  public init(name: String, roles: [Role]) {
    self.name = name
    self.roles = roles
  }
}

/// What a region can run.
public enum Role: String, Sendable, Hashable, Codable, CaseIterable {
  /// An event store.
  case store
  /// A control plane that can be elected and promote its region.
  case control
  /// A member of the quorum that grants leases and tokens.
  case quorum
}

/// Who owns the writes of a topic.
public struct Ownership: Sendable, Hashable, Codable {
  /// The topic.
  public var topic: String
  /// The owner while all is well.
  public var normal: String
  /// The owner after the normal one is lost.
  public var failover: String

  /// Ownership from its parts.
  public init(topic: String, normal: String, failover: String) {
    self.topic = topic
    self.normal = normal
    self.failover = failover
  }
}
