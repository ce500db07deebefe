internal import Netlink

extension Fault {
  /// The prefix of the names of all tables that this tool makes.
  public static let tablePrefix = "bs_"

  /// Checks the fault and lays out its kernel objects. Touches nothing.
  ///
  /// - Parameter node: what the node can do and which devices it has.
  /// - Throws: ``FaultError``: a mistake in the fault, or an effect that this node cannot have, with what it lacks.
  public func compile(for node: NodeProfile = .unknown) throws(FaultError) -> CompiledFault {
    try validate()
    var compilation = Compilation(self, node)
    do throws(Mistake) {
      try compilation.run()
    } catch {
      throw FaultError(error.reason, fault: id, node: self.node)
    }
    return compilation.result
  }

  /// FNV-1a, 64 bits.
  static func hash(_ text: String) -> UInt64 {
    text.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }
}

/// One fault on its way to kernel objects.
private struct Compilation {
  typealias Rule = CompiledFault.Rule
  typealias Step = CompiledFault.Step

  let fault: Fault
  let node: NodeProfile
  private var ip: TableBuilder
  private var device: TableBuilder
  private var scaffolds: [ScaffoldRequest] = []
  private var lines: [DelayLineRequest] = []
  private var mechanisms: [MechanismChoice] = []

  init(_ fault: Fault, _ node: NodeProfile) {
    self.fault = fault
    self.node = node
    let name = fault.tableName
    // Never 0, which is the mark of packets without one.
    let mark = UInt32(truncatingIfNeeded: Fault.hash(name)) | 1
    ip = TableBuilder(.inet, name: name, fault.ruleTargets, mark: mark, firstSet: 1)
    device = TableBuilder(.netdev, name: name, fault.ruleTargets, mark: mark, firstSet: 101)
  }

  var result: CompiledFault {
    CompiledFault(
      fault: fault, tables: [ip.table, device.table].filter { !$0.chains.isEmpty }, scaffolds: scaffolds, lines: lines,
      mechanisms: mechanisms)
  }

  mutating func run() throws(Mistake) {
    if fault.targets.limitsGroup, fault.inbound != nil || fault.outbound != nil {
      try need([.socketControlGroup], for: "choosing packets by control group")
    }
    if fault.targets.user != nil || fault.targets.owner?.user != nil, fault.outbound != nil {
      try need([.socketUser], for: "choosing packets by user")
    }
    if let effect = fault.inbound { try inbound(effect) }
    if let effect = fault.outbound { try outbound(effect) }
    if fault.killsConnections {
      try need([.socketDestroy], for: "destroying connections")
      choose(
        nil, "connections", .socketDestroy, "it destroys sockets of any program, and both ends learn of it at once",
        "once, at arming; connections that are made later live; listening sockets are never touched")
    }
  }

  // MARK: Directions

  private mutating func inbound(_ effect: Fault.Effect) throws(Mistake) {
    if let refusal = effect.cut {
      choose(
        .inbound, "cut", refusal == .silence ? .dropAtArrival : .reject,
        refusal == .silence
          ? "a packet dropped where it arrives leaves its sender with TCP's own back-off, as a cut cable does"
          : "a firewall answers so", "every packet from the moment of arming")
      let stop = cutSteps(refusal)
      ip.add(
        "in", at: Place(layer: .ip, direction: .inbound), hook: .prerouting,
        priority: Stage(refusal).atArrival, by: .bySocket
      ) { _, family in Rule(counting: .stopped, .inbound, family, then: stop) }
    }
    if let loss = try lossDraw(effect.loss, .inbound) {
      ip.add(
        "lose_in", at: Place(layer: .ip, direction: .inbound), hook: .prerouting, priority: Stage.loss.atArrival,
        by: .bySocket
      ) { table, family in loss.rule(&table, .inbound, family, stop: [.fixed(.verdict(.drop))]) }
    }
    if let answers = effect.answers { try change(answers) }
    let shaping = try shaping(effect, .inbound)
    if shaping.hasLine {
      let queue = queueStep(.inbound)
      ip.add(
        "hold_in", at: Place(layer: .ip, direction: .inbound), hook: .prerouting, priority: Stage.shaping.atArrival,
        by: .bySocket
      ) { _, family in Rule(counting: .shaped, .inbound, family, then: [queue]) }
    }
    if shaping.hasScaffold {
      if fault.targets.limitsGroup {
        throw Mistake(
          .unsupported(
            "its inbound \(shaping.part) is made where packets come out of a device, and there they belong to no control "
              + "group yet; choose them by port, or shape what the other end sends"))
      }
      let hooks = try devices(for: "its inbound \(shaping.part)").map { NFTables.Hook.ingress(device: $0) }
      device.add(
        "shape_in", at: Place(layer: .device, direction: .inbound), hooks: hooks, priority: Stage.shaping.atDevice,
        by: .bySocket
      ) { _, family in Rule(counting: .shaped, .inbound, family, then: [.forward(.inbound)]) }
    }
  }

