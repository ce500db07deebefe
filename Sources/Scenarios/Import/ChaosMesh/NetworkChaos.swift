internal import Support

/// `NetworkChaos`: what happens to the packets between pods.
enum NetworkChaos {
  enum Action: String, CaseIterable {
    case netem, delay, loss, duplicate, corrupt, rate, partition, bandwidth
  }

  /// Reads the object's specification.
  static func read(
    _ value: Value, name: String, limit: Duration?, in context: ChaosMeshContext
  ) -> ImportedStep? {
    value.fields { fields in
      let action = fields.required("action") { $0.choice(Action.self, called: "an action") }
      let frame = ChaosFrame.read(fields, value, limit: limit, in: context)
      let direction = readDirection(fields)
      let effect = NetemEffect.read(fields, action, value)
      refuseDevices(fields)
      var links: [ChaosLink]?
      if let place = frame?.place, let direction {
        links = readLinks(fields, value, place, direction, action, in: context)
      } else {
        // What is wrong with the other side is said in the same pass.
        if let target = fields.present("target") { _ = readTarget(target, in: context) }
        _ = fields.value("externalTargets")
      }
      guard let action, let frame, let effect, let links, !links.isEmpty else { return nil }
      let faults = links.map { link in
        ImportedStep.fault(
          ImportedFault(
            name: name, origin: "NetworkChaos \(name), action \(action.rawValue)", mark: value.node.mark,
            keys: keys(action, link, effect), region: link.region, hold: frame.hold))
      }
      return faults.count == 1 ? faults[0] : .parallel(faults, name: name)
    }
  }

  /// One link's disturbance as the keys of a timeline entry.
  static func keys(_ action: Action, _ link: ChaosLink, _ effect: PacketEffect) -> [YamlTree.Member] {
    var keys: [YamlTree.Member] = [
      .init("fault", .word(action == .partition ? "partition" : "network")), .init("region", .word(link.region)),
      .init("from", link.peers.tree),
    ]
    if action == .partition {
      if link.direction != .both { keys.append(.init("direction", .word(link.direction.rawValue))) }
    } else {
      keys.append(.init(link.direction.rawValue, .flow(effect.tree)))
    }
    if link.scope != .all { keys.append(.init("only", .flow(link.scope.tree))) }
    return keys
  }

  private static func readDirection(_ fields: Fields) -> ChaosDirection? {
    guard let value = fields.present("direction") else { return .to }
    if case .scalar("", _) = value.node.content { return .to }
    return value.choice(ChaosDirection.self, called: "a direction")
  }

  private static func refuseDevices(_ fields: Fields) {
    for key in ["device", "targetDevice"] {
      guard let value = fields.present(key), !value.isEmpty else { continue }
      value.remark(
        "interfaces are not chosen here: packets are told by their addresses, on whatever device they travel")
    }
  }

  private static func readLinks(
    _ fields: Fields, _ owner: Value, _ place: ImportMap.Place, _ direction: ChaosDirection, _ action: Action?,
    in context: ChaosMeshContext
  ) -> [ChaosLink]? {
    let target = fields.present("target")
    let external = fields.present("externalTargets").flatMap { $0.isEmpty ? nil : $0 }
    guard target != nil || external != nil else {
      remarkNoTarget(fields, owner, direction, action)
      return ChaosLink.toAllOthers(
        from: place, direction, scope: TrafficScope(between: place, and: nil), among: context.regions)
    }
    var links: [ChaosLink] = []
    var isSound = true
    if let target {
      if let found = readTarget(target, in: context) {
        let joined = ChaosLink.between(
          place, found, direction, scope: TrafficScope(between: place, and: found))
        if joined.isEmpty {
          target.mistake(
            "both sides are in \(listed(place.regions)): what passes inside a region cannot be disturbed",
            fix: "map the two sides to different regions")
          isSound = false
        }
        links += joined
      } else {
        isSound = false
      }
    }
    if let external {
      if direction != .to, action != .partition {
        external.remark(
          "Chaos Mesh refuses direction \(direction.rawValue) with external targets, for it can only disturb what"
            + " leaves; here what comes from them is disturbed")
      }
      if let found = ExternalTargets.read(external, from: place, direction, in: context) {
        links += found.filter { !links.contains($0) }
      } else {
        isSound = false
      }
    }
    if direction == .from, action != .partition, target != nil {
      fields.value("direction")?.note(
        "direction from is made at the receiver here; Chaos Mesh disturbs what leaves the target's pods instead")
    }
    return isSound ? links : nil
  }

  private static func remarkNoTarget(
    _ fields: Fields, _ owner: Value, _ direction: ChaosDirection, _ action: Action?
  ) {
    guard direction == .to || action == .partition else {
      (fields.value("direction") ?? owner).remark(
        "direction \(direction.rawValue) without a target does nothing in Chaos Mesh to the packets that come, for it"
          + " works where they leave; here all that comes from other regions is disturbed",
        fix: "say target, or direction to")
      return
    }
    owner.note(
      "no target: there the pods' packets to and from their neighbours are meant too; here those of other regions")
  }

  private static func readTarget(_ value: Value, in context: ChaosMeshContext) -> ImportMap.Place? {
    value.fields { Targets.read($0, value, in: context) }
  }
}

/// `externalTargets`: names, addresses and networks, each perhaps with a port.
enum ExternalTargets {
  static func read(
    _ value: Value, from place: ImportMap.Place, _ direction: ChaosDirection, in context: ChaosMeshContext
  ) -> [ChaosLink]? {
    // Those on one port make one fault together.
    let targets = value.list { entry -> (place: ImportMap.Place, port: TrafficScope.Ports?)? in
      guard let text = entry.words(expected: "a host, an address or a network, perhaps with :port") else { return nil }
      let (host, port) = split(text)
      if port != nil, direction == .from {
        entry.remark(
          "Chaos Mesh compares the port with the pods' own when packets come; here it is the port of \(quoted(host)), that"
            + " they come from")
      }
      guard let found = context.map.place(ofHost: host, at: entry) else { return nil }
      guard found.regions.contains(where: { !place.regions.contains($0) }) else {
        entry.mistake(
          "\(quoted(host)) is in \(listed(place.regions)) itself: what passes inside a region cannot be disturbed")
        return nil
      }
      return (found, port)
    }
    guard let targets else { return nil }
    var groups: [(ports: [TrafficScope.Ports], regions: [String])] = []
    for target in targets {
      let ports = target.port.map { [$0] } ?? target.place.ports
      if let index = groups.firstIndex(where: { $0.ports == ports }) {
        groups[index].regions += target.place.regions.filter { !groups[index].regions.contains($0) }
      } else {
        groups.append((ports, target.place.regions))
      }
    }
    return groups.flatMap { group in
      let other = ImportMap.Place(regions: group.regions, ports: group.ports)
      return ChaosLink.between(place, other, direction, scope: TrafficScope(between: place, and: other))
    }
  }

  /// The host, and the port behind the last colon; an IPv6 address has none without brackets.
  static func split(_ text: String) -> (host: String, port: TrafficScope.Ports?) {
    if text.hasPrefix("[") {
      let parts = text.dropFirst().split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
      let port = parts.count == 2 && parts[1].hasPrefix(":") ? number(parts[1].dropFirst()) : nil
      return (String(parts[0]), port)
    }
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let port = number(parts[1]) else { return (text, nil) }
    return (String(parts[0]), port)
  }

  private static func number(_ text: Substring) -> TrafficScope.Ports? {
    guard !text.isEmpty, text.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(text), port > 0 else {
      return nil
    }
    return TrafficScope.Ports(port, through: port)
  }
}
