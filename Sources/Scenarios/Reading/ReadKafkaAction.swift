internal import Support

extension KafkaAction {
  /// Reads the arguments of `verb`.
  static func read(_ verb: RunbookAction.Verb, _ value: Value) -> KafkaAction? {
    switch verb {
    case .stopMirror: MirrorLink.read(value).map { .stopMirror($0) }
    case .mirrorStatus: MirrorStatusCheck.read(value).map { .mirrorStatus($0) }
    case .exportMirrorOffsets: MirrorSnapshot.read(value).map { .exportMirrorOffsets($0) }
    case .setMirrorOffsets: MirrorPlacement.read(value).map { .setMirrorOffsets($0) }
    case .resetMirrorOffsets: readReset(value).map { .resetMirrorOffsets($0) }
    case .createTopics: DeclaredTopics.read(value).map { .createTopics($0) }
    case .topicDrift: DeclaredTopics.read(value).map { .topicDrift($0) }
    case .snapshotAccess: AccessSnapshot.read(value).map { .snapshotAccess($0) }
    case .compareAccess: AccessComparison.read(value).map { .compareAccess($0) }
    case .grantWrite: WriteGrant.read(value).map { .grantWrite($0) }
    case .revokeWrite: WriteGrant.read(value).map { .revokeWrite($0) }
    default: nil
    }
  }

  /// What somebody writes who knows what a reset does.
  static let resetConfirmation = "re-mirrors everything"

  private static func readReset(_ value: Value) -> MirrorLink? {
    value.fields { fields in
      let link = MirrorLink.read(fields)
      guard let said = fields.value("confirm") else {
        fields.mistake(
          "a mirror without offsets mirrors again everything that its source still has, under new offsets",
          fix: "if that is meant: confirm: \(resetConfirmation)")
        return nil
      }
      guard let text = said.text(expected: "'\(resetConfirmation)'") else { return nil }
      guard text == resetConfirmation else {
        said.mistake("expected '\(resetConfirmation)', found \(quoted(text))", fix: "confirm: \(resetConfirmation)")
        return nil
      }
      return link
    }
  }
}

extension MirrorStatusCheck {
  fileprivate static func read(_ value: Value) -> MirrorStatusCheck? {
    value.fields { fields in
      let link = MirrorLink.read(fields)
      let state = fields.optional("is", or: .running) { $0.choice(State.self, called: "a mirror's state") }
      let within = fields.optional("within", or: .seconds(10)) { $0.positiveDuration() }
      guard let link, let state, let within else { return nil }
      return MirrorStatusCheck(link: link, state: state, within: within)
    }
  }
}

extension MirrorSnapshot {
  fileprivate static func read(_ value: Value) -> MirrorSnapshot? {
    value.fields { fields in
      let link = MirrorLink.read(fields)
      let snapshot = fields.required("snapshot") { $0.name() }
      guard let link, let snapshot else { return nil }
      return MirrorSnapshot(link: link, snapshot: snapshot)
    }
  }
}

extension MirrorPlacement {
  fileprivate static func read(_ value: Value) -> MirrorPlacement? {
    value.fields { fields in
      let link = MirrorLink.read(fields)
      let place: Place?
      switch fields.only(["snapshot", "back"], called: "where the mirror is set to") {
      case "snapshot": place = fields.required("snapshot") { $0.name() }.map { .snapshot($0) }
      case "back": place = fields.required("back") { $0.integer(in: 1...1_000_000_000) }.map { .back($0) }
      default: place = nil
      }
      guard let link, let place else { return nil }
      return MirrorPlacement(link: link, place: place)
    }
  }
}

extension DeclaredTopics {
  fileprivate static func read(_ value: Value) -> DeclaredTopics? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region with a store") }
      let topics = fields.required("topics") { $0.list(DeclaredTopic.read) }
      guard let region, let topics else { return nil }
      guard !topics.isEmpty else {
        fields.mistake("no topic is declared", fix: "such as topics: [{ name: orders, partitions: 4 }]")
        return nil
      }
      return DeclaredTopics(region: region, topics: topics)
    }
  }
}

