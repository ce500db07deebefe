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
