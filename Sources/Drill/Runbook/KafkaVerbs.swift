internal import Scenarios
internal import Stacks
internal import Support

/// The steps of a runbook that are for Kafka alone.
extension StackOperator {
  func perform(_ action: KafkaAction) async throws -> String {
    guard let kafka = stack as? KafkaStack else {
      throw StepFailure("'\(action.verb.rawValue)' is for stacks with Kafka")
    }
    switch action {
    case .stopMirror(let link): return try await kafka.stopMirror(link)
    case .mirrorStatus(let check): return try await kafka.awaitState(check)
    case .exportMirrorOffsets(let snapshot): return try await export(snapshot, kafka)
    case .setMirrorOffsets(let placement): return try await set(placement, kafka)
    case .resetMirrorOffsets(let link):
      let found = try await kafka.resetOffsets(of: link)
      try await note(link, found)
      return found
    case .createTopics(let declared): return try await kafka.createTopics(declared)
    case .topicDrift(let declared): return try await kafka.compareTopics(declared)
    case .snapshotAccess(let snapshot): return try await take(snapshot, kafka)
    case .compareAccess(let comparison): return try await compare(comparison, kafka)
    case .grantWrite(let grant): return try await kafka.grantWrite(grant)
    case .revokeWrite(let grant): return try await kafka.revokeWrite(grant)
    }
  }

  // MARK: offsets of mirrors

  private func export(_ snapshot: MirrorSnapshot, _ kafka: KafkaStack) async throws -> String {
    let file = try await kafka.offsets(of: snapshot.link, taken: timestamp(run.timebase.wall()))
    try writeFile(path("mirror-offsets", snapshot.snapshot), encodeJSON(file, pretty: true))
    return "\(file); digest \(file.digest.prefix(12))"
  }

  private func set(_ placement: MirrorPlacement, _ kafka: KafkaStack) async throws -> String {
    let found: String
    switch placement.place {
    case .back(let offsets): found = try await kafka.setBack(placement.link, by: offsets)
    case .snapshot(let name):
      let file: MirrorOffsetsFile = try snapshot("mirror-offsets", name)
      guard file.isWhole else { throw StepFailure("the export '\(name)' was altered: its digest is another") }
      found = try await kafka.set(placement.link, to: file)
    }
    try await note(placement.link, found)
    return found
  }

  /// What was done to a mirror on purpose stands in the write-down: it explains what comes twice.
  private func note(_ link: MirrorLink, _ what: String) async throws {
    try await run.journal.record(FactNoted(fact: "mirror \(link.from)→\(link.to) moved", what: what, figures: [:]))
  }

  // MARK: access rules

  private func take(_ snapshot: AccessSnapshot, _ kafka: KafkaStack) async throws -> String {
    let file = AccessFile(
      region: snapshot.region, taken: timestamp(run.timebase.wall()), try await kafka.accessRules(of: snapshot.region))
    try writeFile(path("access", snapshot.snapshot), encodeJSON(file, pretty: true))
    return "\(file.rules.count) rules of \(file.region); digest \(file.digest.prefix(12))"
  }

  private func compare(_ comparison: AccessComparison, _ kafka: KafkaStack) async throws -> String {
    let other: Set<KafkaACL>
    switch comparison.other {
    case .region(let region): other = try await kafka.accessRules(of: region)
    case .snapshot(let name):
      let file: AccessFile = try snapshot("access", name)
      guard file.isWhole else { throw StepFailure("the snapshot '\(name)' was altered: its digest is another") }
      other = Set(file.rules)
    }
    let own = try await kafka.accessRules(of: comparison.region)
    func wanted(_ rules: Set<KafkaACL>) -> Set<KafkaACL> {
      comparison.principals.isEmpty ? rules : rules.filter { comparison.principals.contains($0.principal) }
    }
    let difference = KafkaACLDifference(from: wanted(other), to: wanted(own))
    guard difference.isEmpty else {
      throw StepFailure(
        "access to \(comparison.region) differs from \(comparison.other): \(difference.text(in: comparison.region))")
    }
    return "the \(wanted(own).count) rules of \(comparison.region) are \(comparison.other)"
  }

  // MARK: files

  private func path(_ kind: String, _ name: String) -> String { "\(run.request.directory.path)/\(kind)-\(name).json" }

  /// What an earlier step has written down.
  private func snapshot<File: Decodable>(_ kind: String, _ name: String) throws -> File {
    do { return try decodeJSON(File.self, from: readFile(path(kind, name))) } catch {
      throw StepFailure("there is no export '\(name)': \(error)")
    }
  }
}

/// The access rules of a cluster as they are written down, with a digest that a comparison checks.
struct AccessFile: Codable, Sendable, Hashable {
  /// The region of the cluster.
  var region: String
  /// When (RFC 3339).
  var taken: String
  /// The rules, sorted.
  var rules: [KafkaACL]
  /// SHA-256 of ``rules``, line by line.
  var digest: String

  init(region: String, taken: String, _ rules: Set<KafkaACL>) {
    self.region = region
    self.taken = taken
    self.rules = rules.sorted()
    digest = Self.digest(of: self.rules)
  }

  /// Whether the rules are those that were written down.
  var isWhole: Bool { digest == Self.digest(of: rules) }

  private static func digest(of rules: [KafkaACL]) -> String {
    sha256(Array(rules.map { "\($0)\n" }.joined().utf8))
  }
}

extension KafkaACLDifference {
  /// Each rule by itself: `only there topic orders: User:a from * allow write`.
  func text(in region: String) -> String {
    (removed.map { "not in \(region): \($0)" } + added.map { "only in \(region): \($0)" }).joined(separator: "; ")
  }
}
