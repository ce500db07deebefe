internal import Support

extension RunbookAction {
  /// Reads `verb`, or `{ verb: { arguments } }`.
  static func read(_ value: Value) -> RunbookAction? {
    guard case .mapping(let members) = value.node.content else {
      guard let verb = value.choice(Verb.self, called: "an action") else { return nil }
      // A verb alone is one without arguments; which those are, the reader of its arguments knows.
      let none = Node(content: .mapping([]), mark: value.node.mark)
      return read(verb, Value(none, path: value.path, in: value.reading))
    }
    guard members.count == 1 else {
      value.mistake("expected one action, found \(members.count)", fix: "such as do: { promote: { region: eu } }")
      return nil
    }
    return value.fields { fields in
      let name = members[0].key
      guard let verb = Verb(rawValue: name) else {
        let names = Verb.allCases.map(\.rawValue)
        let near = closest(to: name, among: names).map { "did you mean '\($0)'? " } ?? ""
        fields.mistake("\(quoted(name)) is not an action", fix: "\(near)known: \(names.joined(separator: ", "))")
        return fields.acceptOthers()
      }
      return fields.required(name) { read(verb, $0) }
    }
  }

  private static func read(_ verb: Verb, _ value: Value) -> RunbookAction? {
    switch verb {
    case .pauseMirror: MirrorLink.read(value).map { .pauseMirror($0) }
    case .resumeMirror: MirrorLink.read(value).map { .resumeMirror($0) }
    case .fenceRegion: InRegion.read(value).map { .fenceRegion($0) }
    case .promote: InRegion.read(value).map { .promote($0) }
    case .demote: InRegion.read(value).map { .demote($0) }
    case .transferLeadership: InRegion.read(value).map { .transferLeadership($0) }
    case .repointProducers: ProducerMove.read(value).map { .repointProducers($0) }
    case .pauseProducers: Members.read(value).map { .pauseProducers($0) }
    case .resumeProducers: Members.read(value).map { .resumeProducers($0) }
    case .pauseConsumers: Members.read(value).map { .pauseConsumers($0) }
    case .resumeConsumers: Members.read(value).map { .resumeConsumers($0) }
    case .exportOffsets: Offsets.read(value).map { .exportOffsets($0) }
    case .importOffsets: Offsets.read(value).map { .importOffsets($0) }
    case .verifyParity: Parity.read(value).map { .verifyParity($0) }
    case .reconcile: Parity.read(value).map { .reconcile($0) }
    case .shiftTraffic: TrafficShift.read(value).map { .shiftTraffic($0) }
    case .repointOutbox: OutboxMove.read(value).map { .repointOutbox($0) }
    case .reEmitOutbox: InRegion.read(value).map { .reEmitOutbox($0) }
    case .command: CommandCall.read(value).map { .command($0) }
    case .http: HTTPCall.read(value, method: .post).map { .http($0) }
    case .approval: Approval.read(value).map { .approval($0) }
    case .wait: Pause.read(value).map { .wait($0) }
    case .stopMirror, .mirrorStatus, .exportMirrorOffsets, .setMirrorOffsets, .resetMirrorOffsets, .createTopics,
      .topicDrift, .snapshotAccess, .compareAccess, .grantWrite, .revokeWrite:
      KafkaAction.read(verb, value).map { .kafka($0) }
    }
  }
}

extension MirrorLink {
  static func read(_ value: Value) -> MirrorLink? { value.fields { fields in read(fields) } }

  static func read(_ fields: Fields) -> MirrorLink? {
    let from = fields.required("from") { $0.text(expected: "a region with a store") }
    let to = fields.required("to") { $0.text(expected: "a region with a store") }
    guard let from, let to else { return nil }
    return MirrorLink(from: from, to: to)
  }
}

extension InRegion {
  fileprivate static func read(_ value: Value) -> InRegion? {
    value.fields { $0.required("region") { $0.text(expected: "a region") }.map { InRegion(region: $0) } }
  }
}

extension Members {
  fileprivate static func read(_ value: Value) -> Members? {
    value.fields { $0.optional("names", or: []) { $0.list { $0.text(expected: "a name") } }.map { Members(names: $0) } }
  }
}

extension ProducerMove {
  fileprivate static func read(_ value: Value) -> ProducerMove? {
    value.fields { fields in
      let to = fields.required("to") { $0.text(expected: "a region with a store") }
      let names = fields.optional("names", or: []) { $0.list { $0.text(expected: "a producer") } }
      guard let to, let names else { return nil }
      return ProducerMove(to: to, names: names)
    }
  }
}

extension Offsets {
  fileprivate static func read(_ value: Value) -> Offsets? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region with a store") }
      let snapshot = fields.required("snapshot") { $0.name() }
      let names = fields.optional("names", or: []) { $0.list { $0.text(expected: "a consumer") } }
      guard let region, let snapshot, let names else { return nil }
      return Offsets(region: region, snapshot: snapshot, names: names)
    }
  }
}

extension Parity {
  fileprivate static func read(_ value: Value) -> Parity? {
    value.fields {
      $0.optional("regions", or: []) { $0.list { $0.text(expected: "a region with a store") } }.map {
        Parity(regions: $0)
      }
    }
  }
}

extension TrafficShift {
  fileprivate static func read(_ value: Value) -> TrafficShift? {
    value.fields { fields in
      let from = fields.required("from") { $0.text(expected: "a region with a store") }
      let to = fields.required("to") { $0.text(expected: "a region with a store") }
      let stages: [Percentage]? = fields.required("stages") { $0.list { $0.unit() } }
      let hold = fields.required("hold") { $0.positiveDuration() }
      let gate = fields.value("gate").flatMap { $0.fields(Expectation.read) }
      guard let from, let to, let stages, let hold else { return nil }
      guard stages.last == .all, zip(stages, stages.dropFirst()).allSatisfy({ $0 < $1 }) else {
        fields.mistake("stages must rise and end with 100%", fix: "such as stages: [10%, 25%, 50%, 100%]")
        return nil
      }
      return TrafficShift(from: from, to: to, stages: stages, hold: hold, gate: gate)
    }
  }
}

extension Approval {
  fileprivate static func read(_ value: Value) -> Approval? {
    value.fields { fields in
      let by = fields.required("by") { $0.text(expected: "a name or a role") }
      let prompt = fields.required("prompt") { $0.text() }
      guard let by, let prompt else { return nil }
      return Approval(by: by, prompt: prompt)
    }
  }
}

extension Pause {
  fileprivate static func read(_ value: Value) -> Pause? {
    value.fields { $0.required("for") { $0.positiveDuration() }.map { Pause($0) } }
  }
}