extension DeclaredTopic {
  fileprivate static func read(_ value: Value) -> DeclaredTopic? {
    value.fields { fields in
      let name = fields.required("name", readTopicName)
      let partitions = fields.required("partitions") { $0.integer(in: 1...10_000) }
      let replicas = fields.optional("replicas", or: 1) { $0.integer(in: 1...100) }
      let retention = fields.value("retention").map { $0.positiveDuration() }
      let brokers = fields.optional("brokers", or: []) { $0.list { $0.integer(in: 0...Int64(Int32.max)) } }
      let configuration = fields.optional("configuration", or: [:]) { $0.entries() }
      guard let name, let partitions, let replicas, let brokers, let configuration else { return nil }
      if let retention, retention == nil { return nil }
      return DeclaredTopic(
        name: name, partitions: Int(partitions), replicas: Int(replicas), retention: retention ?? nil,
        brokers: brokers.map { Int32(clamping: $0) }, configuration: configuration)
    }
  }
}

extension AccessSnapshot {
  fileprivate static func read(_ value: Value) -> AccessSnapshot? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region with a store") }
      let snapshot = fields.required("snapshot") { $0.name() }
      guard let region, let snapshot else { return nil }
      return AccessSnapshot(region: region, snapshot: snapshot)
    }
  }
}

extension AccessComparison {
  fileprivate static func read(_ value: Value) -> AccessComparison? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region with a store") }
      let principals = fields.optional("principals", or: []) { $0.list(readPrincipal) }
      let other: Other?
      switch fields.only(["with", "snapshot"], called: "what the rules are held against") {
      case "with": other = fields.required("with") { $0.text(expected: "a region with a store") }.map { .region($0) }
      case "snapshot": other = fields.required("snapshot") { $0.name() }.map { .snapshot($0) }
      default: other = nil
      }
      guard let region, let principals, let other else { return nil }
      return AccessComparison(region: region, other: other, principals: principals)
    }
  }
}

extension WriteGrant {
  fileprivate static func read(_ value: Value) -> WriteGrant? {
    value.fields { fields in
      let region = fields.required("region") { $0.text(expected: "a region with a store") }
      let principal = fields.required("principal", readPrincipal)
      let topics = fields.required("topics") { $0.list(readTopicName) }
      guard let region, let principal, let topics else { return nil }
      guard !topics.isEmpty else {
        fields.mistake("no topic is named", fix: "such as topics: [orders]")
        return nil
      }
      return WriteGrant(region: region, principal: principal, topics: topics)
    }
  }
}

extension Value {
  /// Entries of a topic's configuration, by Kafka's names.
  fileprivate func entries() -> [String: String]? {
    guard case .mapping(let members) = node.content else {
      mistake("expected a mapping, found \(node.summary)")
      return nil
    }
    var entries: [String: String] = [:]
    for member in members {
      let value = Value(member.value, path: "\(path).\(member.key)", in: reading)
      guard let text = value.text(expected: "the value of an entry") else { return nil }
      entries[member.key] = text
    }
    return entries
  }
}

/// The name of a topic, as brokers take it.
private func readTopicName(_ value: Value) -> String? {
  guard let name = value.text(expected: "the name of a topic") else { return nil }
  let isAllowed = name.utf8.allSatisfy { byte in
    (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte) || byte == 45 || byte == 46
      || byte == 95
  }
  guard isAllowed, (1...249).contains(name.utf8.count), name != ".", name != ".." else {
    value.mistake("\(quoted(name)) cannot name a topic", fix: "use 1 to 249 letters, digits, '.', '_' and '-'")
    return nil
  }
  return name
}

/// Somebody, as brokers call him.
private func readPrincipal(_ value: Value) -> String? {
  guard let text = value.text(expected: "a principal, such as User:orders") else { return nil }
  let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
  guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty }) else {
    value.mistake("\(quoted(text)) is not a principal", fix: "kind and name, such as User:orders")
    return nil
  }
  return text
}