  private mutating func outbound(_ effect: Fault.Effect) throws(Mistake) {
    let place = Place(layer: .ip, direction: .outbound)
    if let refusal = effect.cut, refusal != .silence {
      choose(
        .outbound, "cut", .reject, "the program that sends is told at once, as by a firewall on its own host",
        "every packet from the moment of arming")
      let stop = cutSteps(refusal)
      ip.add("out", at: place, hook: .output, priority: Stage(refusal).atArrival, by: .bySocket) { _, family in
        Rule(counting: .stopped, .outbound, family, then: stop)
      }
      return
    }
    // Neither the last hook of the protocols nor a device knows the control group; a mark carries it there.
    let selector: TableBuilder.Selector = fault.targets.limitsGroup ? .byMark : .bySocket
    // Behind all that may set a mark of its own.
    if fault.targets.limitsGroup { ip.addMarking("mark", hook: .output, priority: 300) }
    if effect.cut == .silence {
      let hooks = try departures(for: "its outbound cut")
      choose(
        .outbound, "cut", .swallowAtDeparture,
        "a device that is down swallows packets without telling their sender, whose TCP then backs off as it does when a "
          + "cable is cut", "every packet from the moment of arming")
      device.add(
        "out", at: Place(layer: .device, direction: .outbound), hooks: hooks, priority: Stage.silence.atDevice,
        by: selector
      ) { _, family in Rule(counting: .stopped, .outbound, family, then: [.forward(.hole)]) }
    }
    if let loss = try lossDraw(effect.loss, .outbound) {
      let hooks = try departures(for: "its outbound loss")
      device.add(
        "lose_out", at: Place(layer: .device, direction: .outbound), hooks: hooks, priority: Stage.loss.atDevice,
        by: selector
      ) { table, family in loss.rule(&table, .outbound, family, stop: [.forward(.hole)]) }
    }
    if effect.cut != nil || effect.loss != nil { scaffold(.hole, nil, "that stays down") }
    let shaping = try shaping(effect, .outbound)
    if shaping.hasLine {
      let queue = queueStep(.outbound)
      // Behind source address translation (100).
      ip.add("hold_out", at: place, hook: .postrouting, priority: 300, by: selector) { _, family in
        Rule(counting: .shaped, .outbound, family, then: [queue])
      }
    }
    if shaping.hasScaffold {
      let hooks = try departures(for: "its outbound \(shaping.part)")
      device.add(
        "shape_out", at: Place(layer: .device, direction: .outbound), hooks: hooks, priority: Stage.shaping.atDevice,
        by: selector
      ) { _, family in Rule(counting: .shaped, .outbound, family, then: [.forward(.outbound)]) }
    }
  }

  /// Where packets leave, each device by itself.
  private func departures(for what: String) throws(Mistake) -> [NFTables.Hook] {
    try need([.egressHook, .forward, .ifb], for: what, otherwise: Self.askTheOtherEnd)
    return try devices(for: what).map { .egress(device: $0) }
  }

  private static let askTheOtherEnd = "make an inbound fault on the node at the other end"

  // MARK: Parts

