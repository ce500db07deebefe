internal import Support

extension PacketEffect {
  static func read(_ value: Value) -> PacketEffect? {
    value.fields { fields in
      // An absent key is nil and no mistake; a wrong one has been noted, and the scenario is refused for it.
      let loss = fields.value("loss").flatMap(PacketLoss.read)
      let delay = fields.value("delay").flatMap { $0.positiveDuration() }
      let jitter = fields.value("jitter").flatMap { $0.positiveDuration() }
      let spread = fields.value("distribution").flatMap(readSpread)
      let effect = PacketEffect(
        loss: loss, delay: delay, jitter: jitter, distribution: spread?.shape, table: spread?.table,
        correlation: fields.value("correlation").flatMap { $0.unit() },
        reorder: fields.value("reorder").flatMap { $0.unit() },
        duplicate: fields.value("duplicate").flatMap { $0.unit() },
        corrupt: fields.value("corrupt").flatMap { $0.unit() }, rate: fields.value("rate").flatMap { $0.unit() },
        burst: fields.value("burst").flatMap { $0.unit() }, queue: fields.value("queue").flatMap { $0.unit() })
      return effect.isSound(value) ? effect : nil
    }
  }

  private static func readSpread(_ value: Value) -> (shape: JitterDistribution?, table: DelayTable?)? {
    guard case .mapping = value.node.content else {
      return value.choice(JitterDistribution.self, called: "a distribution").map { ($0, nil) }
    }
    return value.fields { fields in fields.required("table", DelayTable.read) }.map { (nil, $0) }
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
    if distribution != nil || table != nil || correlation != nil, jitter == nil {
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
