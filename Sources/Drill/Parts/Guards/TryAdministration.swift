internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Attempts at the administration of a Kafka cluster: through its guard, and around it.
extension GuardProber {
  /// One who tries: what it carries, and the name under which it comes; `nil` for none.
  private struct Caller: Hashable, CustomStringConvertible {
    var presented: GuardAttemptRow.Presented
    var name: String?

    var description: String { presented.rawValue + (name == nil ? "" : "-named") }
  }

  func tryAdministration(of region: SiteRegion) async throws {
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