  private mutating func choose(
    _ direction: Fault.Direction?, _ part: String, _ mechanism: MechanismChoice.Mechanism, _ why: String,
    _ accuracy: String
  ) {
    mechanisms.append(
      MechanismChoice(direction: direction, part: part, mechanism: mechanism, why: why, accuracy: accuracy))
  }

  /// - Throws: what the node lacks.
  private func need(
    _ features: [KernelFeatures.Feature], for what: String, otherwise: String? = nil
  ) throws(Mistake) {
    let missing = features.filter { !node.features.has($0) }
    guard missing.isEmpty else { throw lacks(missing, for: what, otherwise: otherwise) }
  }

  private func lacks(
    _ missing: [KernelFeatures.Feature], for what: String, otherwise: String? = nil
  ) -> Mistake {
    let words = missing.map { feature in
      "\(feature.requirement), here \(node.features.answers[feature]?.description ?? "not looked for")"
    }
    return Mistake(
      .unsupported("\(what) needs \(words.joined(separator: " and "))" + (otherwise.map { "; \($0)" } ?? "")))
  }

  private func devices(for what: String) throws(Mistake) -> [String] {
    let devices = fault.targets.devices ?? node.devices
    if let unknown = devices.first(where: { !node.devices.contains($0) }) {
      let known = node.devices.isEmpty ? "none" : node.devices.sorted().joined(separator: ", ")
      throw Mistake("\(what) is to be made on device \"\(unknown)\", which the node has not; it has \(known)")
    }
    guard !devices.isEmpty else {
      throw Mistake("\(what) is made on devices, and the node has none besides its loopback")
    }
    return devices.sorted()
  }

  private func cutSteps(_ refusal: Fault.Refusal) -> [Step] {
    switch refusal {
    case .silence: [.fixed(.verdict(.drop))]
    case .tcpReset: [.fixed(.reject(.tcpReset))]
    case .icmp(.hostUnreachable): [.fixed(.reject(.icmp(.host)))]
    case .icmp(.adminProhibited): [.fixed(.reject(.icmp(.prohibited)))]
    case .icmp(.portUnreachable): [.fixed(.reject(.icmp(.port)))]
    }
  }

  private func queueStep(_ direction: Fault.Direction) -> Step {
    .queue(direction, isTarget: !node.features.has(.queueExpression))
  }

  // MARK: Answers

  /// Answers go to a line that reads them. The rule only sees that they are answers; the line counts those that are meant.
  private mutating func change(_ answers: Fault.Answers) throws(Mistake) {
    try needQueue(for: "changing answers")
    let queue = queueStep(.inbound)
    lines.append(DelayLineRequest(direction: .inbound, settings: .init(answers: answers)))
    choose(.inbound, "answers", .answerChange, "they are changed where they arrive, whoever asked", answers.accuracy)
    ip.add(
      "answers", at: Place(layer: .ip, direction: .inbound), hook: .prerouting, priority: Stage.shaping.atArrival,
      by: .bySocket
    ) { _, family in Rule(counting: .drawn, .inbound, family, then: [queue]) }
  }

  private func needQueue(for what: String, orNetem: Bool = false) throws(Mistake) {
    if node.features.has(.queueExpression) || node.features.has(.compatibleQueue) { return }
    throw lacks(
      (orNetem ? [.netem] : []) + [.queueExpression, .compatibleQueue], for: what, otherwise: "one is enough")
  }

  // MARK: Loss

  private mutating func lossDraw(_ loss: Fault.Loss?, _ direction: Fault.Direction) throws(Mistake) -> LossDraw? {
    guard let loss else { return nil }
    let draw = try LossDraw(loss, seed: fault.seed, direction)
    choose(
      direction, "loss", direction == .inbound ? .dropAtArrival : .swallowAtDeparture, draw.why, draw.accuracy)
    return draw
  }

  // MARK: Shaping

  private struct Shaping {
    var part: String
    var hasScaffold = false
    var hasLine = false
  }

