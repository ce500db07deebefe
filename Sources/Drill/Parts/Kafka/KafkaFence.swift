internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Synchronization

/// What keeps writers without write authority out of a cluster, with Kafka's own means, as an agent beside the brokers does it.
///
/// Kafka knows no fencing token, so two things stand for it. *Access rules*: writers come under a name that bears their token, and
/// only the current token's name may write to the topic; in a cluster without authority none may. *Producer epochs*: writers use
/// transactional ids, one for the aggregates of one worker; at each change of reign all ids are taken over, which ends what the old
/// owner has open, and its next commit is refused. Epochs alone would not do: an owner that starts anew gets a new one. Neither
/// crosses clusters; that a region gives up and another one takes over is the control planes' work.
///
/// What stood in the log when the fence was set is told partition by partition, of the cluster's own topic and of the mirrored ones:
/// the former tell what the old owner may still have written, the latter what had come of the other clusters' events.
///
/// Each region's part follows its own control plane, over a socket that no fault of the network reaches.
final class KafkaFence: Sendable {
  /// One state of a cluster's fence.
  struct Change: Sendable, Hashable {
    /// The token whose holder may write, or the highest one known.
    var token: Int64
    /// Whether that holder may write; else nobody may.
    var isOpen: Bool
    /// Who rules, as the region knew it.
    var holder: String
    /// The last place in each partition of the cluster's log, as a reader of committed transactions sees it, before this state let
    /// anybody in; −1 for an empty one. What no mirror has made yet is not there.
    var barriers: [KafkaPartition: Int64]
    /// When it was in force (ns, monotonic, and since 1970).
    var observed: Int64
    var wall: Int64
  }

  private struct Contents {
    var changes: [String: [Change]] = [:]
    /// The transactional ids of each store, with the token under which each was used last.
    var owners: [String: [String: Int64]] = [:]
    /// Stores whose fence is planted to be none.
    var off: Set<String> = []
  }

  private let log: KafkaEventLog
  /// A control plane that says nothing for so long may have been replaced.
  private let patience: Duration
  private let contents = Mutex(Contents())

  init(log: KafkaEventLog, leaseTTL: Duration) {
    self.log = log
    patience = leaseTTL
  }

  /// The name under which the holder of `token` writes.
  func name(of token: Int64) -> String { "\(log.topic)-\(token)" }

  /// The transactional id of a worker: its own aggregates, in whichever cluster.
  func transactionalID(of worker: UInt32) -> String { "\(log.topic)-worker-\(worker)" }

  /// Notes that the holder of `token` is about to use an id in a store.
  func note(_ id: String, in store: String, token: Int64) {
    contents.withLock { $0.owners[store, default: [:]][id] = token }
  }

  /// Plants an error: whoever comes to a store may write, under whichever token, and nobody's epoch is ended.
  func switchOff(in store: String) { contents.withLock { _ = $0.off.insert(store) } }

  /// What is in force in a store; `nil` before the first state.
  func state(of store: String) -> Change? { contents.withLock { $0.changes[store]?.last } }

  /// All states of a store's fence, in their order.
  func changes(of store: String) -> [Change] { contents.withLock { $0.changes[store] ?? [] } }

  /// Follows one region's control plane until cancelled. A cluster that does not answer is asked again until it does.
  func follow(_ region: SiteRegion, in run: DrillRun) async throws {
    // Beside the brokers, so past the guard that stands before them.
    guard let cluster = region.innerKafka ?? region.kafka else { return }
    let admin = try await KafkaAdmin(
      cluster, name: "fence-\(region.name)", networkNamespace: region.networkNamespace, limit: .seconds(2))
    let result: Result<Void, any Error>
    do { result = .success(try await follow(region, cluster, admin, run)) } catch { result = .failure(error) }
    await admin.close()
    try result.get()
  }

