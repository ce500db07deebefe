internal import Support

extension PhysicalMachineChaos {
  /// What one attack does to which packets.
  struct Attack {
    var links: [ChaosLink]
    var effect: PacketEffect
  }

  /// Reads the block of an action, with chaosd's own keys.
  static func readAttack(
    _ value: Value, _ action: Action, _ place: ImportMap.Place?, in context: ChaosMeshContext
  ) -> Attack? {
    value.fields { fields in
      if let device = fields.present("device"), !device.isEmpty {
        device.remark(
          "interfaces are not chosen here: packets are told by their addresses, on whatever device they travel")
      }
      let effect = readEffect(fields, action, value)
      let scope = readScope(fields, place)
      let direction = readDirection(fields, action)
      let peers = readPeers(fields, value, place, action, in: context)
      guard let effect, let scope, let direction, let peers, let place else { return nil }
      let links =
        peers.map { ChaosLink.between(place, $0, direction, scope: scope) }
        ?? ChaosLink.toAllOthers(from: place, direction, scope: scope, among: context.regions)
      guard !links.isEmpty else {
        value.mistake("both sides are in \(listed(place.regions)): what passes inside a region cannot be disturbed")
        return nil
      }
      return Attack(links: links, effect: effect)
    }
  }

  private static func readEffect(_ fields: Fields, _ action: Action, _ owner: Value) -> PacketEffect? {
    var effect = PacketEffect()
    switch action {
    case .partition: fields.refuse("accept-tcp-flags", "packets are not told by their TCP flags")
    case .down:
      fields.pass("duration")
      owner.remark(
        "the interface stays up here: nothing passes between the region and the others, and inside it all works")
    case .delay:
      fields.refuse("accept-tcp-flags", "packets are not told by their TCP flags")
      guard let latency = fields.required("latency", { $0.goDuration() }) else { return nil }
      let jitter = fields.present("jitter").map { $0.goDuration() } ?? .some(.zero)
      let correlation =
        fields.present("correlation").map { $0.barePercentage() } ?? .some(Percentage(partsPerMillion: 0))
      guard let jitter, let correlation else { return nil }
      guard latency > .zero, jitter <= latency else {
        owner.mistake("expected a latency above zero, and a jitter of at most as much")
        return nil
      }
      effect.delay = latency
      if jitter > .zero {
        effect.jitter = jitter
        effect.correlation = correlation.partsPerMillion > 0 ? correlation : nil
      }
    case .loss, .corrupt, .duplicate:
      guard let share = fields.required("percent", { $0.barePercentage() }) else { return nil }
      let correlation =
        fields.present("correlation").map { $0.barePercentage() } ?? .some(Percentage(partsPerMillion: 0))
      guard let correlation else { return nil }
      let follows = correlation.partsPerMillion > 0 ? correlation : nil
      if action == .loss {
        effect.loss = .random(share, correlation: follows)
      } else if follows != nil {
        fields.value("correlation")?.mistake(
          "a correlation of \(action.network.rawValue) cannot be expressed: each packet's fate is drawn by itself here")
        return nil
      } else if action == .corrupt {
        effect.corrupt = share
      } else {
        effect.duplicate = share
      }
    case .bandwidth:
      guard let rate = fields.required("rate", { $0.tcRate() }),
        let limit = fields.required("limit", { $0.integer(in: 1...Int64(UInt32.max)) }),
        let buffer = fields.required("buffer", { $0.integer(in: 1...Int64(UInt32.max)) })
      else {
        fields.pass("rate", "limit", "buffer", "peakrate", "minburst")
        return nil
      }
      for key in ["peakrate", "minburst"] {
        if let value = fields.present(key), value.integer(in: 0...Int64.max) != 0 {
          value.mistake("\(key) cannot be expressed: a rate has one bucket here")
        }
      }
      effect.rate = rate
      effect.queue = ByteSize(bytes: limit)
      effect.burst = ByteSize(bytes: buffer)
    }
    return effect
  }

  private static func readScope(_ fields: Fields, _ place: ImportMap.Place?) -> TrafficScope? {
    fields.pass("ip-protocol", "source-port", "egress-port")
    var scope = TrafficScope(between: place ?? ImportMap.Place(regions: []), and: nil)
    if let transport = fields.present("ip-protocol"), !transport.isEmpty {
      switch transport.words()?.lowercased() {
      case "all": break
      case "tcp": scope.transport = .tcp
      case "udp": scope.transport = .udp
      case let other:
        if let other { transport.mistake("the protocol \(quoted(other)) cannot be told apart", fix: "tcp, udp or all") }
        return nil
      }
    }
    for (key, path) in [("source-port", \TrafficScope.ports), ("egress-port", \TrafficScope.peerPorts)] {
      guard let value = fields.present(key), !value.isEmpty else { continue }
      guard let ports = readPorts(value) else { return nil }
      scope[keyPath: path] = ports
      if scope.transport == nil {
        value.remark(
          "ports belong to a protocol, and none is given: here those of tcp are meant", fix: "ip-protocol: tcp")
        scope.transport = .tcp
      }
    }
    return scope
  }

  /// `80`, `80,443`, `8001:8010`.
  private static func readPorts(_ value: Value) -> [TrafficScope.Ports]? {
    guard let text = value.words(expected: "ports such as 80,443 or 8001:8010") else { return nil }
    let parts = text.split(separator: ",", omittingEmptySubsequences: false).map { part -> TrafficScope.Ports? in
      let ends = part.split(separator: ":", omittingEmptySubsequences: false).map { end -> UInt16? in
        let digits = end.filter { $0 != " " }
        return digits.utf8.allSatisfy { (48...57).contains($0) } ? UInt16(digits) : nil
      }
      guard (1...2).contains(ends.count), let first = ends[0], let last = ends[ends.count - 1], first > 0, first <= last
      else { return nil }
      return TrafficScope.Ports(first, through: last)
    }
    guard !parts.contains(where: { $0 == nil }) else {
      value.mistake("expected ports such as 80,443 or 8001:8010, found \(quoted(text))")
      return nil
    }
    return parts.compactMap(\.self)
  }

  private static func readDirection(_ fields: Fields, _ action: Action) -> ChaosDirection? {
    guard let value = fields.present("direction"), !value.isEmpty else {
      return action == .partition || action == .down ? .both : .to
    }
    guard action == .partition || action == .bandwidth else {
      value.mistake("chaosd knows a direction of partitions only")
      return nil
    }
    return value.choice(ChaosDirection.self, called: "a direction")
  }

  /// The other side; `.some(nil)`: all others. `nil` after a mistake.
  private static func readPeers(
    _ fields: Fields, _ owner: Value, _ place: ImportMap.Place?, _ action: Action, in context: ChaosMeshContext
  ) -> ImportMap.Place?? {
    var regions: [String] = []
    var isNamed = false
    var isSound = true
    for key in ["hostname", "ip-address"] {
      guard let value = fields.present(key), !value.isEmpty, let text = value.words() else { continue }
      isNamed = true
      for host in text.split(separator: ",") {
        guard let found = context.map.place(ofHost: host.filter { $0 != " " }, at: value) else {
          isSound = false
          continue
        }
        regions += found.regions.filter { !regions.contains($0) }
      }
    }
    guard isSound else { return nil }
    if isNamed { return .some(ImportMap.Place(regions: regions)) }
    if action == .partition {
      owner.mistake("a partition needs a hostname or an ip-address: it says from whom")
      return nil
    }
    return .some(nil)
  }
}