  /// What shapes the packets of one direction: a device with netem, or a device with a token bucket and a delay line.
  private mutating func shaping(
    _ effect: Fault.Effect, _ direction: Fault.Direction
  ) throws(Mistake) -> Shaping {
    var shaping = Shaping(part: effect.delay != nil ? "delay" : effect.rate != nil ? "rate" : "shaping")
    guard effect.shapes else { return shaping }
    let hook: KernelFeatures.Feature = direction == .inbound ? .ingressHook : .egressHook
    let role: ScaffoldRequest.Role = direction == .inbound ? .inbound : .outbound
    let onlyRate = effect.delay == nil && effect.duplicate == nil && effect.corrupt == nil
    // netem's own rate has neither burst nor queue of its own.
    let ratesAlike = effect.rate.map { $0.burstBytes == nil && $0.queueBytes == nil } ?? true
    let changesPackets = effect.duplicate != nil || effect.corrupt != nil
    if !onlyRate, node.has([hook, .forward, .ifb, .netem]), ratesAlike || changesPackets,
      !fault.repeatsExactly || changesPackets, !fault.targets.limitsGroup || direction == .outbound
    {
      guard ratesAlike else {
        throw Mistake(
          .unsupported(
            "its \(direction) rate states a burst or a queue, which netem has not, beside duplication or corruption, which "
              + "only netem has; leave one of them out"))
      }
      guard !fault.repeatsExactly else {
        throw Mistake(
          .unsupported("its \(direction) duplication and corruption are netem's, which does not repeat exactly"))
      }
      var shaped = effect
      shaped.loss = nil
      let netem = shaped.netem(seed: seed(direction))
      shaping.hasScaffold = true
      scaffold(
        role, .netem(netem),
        "with netem: \(shaped.words), at most \(netem.limitPackets) packets, seed \(seed(direction))")
      choose(
        direction, shaping.part, .netem, "the kernel has it, and it works beside the paths of all other packets",
        "about 0.1 to 0.2 ms more than asked for; at most \(netem.limitPackets) packets wait")
      return shaping
    }
    if changesPackets {
      try need(
        [hook, .forward, .ifb, .netem], for: "\(direction) duplication and corruption",
        otherwise: "without netem packets can be lost, delayed and reordered, but not copied or changed")
      throw Mistake(
        .unsupported(
          "its \(direction) duplication and corruption are netem's, and netem sees no control group; choose packets by "
            + "address or port"))
    }
    if let delay = effect.delay {
      try needQueue(for: "its \(direction) delay", orNetem: true)
      let settings = DelayLine.Settings(delay: delay, reorder: effect.reorder, seed: seed(direction))
      shaping.hasLine = true
      lines.append(DelayLineRequest(direction: direction, settings: settings))
      choose(
        direction, "delay", .delayLine,
        fault.repeatsExactly
          ? "it repeats packet by packet"
          : node.features.has(.netem) ? "netem cannot do this one" : "the kernel has no netem",
        "about 0.1 ms more than asked for; when we die, packets pass at once, and those that are held are lost")
    }
    if let rate = effect.rate {
      try need([hook, .forward, .ifb, .tokenBucket], for: "its \(direction) rate")
      shaping.part = "rate"
      shaping.hasScaffold = true
      let bucket = TokenBucket(
        bytesPerSecond: rate.bytesPerSecond, burstBytes: rate.burst, queueBytes: rate.queue)
      scaffold(role, .tokenBucket(bucket), "with a token bucket: \(rate.words)")
      choose(
        direction, "rate", .tokenBucket, "a token bucket is exact, and stands on a device of our own",
        rate.words)
    }
    return shaping
  }

  private mutating func scaffold(_ role: ScaffoldRequest.Role, _ discipline: Discipline?, _ what: String) {
    let name = ScaffoldName(fault, role: role.rawValue)
    scaffolds.append(ScaffoldRequest(role: role, name: name, discipline: discipline, what: what))
  }

  /// Each direction has a chance of its own.
  private func seed(_ direction: Fault.Direction) -> UInt64 { Fault.hash("\(fault.seed) \(direction)") }
}
