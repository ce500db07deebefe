extension TrafficScope.Exceptions {
  static func read(_ value: Value) -> TrafficScope.Exceptions? {
    value.fields { fields in
      let ports = fields.optional("ports", or: []) { $0.list(TrafficScope.Ports.read) }
      let peerPorts = fields.optional("peerPorts", or: []) { $0.list(TrafficScope.Ports.read) }
      let addresses = fields.optional("addresses", or: []) { $0.list { $0.peerAddress() } }
      let networks = fields.optional("networks", or: []) { $0.list { $0.network() } }
      guard let ports, let peerPorts, let addresses, let networks else { return nil }
      guard !(ports.isEmpty && peerPorts.isEmpty && addresses.isEmpty && networks.isEmpty) else {
        value.mistake("nothing is excepted", fix: "such as except: { peerPorts: [2379-2380] }, or leave it out")
        return nil
      }
      return TrafficScope.Exceptions(
        ports: ports, peerPorts: peerPorts, addresses: addresses.isEmpty ? nil : addresses,
        networks: networks.isEmpty ? nil : networks)
    }
  }
}