  private func follow(
    _ region: SiteRegion, _ cluster: KafkaProperties, _ admin: KafkaAdmin, _ run: DrillRun
  ) async throws {
    var silence: Int64?
    while true {
      try await run.clock.sleep(for: .milliseconds(50))
      let now = run.timebase.monotonic()
      let known = state(of: region.name)
      var wanted: (token: Int64, isOpen: Bool)?
      if let view = run.board.views[region.name], let mode = view.storeMode, let token = view.storeHighest {
        silence = nil
        wanted = (token, mode == "rw")
      } else if let known, known.isOpen {
        let since = silence ?? now
        silence = since
        if now - since > patience.nanoseconds { wanted = (known.token, false) }
      }
      guard let wanted, known.map({ $0.token != wanted.token || $0.isOpen != wanted.isOpen }) ?? true else { continue }
      let holder = run.board.views[region.name]?.writer ?? region.name
      do {
        try await change(region, cluster, admin, to: wanted, holder, run)
      } catch let failure as KafkaFailure {
        try await run.journal.record(KafkaFenceDelayed(region: region.name, why: "\(failure)"))
        try await run.clock.sleep(for: .milliseconds(200))
      }
    }
  }

  /// Brings a cluster into a state: the old owners are ended before the new one is let in.
  private func change(
    _ region: SiteRegion, _ cluster: KafkaProperties, _ admin: KafkaAdmin, to wanted: (token: Int64, isOpen: Bool),
    _ holder: String, _ run: DrillRun
  ) async throws {
    let begun = run.timebase.monotonic()
    let isOff = contents.withLock { $0.off.contains(region.name) }
    let ids = contents.withLock { contents in
      (contents.owners[region.name] ?? [:]).filter { !wanted.isOpen || $0.value != wanted.token }.keys.sorted()
    }
    for id in ids where !isOff { try await takeOver(id, cluster, region) }
    let allowed: Set<KafkaACL> =
      isOff ? [rule(for: "User:*")] : wanted.isOpen ? [rule(for: "User:\(name(of: wanted.token))")] : []
    let stale = try await writeRules(admin).subtracting(allowed)
    // The topic has a rule in any case: without one, whoever comes under a name could write to it.
    try await admin.createACLs([KafkaACL(.topic, log.topic, principal: "User:*", .describe)])
    if !stale.isEmpty { try await admin.deleteACLs(stale.sorted()) }
    try await run.until { try await self.writeRules(admin).isDisjoint(with: stale) }
    let barriers = try await barriers(in: region.name, admin)
    if !allowed.isEmpty { try await admin.createACLs(allowed.sorted()) }
    try await run.until { try await self.writeRules(admin) == allowed }
    let now = run.timebase.monotonic()
    let change = Change(
      token: wanted.token, isOpen: wanted.isOpen, holder: holder, barriers: barriers, observed: now,
      wall: run.timebase.wall())
    contents.withLock { $0.changes[region.name, default: []].append(change) }
    try await run.journal.record(
      KafkaFenceSet(
        region: region.name, token: wanted.token, isOpen: wanted.isOpen, ownersEnded: isOff ? 0 : ids.count,
        rulesRemoved: stale.map(\.description).sorted(), took: now - begun))
  }

  /// The last place in each partition of a store's log.
  private func barriers(in store: String, _ admin: KafkaAdmin) async throws(KafkaFailure) -> [KafkaPartition: Int64] {
    var barriers: [KafkaPartition: Int64] = [:]
    for place in log.places(in: store) {
      do throws(KafkaFailure) { barriers[place] = try await admin.watermarks(place).high - 1 } catch {
        // A mirrored topic is there once its mirror has found something to carry.
        guard error.kind == .notFound, place.topic != log.topic else { throw error }
      }
    }
    return barriers
  }

  private func rule(for principal: String) -> KafkaACL { KafkaACL(.topic, log.topic, principal: principal, .write) }

  /// The rules that let somebody write to the topic.
  private func writeRules(_ admin: KafkaAdmin) async throws(KafkaFailure) -> Set<KafkaACL> {
    try await admin.acls().filter {
      $0.resource == .topic && $0.name == log.topic && $0.allows && [.write, .all].contains($0.operation)
    }
  }

  /// Takes a transactional id over: what its owner has open is aborted, and its epoch is over.
  private func takeOver(_ id: String, _ cluster: KafkaProperties, _ region: SiteRegion) async throws {
    let producer = try await KafkaProducer(
      cluster, name: "fence-\(id)", transactionalID: id, networkNamespace: region.networkNamespace,
      deliveryLimit: .seconds(2))
    let result: Result<Void, KafkaFailure>
    do throws(KafkaFailure) {
      result = .success(try await producer.initTransactions(within: .seconds(3)))
    } catch { result = .failure(error) }
    await producer.close()
    try result.get()
  }
}
