internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// Tries all through a drill to administer what guards stand before: with the current token, with stale ones, with one that was
/// never granted and with none; through the guards, and around them. And looks again and again at what the registries have.
///
/// Each attempt would make something of its own, so that what was made tells which attempt made it.
final class GuardProber: Sendable {
  private struct Record {
    var attempts: [GuardAttemptRow] = []
    var schemas: [SchemaRow] = []
  }

  private let run: DrillRun
  private let regions: [SiteRegion]
  private let record = Mutex(Record())
  /// Ends all of it after the attempts in flight.
  let stop = StopSignal()

  private static let interval = Duration.seconds(1)
  /// Of a call; a guard that etcd does not answer needs about a second to say so.
  private static let limit = Duration.seconds(2)
  /// In every which round the current token is used as well.
  private static let currentEvery = 4

  init(run: DrillRun, site: Site) {
    self.run = run
    regions = site.regions.filter { $0.registryEndpoint != nil || $0.behindGuards?.kafka != nil }
  }

  /// What was tried so far.
  var attempts: [GuardAttemptRow] { record.withLock(\.attempts) }
  /// What was seen in the registries so far, look by look.
  var schemas: [SchemaRow] { record.withLock(\.schemas) }

  func start(in group: inout ThrowingTaskGroup<Void, any Error>) {
    for region in regions {
      if region.registryEndpoint != nil {
        group.addTask(name: "attempts at \(region.name)'s registry") { try await self.tryRegistry(of: region) }
      }
      if region.behindGuards?.kafka != nil {
        group.addTask(name: "attempts at \(region.name)'s administration") {
          try await self.tryAdministration(of: region)
        }
      }
    }
  }

  // MARK: Tokens

  /// The tokens of a round that are not the current one: a smaller one, by number alone or also as text, and one that nobody has.
  static func wrongTokens(_ current: Int64, round: Int) -> [(GuardAttemptRow.Presented, Int64?)] {
    // 9 is below 12, but above it as text.
    let digits = "\(current)".count
    let shorter = digits > 1 ? Int64(String(repeating: "9", count: digits - 1)) ?? current - 1 : current - 1
    return [(.none, nil), (.stale, round.isMultiple(of: 2) ? current - 1 : shorter), (.inflated, current + 1_000_000)]
  }

  private func rounds(_ body: (_ round: Int, _ current: Int64) async throws -> Void) async throws {
    var round = 0
    var due = run.timebase.monotonic()
    while !stop.isRequested {
      if let current = run.board.writer?.token { try await body(round, current) }
      round += 1
      due = max(due + Self.interval.nanoseconds, run.timebase.monotonic())
      try await run.clock.sleep(for: .nanoseconds(max(0, due - run.timebase.monotonic())))
    }
  }

  private func note(_ attempt: GuardAttemptRow) { record.withLock { $0.attempts.append(attempt) } }

  // MARK: Registries

  /// The subject that all attempts are about: that of the topic's values.
  static let subject = "orders-value"

  private func tryRegistry(of region: SiteRegion) async throws {
    guard let endpoint = region.registryEndpoint, let behind = region.behindGuards?.registry else { return }
    let namespace = region.networkNamespace
    let guarded = SchemaRegistryClient(address: endpoint, networkNamespace: namespace, limit: Self.limit)
    try await rounds { round, current in
      if round.isMultiple(of: Self.currentEvery) {
        try await register(guarded, region, from: region, isAround: false, .current, current, round)
        if round == 0 { try await look(guarded, region) }
      }
      for (presented, token) in Self.wrongTokens(current, round: round) {
        try await register(guarded, region, from: region, isAround: false, presented, token, round)
      }
      for origin in regions {
        let client = SchemaRegistryClient(
          address: behind, networkNamespace: origin.networkNamespace, limit: .milliseconds(500))
        try await register(client, region, from: origin, isAround: true, .none, nil, round)
      }
      try await look(guarded, region)
    }
    try await look(guarded, region)
  }

  /// A schema that every earlier one of the subject can be read by, and that tells which attempt it belongs to.
  static func schema(_ mark: String) -> String {
    """
    {"type":"record","name":"Order","fields":[{"name":"id","type":"string"},\
    {"name":"\(mark)","type":["null","string"],"default":null}]}
    """
  }

  private func register(
    _ client: SchemaRegistryClient, _ region: SiteRegion, from origin: SiteRegion, isAround: Bool,
    _ presented: GuardAttemptRow.Presented, _ token: Int64?, _ round: Int
  ) async throws {
    let path = isAround ? "around_from_\(origin.name)" : "\(presented.rawValue)"
    let schema = Self.schema("\(path)_in_\(region.name)_\(round)")
    let begun = run.timebase.monotonic()
    let (outcome, detail): (GuardAttemptRow.Outcome, String) =
      switch try await client.register(schema, as: Self.subject, token: token.map { "\($0)" }) {
      case .registered(let id): (.accepted, "id \(id)")
      case .refusedByGuard(let rule): (.refused, rule)
      case .answered(let status, let text): (.notDone, "\(status) \(text)")
      case .unreachable(let why): (.notDone, why)
      case .unknown(let why): (.unknown, why)
      }
    note(
      GuardAttemptRow(
        store: region.name, surface: .registry, isAround: isAround, from: origin.name, presented: presented,
        token: token, target: Self.subject, fingerprint: Self.fingerprint(schema), invoked: begun,
        completed: run.timebase.monotonic(), outcome: outcome, detail: detail))
  }

