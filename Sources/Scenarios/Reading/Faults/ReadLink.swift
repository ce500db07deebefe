internal import Support

extension FaultSpecification.Link {
  /// Reads the keys that say where a fault on the network happens; they stand among the fault's own.
  static func read(_ fields: Fields) -> FaultSpecification.Link? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let peers = fields.required("from", PeerSelection.read)
    let scope = fields.optional("only", or: .all, TrafficScope.read)
    // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
    let flapping = fields.value("flapping").flatMap(Flapping.read)
    guard let region, let peers, let scope else { return nil }
    return FaultSpecification.Link(region: region, peers: peers, scope: scope, flapping: flapping)
  }
}

extension PeerSelection {
  static func read(_ value: Value) -> PeerSelection? {
    if case .sequence = value.node.content { return value.list { $0.text(expected: "a region") }.map { .regions($0) } }
    guard let text = value.text(expected: "'all' or a list of regions") else { return nil }
    guard text == "all" else {
      value.mistake("expected 'all' or a list of regions, found \(quoted(text))", fix: "a single region: [\(text)]")
      return nil
    }
    return .all
  }
}

extension Flapping {
  static func read(_ value: Value) -> Flapping? {
    value.fields { fields in
      let on = fields.required("on") { $0.positiveDuration() }
      let off = fields.required("off") { $0.positiveDuration() }
      guard let on, let off else { return nil }
      return Flapping(on: on, off: off)
    }
  }
}

extension TrafficScope {
  static func read(_ value: Value) -> TrafficScope? {
    value.fields { fields in
      let transport = fields.value("protocol").flatMap { $0.choice(TransportProtocol.self, called: "a protocol") }
      let ports = fields.optional("ports", or: []) { $0.list(Ports.read) }
      let peerPorts = fields.optional("peerPorts", or: []) { $0.list(Ports.read) }
      // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
      let except = fields.value("except").flatMap(Exceptions.read)
      guard let ports, let peerPorts else { return nil }
      if transport == nil, !(ports.isEmpty && peerPorts.isEmpty) {
        value.mistake("ports belong to a protocol, and none is given", fix: "add protocol: tcp or protocol: udp")
        return nil
      }
      return TrafficScope(transport: transport, ports: ports, peerPorts: peerPorts, except: except)
    }
  }
}

extension TrafficScope.Ports {
  static func read(_ value: Value) -> TrafficScope.Ports? {
    let form = "a port or a range of ports such as 5432 or 9000-9100"
    guard let text = value.text(expected: form) else { return nil }
    let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { end in
      end.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(end) : nil
    }
    guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first > 0 else {
      value.mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    guard first <= last else {
      value.mistake("the range \(text) ends before it begins", fix: "\(last)-\(first)")
      return nil
    }
    return TrafficScope.Ports(first, through: last)
  }
}
