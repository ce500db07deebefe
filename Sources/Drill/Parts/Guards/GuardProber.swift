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

  /// The guards of which nothing is known yet that the time before the faults is judged by: refusals without a token and with a stale
  /// one, and what a registry has.
  var untried: [String] {
    record.withLock { record in
      regions.flatMap { region in
        GuardAttemptRow.Surface.allCases.compactMap { surface in
          let isThere = surface == .registry ? region.registryEndpoint != nil : region.behindGuards?.kafka != nil
          guard isThere else { return nil }
          let refused = Set(
            record.attempts.filter {
              $0.store == region.name && $0.surface == surface && !$0.isAround && $0.outcome == .refused
            }.map(\.presented))
          let isTried = refused.isSuperset(of: [.none, .stale])
          let isSeen = surface == .admin || record.schemas.contains { $0.store == region.name }
          return isTried && isSeen ? nil : "\(region.name)'s \(surface.rawValue) guard"
        }
      }
    }
  }

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

  /// The tokens of a round that are not the current one: those of earlier reigns in turn, a smaller one that was never granted, by
  /// number alone or also as text, which stands for the former before there are any; and one that nobody has.
  ///
  /// - Parameter earlier: the tokens of earlier reigns, ascending.
  static func wrongTokens(
    _ current: Int64, earlier: [Int64], round: Int
  ) -> [(GuardAttemptRow.Presented, Int64?)] {
    // 9 is below 12, but above it as text.
    let digits = "\(current)".count
    let shorter = digits > 1 ? Int64(String(repeating: "9", count: digits - 1)) ?? current - 1 : current - 1
    let smaller = round.isMultiple(of: 2) ? current - 1 : shorter
    let below: [(GuardAttemptRow.Presented, Int64?)] =
      earlier.isEmpty
      ? [(.stale, smaller)]
      // The reign before this one as often as all those before it.
      : [(.stale, round.isMultiple(of: 2) ? earlier.last : earlier[round / 2 % earlier.count])]
        + (earlier.contains(smaller) ? [] : [(.invented, smaller)])
    return [(.none, nil)] + below + [(.inflated, current + 1_000_000)]
  }

  private func wrongTokens(_ current: Int64, round: Int) -> [(GuardAttemptRow.Presented, Int64?)] {
    Self.wrongTokens(current, earlier: run.board.grants.keys.filter { $0 < current }.sorted(), round: round)
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
      // Until there is a schema, there is nothing to look at.
      let isEmpty = !schemas.contains { $0.store == region.name }
      if round.isMultiple(of: Self.currentEvery) || isEmpty {
        try await register(guarded, region, from: region, isAround: false, .current, current, round)
        if round == 0 { try await look(guarded, region) }
      }
      for (presented, token) in wrongTokens(current, round: round) {
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

  /// One who tries: what it carries, and the name under which it comes; `nil` for none.
  private struct Caller: Hashable, CustomStringConvertible {
    var presented: GuardAttemptRow.Presented
    var name: String?

    var description: String { presented.rawValue + (name == nil ? "" : "-named") }
  }

  private func tryAdministration(of region: SiteRegion) async throws {
    guard let cluster = region.kafka else { return }
    var clients: [Caller: (token: Int64?, admin: KafkaAdmin)] = [:]
    func admin(_ caller: Caller, _ token: Int64?) async throws -> KafkaAdmin {
      if let known = clients[caller], known.token == token { return known.admin }
      await clients[caller]?.admin.close()
      let place = caller.name.flatMap { name in region.kafkaNamed?.with(unsecuredName: name) } ?? cluster
      let properties = token.map { place.with(clientID: KafkaProperties.clientID(token: $0)) } ?? place
      let made = try await KafkaAdmin(
        properties, name: "try-\(region.name)-\(caller)", networkNamespace: region.networkNamespace,
        limit: Self.limit)
      clients[caller] = (token, made)
      return made
    }
    let outcome: Result<Void, any Error>
    do {
      try await rounds { round, current in
        if round.isMultiple(of: Self.currentEvery) {
          let caller = Caller(presented: .current)
          await makeTopic(try await admin(caller, current), region, caller, current, round)
        }
        for (presented, token) in wrongTokens(current, round: round) {
          let caller = Caller(presented: presented)
          await makeTopic(try await admin(caller, token), region, caller, token, round)
          // An old owner has a name as well, and a listener that takes it.
          guard presented == .stale, let token, let fence = run.kafka?.fence else { continue }
          let named = Caller(presented: presented, name: fence.name(of: token))
          await makeTopic(try await admin(named, token), region, named, token, round)
        }
        for origin in regions {
          try await reachBroker(of: region, at: region.behindGuards?.kafka, from: origin)
          try await reachBroker(of: region, at: region.behindGuards?.kafkaNamed, as: "around", from: origin)
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    for client in clients.values { await client.admin.close() }
    try outcome.get()
  }

  private func makeTopic(
    _ admin: KafkaAdmin, _ region: SiteRegion, _ caller: Caller, _ token: Int64?, _ round: Int
  ) async {
    let topic = "tried-with-\(caller)-\(round)"
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
        store: region.name, surface: .admin, isAround: false, from: region.name, presented: caller.presented,
        token: token,
        target: "topic \(topic)", invoked: begun, completed: run.timebase.monotonic(), outcome: outcome,
        detail: detail))
  }

  /// Whether the broker behind the guard can be reached from a region: it can then be administered from there as well.
  private func reachBroker(
    of region: SiteRegion, at behind: String?, as name: String? = nil, from origin: SiteRegion
  ) async throws {
    guard let behind, let address = region.address4,
      let port = behind.split(separator: ":").last.flatMap({ UInt16($0) })
    else { return }
    let begun = run.timebase.monotonic()
    let refusal = try await connectTCP(
      address, port: port, within: .milliseconds(500), networkNamespace: origin.networkNamespace)
    var outcome = GuardAttemptRow.Outcome.notDone
    if refusal == nil {
      let place = KafkaProperties(bootstrap: [behind])
      let admin = try await KafkaAdmin(
        name.map { place.with(unsecuredName: $0) } ?? place, name: "around-\(region.name)",
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
