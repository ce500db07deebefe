extension TrafficScope {
  /// What passes although it would be meant: packets from or to these ports, whatever their protocol.
  public struct Exceptions: Sendable, Hashable, Codable {
    /// Ports of the region.
    public var ports: [Ports]
    /// Ports of the peers.
    public var peerPorts: [Ports]

    /// Exceptions.
    public init(ports: [Ports] = [], peerPorts: [Ports] = []) {
      self.ports = ports
      self.peerPorts = peerPorts
    }
  }
}