  private static func fingerprint(_ schema: String) -> String { String(sha256(Array(schema.utf8)).prefix(16)) }

  private func look(_ client: SchemaRegistryClient, _ region: SiteRegion) async throws {
    let known = record.withLock { $0.schemas.filter { $0.store == region.name } }
    let seen: [RegisteredSchema]
    do { seen = try await client.schemas() } catch let problem as Problem where problem.code == .inconclusive {
      return  // a registry that does not answer was not looked into
    }
    let now = run.timebase.monotonic()
    let rows = seen.map {
      SchemaRow(
        store: region.name, subject: $0.subject, version: $0.version, schemaID: $0.id,
        fingerprint: Self.fingerprint($0.schema), observed: now)
    }
    // The same again and again says no more than once in a while.
    let last = known.filter { $0.observed == known.last?.observed }
    let isSame =
      Set(last.map { "\($0.subject) \($0.version) \($0.fingerprint)" })
      == Set(rows.map { "\($0.subject) \($0.version) \($0.fingerprint)" })
    if isSame, let before = last.first?.observed, now - before < 1_500_000_000, !stop.isRequested { return }
    record.withLock { $0.schemas += rows }
  }

  // MARK: Kafka

  private func tryAdministration(of region: SiteRegion) async throws {
    guard let cluster = region.kafka else { return }
    var clients: [GuardAttemptRow.Presented: (token: Int64?, admin: KafkaAdmin)] = [:]
    func admin(_ presented: GuardAttemptRow.Presented, _ token: Int64?) async throws -> KafkaAdmin {
      if let known = clients[presented], known.token == token { return known.admin }
      await clients[presented]?.admin.close()
      let properties = token.map { cluster.with(clientID: KafkaProperties.clientID(token: $0)) } ?? cluster
      let made = try await KafkaAdmin(
        properties, name: "try-\(region.name)-\(presented.rawValue)", networkNamespace: region.networkNamespace,
        limit: Self.limit)
      clients[presented] = (token, made)
      return made
    }
    let outcome: Result<Void, any Error>
    do {
      try await rounds { round, current in
        if round.isMultiple(of: Self.currentEvery) {
          await makeTopic(try await admin(.current, current), region, .current, current, round)
        }
        for (presented, token) in Self.wrongTokens(current, round: round) {
          await makeTopic(try await admin(presented, token), region, presented, token, round)
        }
        for origin in regions { try await reachBroker(of: region, from: origin) }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    for client in clients.values { await client.admin.close() }
    try outcome.get()
  }

  private func makeTopic(
    _ admin: KafkaAdmin, _ region: SiteRegion, _ presented: GuardAttemptRow.Presented, _ token: Int64?, _ round: Int
  ) async {
    let topic = "tried-with-\(presented.rawValue)-\(round)"
    let begun = run.timebase.monotonic()
    let outcome: GuardAttemptRow.Outcome
    let detail: String
    do throws(KafkaFailure) {
      try await admin.createTopics([KafkaTopicSpecification(topic, partitions: 1)])
      (outcome, detail) = (.accepted, "made")
    } catch {
      switch error.kind {
      case .notAllowed: (outcome, detail) = (.refused, error.text)
      case .unreachable, .untrusted, .queueFull, .property: (outcome, detail) = (.notDone, "\(error)")
      case .fenced, .timedOut, .notFound, .exists, .other: (outcome, detail) = (.unknown, "\(error)")
      }
    }
    note(
      GuardAttemptRow(
        store: region.name, surface: .admin, isAround: false, from: region.name, presented: presented, token: token,
        target: "topic \(topic)", invoked: begun, completed: run.timebase.monotonic(), outcome: outcome,
        detail: detail))
  }

  /// Whether the broker behind the guard can be reached from a region: it can then be administered from there as well.
  private func reachBroker(of region: SiteRegion, from origin: SiteRegion) async throws {
    guard let behind = region.behindGuards?.kafka, let address = region.address4,
      let port = behind.split(separator: ":").last.flatMap({ UInt16($0) })
    else { return }
    let begun = run.timebase.monotonic()
    let refusal = try await connectTCP(
      address, port: port, within: .milliseconds(500), networkNamespace: origin.networkNamespace)
    var outcome = GuardAttemptRow.Outcome.notDone
    if refusal == nil {
      let admin = try await KafkaAdmin(
        KafkaProperties(bootstrap: [behind]), name: "around-\(region.name)",
        networkNamespace: origin.networkNamespace, limit: Self.limit)
      do throws(KafkaFailure) {
        try await admin.createTopics([KafkaTopicSpecification("tried-around-\(begun)", partitions: 1)])
        outcome = .accepted
      } catch {
        outcome = error.kind == .notAllowed ? .refused : .unknown
      }
      await admin.close()
    }
    note(
      GuardAttemptRow(
        store: region.name, surface: .admin, isAround: true, from: origin.name, presented: .none, token: nil,
        target: "topic tried-around-\(begun)", invoked: begun, completed: run.timebase.monotonic(), outcome: outcome,
        detail: refusal ?? "connected"))
  }
}
