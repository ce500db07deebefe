internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Attempts at a schema registry: through its guard, and around it.
extension GuardProber {
  /// The subject that all attempts are about: that of the topic's values.
  static let subject = "orders-value"

  func tryRegistry(of region: SiteRegion) async throws {
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
    let known = schemas.filter { $0.store == region.name }
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
    note(rows)
  }
}
