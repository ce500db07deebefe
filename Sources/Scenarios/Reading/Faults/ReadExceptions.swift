extension TrafficScope.Exceptions {
  static func read(_ value: Value) -> TrafficScope.Exceptions? {
    value.fields { fields in
      let ports = fields.optional("ports", or: []) { $0.list(TrafficScope.Ports.read) }
      let peerPorts = fields.optional("peerPorts", or: []) { $0.list(TrafficScope.Ports.read) }
      guard let ports, let peerPorts else { return nil }
      guard !(ports.isEmpty && peerPorts.isEmpty) else {
        value.mistake("nothing is excepted", fix: "such as except: { peerPorts: [2379-2380] }, or leave it out")
        return nil
      }
      return TrafficScope.Exceptions(ports: ports, peerPorts: peerPorts)
    }
  }
}
