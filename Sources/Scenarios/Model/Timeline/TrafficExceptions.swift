extension TrafficScope {
  /// What passes although it would be meant: packets from or to these ports, whatever their protocol, and those of addresses.
  public struct Exceptions: Sendable, Hashable, Codable {
    /// Ports of the region.
    public var ports: [Ports]
    /// Ports of the peers.
    public var peerPorts: [Ports]
    /// Addresses at the other side; `nil` for none.
    public var addresses: [String]?
    /// Networks at the other side; `nil` for none.
    public var networks: [String]?

    /// Exceptions.
    public init(
      ports: [Ports] = [], peerPorts: [Ports] = [], addresses: [String]? = nil, networks: [String]? = nil
    ) {
      self.ports = ports
      self.peerPorts = peerPorts
      self.addresses = addresses
      self.networks = networks
    }
  }
}
