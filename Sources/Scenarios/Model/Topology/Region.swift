/// A failure domain.
public struct Region: Sendable, Hashable, Codable {
  /// Its name, at most 12 letters.
  public var name: String
  /// What runs in it.
  public var roles: [Role]
  /// How its servers' monotonic and boot clocks differ from those of the machine, in a lab; `nil`: they do not.
  public var clocks: ClockOffsets?

  /// A region from its parts.
  public init(name: String, roles: [Role], clocks: ClockOffsets? = nil) {
    self.name = name
    self.roles = roles
    self.clocks = clocks
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

  /// The TCP ports that its server listens on for others, in the lab and by the servers' own defaults. The control plane
  /// listens on none.
  public var ports: [TrafficScope.Ports] {
    switch self {
    case .store: [TrafficScope.Ports(5432, through: 5432)]
    case .quorum: [TrafficScope.Ports(2379, through: 2380)]
    case .control: []
    }
  }
}
