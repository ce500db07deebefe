internal import Support

extension Checking {
  mutating func check(_ action: KafkaAction, at place: String) {
    if scenario.stack.kind != .kafka {
      let instead = action.instead.map { "\($0), or " } ?? ""
      error(
        place, "the stack is \(scenario.stack.kind.rawValue), and '\(action.verb.rawValue)' is for Kafka",
        fix: "\(instead)stack.kind: kafka")
    }
    if scenario.stack.outbox != nil {
      error(
        place, "'\(action.verb.rawValue)' is for events that are in Kafka; with stack.outbox they are the stores'",
        fix: "leave one of the two out")
    }
    if let link = action.mirror { checkEnds(link.from, link.to, at: place) }
    switch action {
    case .stopMirror, .mirrorStatus, .exportMirrorOffsets, .setMirrorOffsets, .resetMirrorOffsets: break
    case .createTopics(let declared), .topicDrift(let declared):
      region(declared.region, with: .store, at: "\(place).region")
      unique(declared.topics.map(\.name), "the topic", fix: "declare it once") { "\(place).topics[\($0)].name" }
      for (index, topic) in declared.topics.enumerated() where topic.retention != nil {
        guard topic.configuration["retention.ms"] != nil else { continue }
        error(
          "\(place).topics[\(index)].configuration", "'retention.ms' says what 'retention' says",
          fix: "keep one of them")
      }
      for (index, topic) in declared.topics.enumerated()
      where !topic.brokers.isEmpty && Set(topic.brokers).count < topic.replicas {
        error(
          "\(place).topics[\(index)].brokers",
          "\(topic.replicas) replicas cannot stand on \(Set(topic.brokers).count) broker\(topic.brokers.count == 1 ? "" : "s")",
          fix: "name as many brokers as there are replicas, or more")
      }
    case .snapshotAccess(let snapshot): region(snapshot.region, with: .store, at: "\(place).region")
    case .compareAccess(let comparison):
      region(comparison.region, with: .store, at: "\(place).region")
      guard case .region(let other) = comparison.other else { break }
      region(other, with: .store, at: "\(place).with")
      if other == comparison.region {
        error("\(place).with", "'\(other)' cannot be its own other side", fix: "name another region")
      }
    case .grantWrite(let grant), .revokeWrite(let grant):
      region(grant.region, with: .store, at: "\(place).region")
    }
  }

  /// What a step on Kafka needs of those before it, in their order.
  mutating func checkOrder(of action: KafkaAction, after earlier: [RunbookStep], at path: String) {
    let place = "\(path).\(action.verb.rawValue)"
    switch action {
    case .setMirrorOffsets(let placement):
      checkIsStopped(placement.link, after: earlier, at: place)
      guard case .snapshot(let name) = placement.place else { break }
      let isExported = scenario.steps.contains { step in
        guard case .kafka(.exportMirrorOffsets(let snapshot)) = step.action else { return false }
        return snapshot.snapshot == name && snapshot.link == placement.link
      }
      if !isExported {
        error(
          "\(place).snapshot", "no step exports \(quoted(name)) of this mirror",
          fix: "add a step with export-mirror-offsets")
      }
    case .resetMirrorOffsets(let link): checkIsStopped(link, after: earlier, at: place)
    case .compareAccess(let comparison):
      guard case .snapshot(let name) = comparison.other else { break }
      let isTaken = scenario.steps.contains { step in
        guard case .kafka(.snapshotAccess(let snapshot)) = step.action else { return false }
        return snapshot.snapshot == name
      }
      if !isTaken {
        error("\(place).snapshot", "no step takes the snapshot \(quoted(name))", fix: "add a step with snapshot-access")
      }
    case .createTopics(let declared):
      let isLate = earlier.contains { step in
        guard case .repointProducers(let move) = step.action else { return false }
        return move.to == declared.region
      }
      if isLate {
        known(
          .producersBeforeTopics, path,
          "producers are sent to '\(declared.region)' before their topics are made: their brokers refuse them, or make the topics"
            + " with settings of their own", fix: "put the step with create-topics before it")
      }
    case .stopMirror, .mirrorStatus, .exportMirrorOffsets, .topicDrift, .snapshotAccess, .grantWrite, .revokeWrite:
      break
    }
  }

  /// Connect changes the offsets of a connector only while it is stopped: a paused one is not enough.
  private mutating func checkIsStopped(_ link: MirrorLink, after earlier: [RunbookStep], at place: String) {
    let last = earlier.last { $0.action.steers(link) }
    guard case .kafka(.stopMirror)? = last?.action else {
      let why =
        last.map { "after '\($0.id)' it is \($0.action.leaves)" } ?? "no step before it stops it"
      error(
        place, "the offsets of the mirror \(link.from) → \(link.to) are changed while it is not stopped: \(why)",
        fix: "put a step with stop-mirror before it")
      return
    }
  }
}

extension RunbookAction {
  /// Whether it stops a mirror or lets it go on.
  fileprivate func steers(_ link: MirrorLink) -> Bool {
    switch self {
    case .pauseMirror(let own), .resumeMirror(let own), .kafka(.stopMirror(let own)): own == link
    default: false
    }
  }

  /// What a mirror is after that.
  fileprivate var leaves: String {
    if case .pauseMirror = self { "paused" } else { "running" }
  }
}

extension KafkaAction {
  /// Whether something stays that a later failure should take back.
  var needsUndo: Bool {
    switch self {
    case .stopMirror, .setMirrorOffsets, .grantWrite: true
    // What was forgotten is known to nobody; a topic without records harms nobody; who lost a right may have to go without it.
    case .resetMirrorOffsets, .createTopics, .revokeWrite: false
    case .mirrorStatus, .exportMirrorOffsets, .topicDrift, .snapshotAccess, .compareAccess: false
    }
  }

  /// What does the like in another stack.
  fileprivate var instead: String? {
    if case .stopMirror = self { "pause-mirror" } else { nil }
  }
}
