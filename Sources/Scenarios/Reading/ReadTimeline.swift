internal import Support

extension TimelineEntry {
  static func read(_ value: Value) -> TimelineEntry? {
    value.fields { fields in
      let id = fields.required("id") { $0.name(longest: 24) }
      let at: Duration? = fields.required("at") { $0.unit() }
      let hold = fields.required("for") { $0.positiveDuration() }
      let kind = fields.required("fault") { $0.choice(FaultSpecification.Kind.self, called: "a fault") }
      let fault = kind.flatMap { FaultSpecification.read($0, fields) }
      // Which keys belong here depends on the kind; none of them is a second mistake.
      if kind == nil { for key in FaultSpecification.keys { _ = fields.value(key) } }
      guard let id, let at, let hold, let fault else { return nil }
      return TimelineEntry(id: id, at: at, fault: fault, hold: hold)
    }
  }
}

extension FaultSpecification {
  /// All keys of all kinds.
  fileprivate static let keys = ["region", "from", "only", "flapping", "direction", "answer", "in", "out", "both"]

  fileprivate static func read(_ kind: Kind, _ fields: Fields) -> FaultSpecification? {
    let region = fields.required("region") { $0.text(expected: "a region") }
    let peers = fields.required("from", PeerSelection.read)
    let scope = fields.optional("only", or: .all, TrafficScope.read)
    // Absent is nil; so is a wrong one, but then its mistake was noted and the scenario is refused.
    let flapping = fields.value("flapping").flatMap(Flapping.read)
    func link() -> Link? {
      guard let region, let peers, let scope else { return nil }
      return Link(region: region, peers: peers, scope: scope, flapping: flapping)
    }
    switch kind {
    case .partition:
      let direction = fields.optional("direction", or: .both) { $0.choice(Direction.self, called: "a direction") }
      let answer = fields.optional("answer", or: .silence) { $0.choice(CutAnswer.self, called: "an answer") }
      guard let link = link(), let direction, let answer else { return nil }
      return .partition(link, direction: direction, answer: answer)
    case .network:
      guard let both = fields.optional("both", or: PacketEffect(), PacketEffect.read) else {
        for key in ["in", "out"] { _ = fields.value(key) }
        return nil
      }
      let inbound = fields.optional("in", or: both, PacketEffect.read)
      let outbound = fields.optional("out", or: both, PacketEffect.read)
      guard let link = link(), let inbound, let outbound else { return nil }
      return .network(link, inbound: inbound, outbound: outbound)
    case .killConnections:
      return link().map { .killConnections($0) }
    }
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
      guard let ports, let peerPorts else { return nil }
      if transport == nil, !(ports.isEmpty && peerPorts.isEmpty) {
        value.mistake("ports belong to a protocol, and none is given", fix: "add protocol: tcp or protocol: udp")
        return nil
      }
      return TrafficScope(transport: transport, ports: ports, peerPorts: peerPorts)
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

extension PacketEffect {
  static func read(_ value: Value) -> PacketEffect? {
    value.fields { fields in
      // An absent key is nil and no mistake; a wrong one has been noted, and the scenario is refused for it.
      let effect = PacketEffect(
        loss: fields.value("loss").flatMap(PacketLoss.read),
        delay: fields.value("delay").flatMap { $0.positiveDuration() },
        jitter: fields.value("jitter").flatMap { $0.positiveDuration() },
        distribution: fields.value("distribution").flatMap {
          $0.choice(JitterDistribution.self, called: "a distribution")
        },
        correlation: fields.value("correlation").flatMap { $0.unit() },
        reorder: fields.value("reorder").flatMap { $0.unit() },
        duplicate: fields.value("duplicate").flatMap { $0.unit() },
        corrupt: fields.value("corrupt").flatMap { $0.unit() }, rate: fields.value("rate").flatMap { $0.unit() },
        burst: fields.value("burst").flatMap { $0.unit() }, queue: fields.value("queue").flatMap { $0.unit() })
      return effect.isSound(value) ? effect : nil
    }
  }

  /// Whether its parts make sense together; notes a mistake otherwise.
  private func isSound(_ value: Value) -> Bool {
    if jitter != nil, delay == nil {
      value.mistake("jitter needs a delay that it varies", fix: "add delay, at least as long as the jitter")
      return false
    }
    if let jitter, let delay, jitter > delay {
      value.mistake("a jitter of \(jitter.text) around a delay of \(delay.text) would send packets back in time")
      return false
    }
    if distribution != nil || correlation != nil, jitter == nil {
      value.mistake("distribution and correlation say how jitter varies, and there is none", fix: "add jitter")
      return false
    }
    if reorder != nil, delay == nil {
      value.mistake("only what is delayed can be overtaken", fix: "add delay")
      return false
    }
    if burst != nil || queue != nil, rate == nil {
      value.mistake("burst and queue belong to a rate, and there is none", fix: "add rate")
      return false
    }
    return true
  }
}

extension PacketLoss {
  static func read(_ value: Value) -> PacketLoss? {
    guard case .mapping = value.node.content else {
      let share: Percentage? = value.unit()
      return share.map { .random($0, correlation: nil) }
    }
    return value.fields { fields in
      let random = fields.value("random")
      let correlation = fields.value("correlation")
      let bursts = fields.value("bursts")
      let every = fields.value("every")
      let exact = fields.value("exact")
      guard [random, bursts, every, exact].count(where: { $0 != nil }) == 1, correlation == nil || random != nil else {
        value.mistake("expected one of random (with correlation, if wanted), bursts, every, exact")
        return nil
      }
      if let random {
        let share: Percentage? = random.unit()
        let follows: Percentage? = correlation.flatMap { $0.unit() }
        if correlation != nil, follows == nil { return nil }
        return share.map { .random($0, correlation: follows) }
      }
      if let bursts { return readBursts(bursts) }
      if let every { return every.integer(in: 2...65_536).map { .every(Int($0)) } }
      let share: Percentage? = exact.flatMap { $0.unit() }
      return share.map { .exact($0) }
    }
  }

  private static func readBursts(_ value: Value) -> PacketLoss? {
    value.fields { fields in
      let enter: Percentage? = fields.required("enter") { $0.unit() }
      let leave: Percentage? = fields.required("leave") { $0.unit() }
      let inside: Percentage? = fields.optional("inside", or: .all) { $0.unit() }
      let outside: Percentage? = fields.optional("outside", or: Percentage(partsPerMillion: 0)) { $0.unit() }
      guard let enter, let leave, let inside, let outside else { return nil }
      return .bursts(enter: enter, leave: leave, inside: inside, outside: outside)
    }
  }
}
