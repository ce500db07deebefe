internal import Support

extension FaultSpecification.Link {
  /// Reads the keys that say where a fault on the network happens; they stand among the fault's own.
  static func read(_ fields: Fields) -> FaultSpecification.Link? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let nodes = fields.value("nodes").flatMap { $0.list { $0.text(expected: "a node") } }
    let peers = fields.required("from", PeerSelection.read)
    let scope = fields.optional("only", or: .all, TrafficScope.read)
    // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
    let flapping = fields.value("flapping").flatMap(Flapping.read)
    guard let region, let peers, let scope else { return nil }
    return FaultSpecification.Link(region: region, nodes: nodes, peers: peers, scope: scope, flapping: flapping)
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
      let either = fields.value("eitherPorts").flatMap { $0.list(Ports.read) }
      let role = fields.value("role").flatMap(readRole)
      let cgroup = fields.value("cgroup").flatMap(readGroup)
      let user = fields.value("user").flatMap(readUser)
      let except = fields.value("except").flatMap(Exceptions.read)
      guard let ports, let peerPorts else { return nil }
      let owner = cgroup == nil && user == nil ? nil : Owner(cgroup: cgroup, user: user)
      let scope = TrafficScope(
        transport: transport, ports: ports, peerPorts: peerPorts, eitherPorts: either.flatMap { $0.isEmpty ? nil : $0 },
        role: role, owner: owner, except: except)
      return scope.isSound(value) ? scope : nil
    }
  }

  /// Whether its parts make sense together; notes a mistake otherwise.
  private func isSound(_ value: Value) -> Bool {
    if role != nil {
      if transport != nil, transport != .tcp {
        value.mistake("the servers that play a role speak tcp", fix: "leave protocol out")
        return false
      }
      if !(ports.isEmpty && peerPorts.isEmpty && eitherPorts == nil) {
        value.mistake("role and ports both say which ports are meant", fix: "keep one of them")
        return false
      }
    }
    if eitherPorts != nil, !(ports.isEmpty && peerPorts.isEmpty) {
      value.mistake(
        "eitherPorts is about whichever end, ports and peerPorts about one", fix: "keep eitherPorts, or the others")
      return false
    }
    if wholeTransport == nil, saysPorts {
      value.mistake("ports belong to a protocol, and none is given", fix: "add protocol: tcp or protocol: udp")
      return false
    }
    if let transport, !transport.hasPorts, saysPorts {
      value.mistake(
        "packets of \(transport.rawValue) have no ports", fix: "leave the ports out, or name another protocol")
      return false
    }
    return true
  }

  private static func readRole(_ value: Value) -> Role? {
    guard let role = value.choice(Role.self, called: "a role") else { return nil }
    guard !role.ports.isEmpty else {
      let others = Role.allCases.filter { !$0.ports.isEmpty }.map(\.rawValue).joined(separator: " or ")
      value.mistake("who plays '\(role.rawValue)' listens on no port, so no packet is known by it", fix: others)
      return nil
    }
    return role
  }

  private static func readGroup(_ value: Value) -> String? {
    let form = "the path of a control group, such as /kafka.slice"
    guard let text = value.text(expected: form) else { return nil }
    guard text.hasPrefix("/"), text != "/", !text.split(separator: "/").contains("..") else {
      let fix = text == "/" ? "leave it out: every socket belongs to the root" : text.contains("..") ? nil : "/\(text)"
      value.mistake("expected \(form), found \(quoted(text))", fix: fix)
      return nil
    }
    return text
  }

  private static func readUser(_ value: Value) -> String? {
    let form = "a user's name or number"
    guard let text = value.text(expected: form) else { return nil }
    let isNumber = text.utf8.allSatisfy { (48...57).contains($0) }
    guard (1...256).contains(text.utf8.count), !text.utf8.contains(where: { $0 <= 32 || $0 == 127 || $0 == 58 }),
      text.utf8.first != 45, !isNumber || UInt32(text) != nil
    else {
      value.mistake("expected \(form), found \(quoted(text))")
      return nil
    }
    return text
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
