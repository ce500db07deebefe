internal import Events

extension LeadershipEvidence {
  /// The outcome code with which a store says that it takes no writes at all, whatever their token.
  static let closedCodes: Set<String> = ["BS423"]
  /// With these Kafka refuses both a token that does not rule, and everybody where nobody does: which of them it was, the cluster's
  /// fence tells.
  static let eitherCodes: Set<String> = [
    "TOPIC_AUTHORIZATION_FAILED", "_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH",
  ]
  /// A fence of several parts is set one by one, before it is known to be set (ns).
  private static let settingTime: Int64 = 2_000_000_000

  /// What the evidence of a drill tells of leadership: the grants and leases of the election, the fences and logs of the stores,
  /// the writes, and the intervals in which a region was proven to be cut off.
  public static func of(_ evidence: Evidence) -> LeadershipEvidence {
    var result = LeadershipEvidence()
    result.expectations.electionWithin = evidence.objectives.electionMargin
    var leases = result.leaseChanges(evidence)
    leases += leaseChanges(evidence.history.operations, evidence.history.names, evidence.clocks, isOfDrill: true)
    result.judgeClocks(leases)
    result.doubts = TimeAudit.clockDoubts(evidence)
    let writes = writes(
      evidence.history, refusals: Set(evidence.contract.refusalCodes), closed: Self.closedCodes, evidence.truth.fences)
    var changes = leases.map { (time: $0.returned, event: LeadershipEvent.lease($0)) }
    changes += writes.map { (time: $0.returned ?? .max, event: LeadershipEvent.write($0)) }
    let isolations = isolations(evidence)
    result.events += isolations
    result.events += changes.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element.event)
    result.addAccepts(evidence)
    result.addAppends(evidence.truth.records)
    result.events.append(.end(at: evidence.milestones.quiescent))
    if isolations.isEmpty {
      result.notApplicable[.minorityLeader] = "no node was proven to be cut off from all others"
    }
    return result
  }

  /// What a history alone tells of leadership: acquisitions and writes, where the place that a write was given is the one in the
  /// resource's own order. A write that was acknowledged without a place has none.
  ///
  /// `refusals`: the outcome codes with which a fence refuses a token.
  public static func of(_ history: HistoryEvidence, refusals: Set<String> = ["rejected"]) -> LeadershipEvidence {
    var result = LeadershipEvidence()
    let leases = leaseChanges(history.operations, history.names)
    result.judgeClocks(leases)
    let writes = writes(history, refusals: refusals, closed: Self.closedCodes)
    var changes = leases.map { (time: $0.returned, event: LeadershipEvent.lease($0)) }
    changes += writes.map { (time: $0.returned ?? .max, event: LeadershipEvent.write($0)) }
    result.events += changes.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }
      .map(\.element.event)
    let placed = history.operations.enumerated().compactMap { place, operation -> FenceAccept? in
      guard isFenced(operation), let token = operation.token, let position = operation.position, position >= 0 else {
        return nil
      }
      return FenceAccept(
        resource: history.names.name(of: operation.node) ?? "node \(operation.node.rawValue)", sequence: position,
        token: FencingToken(token), event: event(operation, place), invoked: operation.invoked,
        known: operation.completed)
    }
    for (resource, accepts) in Dictionary(grouping: placed, by: \.resource).sorted(by: { $0.key < $1.key }) {
      result.events += accepts.sorted { $0.sequence < $1.sequence }.map(LeadershipEvent.accept)
      result.events.append(.acceptsAreComplete(resource: resource))
    }
    let lacking = [Anomaly.staleTokenAccepted, .unsealedWindow, .acceptMismatch]
    if placed.isEmpty { for anomaly in lacking { result.notApplicable[anomaly] = "no write was given a place" } }
    result.notApplicable[.zombieProducer] = "a history alone has no producer epochs of a log"
    result.notApplicable[.minorityLeader] = "a history alone does not prove who was cut off"
    result.events.append(.end(at: nil))
    return result
  }

  /// Leases by the election's own history where there is one; else the grants, with what the drill knows of the old leader's end.
  private mutating func leaseChanges(_ evidence: Evidence) -> [LeaseChange] {
    if let rows = evidence.truth.leases {
      return rows.sorted { $0.observed < $1.observed }.compactMap(LeaseChange.init)
    }
    let facts = Facts(evidence)
    guard let grants = evidence.truth.grants else {
      for anomaly in [
        Anomaly.twoLeadersOneTerm, .tokenRegress, .leaseOverlap, .unsealedWindow, .currentTokenRejected, .electionLate,
        .leadershipFlapping, .minorityLeader,
      ] {
        missing[anomaly, default: []].append("the dump of the election's grants")
      }
      return []
    }
    var known: Set<GrantRow> = []
    var changes: [LeaseChange] = []
    for grant in grants.sorted(by: { $0.observed < $1.observed }) {
      // The same grant may be seen twice, by two watchers.
      var grant = grant
      grant.firstSeen = nil
      let time = grant.observed
      grant.observed = 0
      guard known.insert(grant).inserted else { continue }
      changes.append(
        LeaseChange(
          .acquired, holder: grant.holder, token: FencingToken(grant.token), invoked: time, returned: time,
          ttl: evidence.objectives.leaseTTL))
    }
    let deaths = evidence.leaderDeaths ?? []
    for grant in changes {
      // A process that is gone leads no longer, whatever its store says; one that only stands still does not stop.
      guard let death = deaths.first(where: { $0.holder == grant.holder && $0.at >= grant.returned }) else { continue }
      changes.append(
        LeaseChange(.stopped, holder: grant.holder, token: grant.token, invoked: death.at, returned: death.at))
    }
    guard let old = facts.oldGrant, let loss = facts.milestones.loss, facts.newGrant != nil else { return changes }
    let goals = evidence.objectives
    // The coordination service extends every lease when it changes its own leader.
    let rest =
      evidence.coordinatorChangedLeader ? 2 * goals.leaseTTL + goals.coordinatorElection : goals.leaseTTL
    changes.append(
      LeaseChange(
        .lost, holder: old.holder, token: FencingToken(old.token), invoked: loss, returned: loss, leaseEnd: loss + rest,
        ttl: goals.leaseTTL))
    let died = changes.first { $0.kind == .stopped && $0.holder == old.holder && $0.token.revision == old.token }
    if let stopped = evidence.milestones.oldStoreDemoted, stopped < died?.returned ?? .max {
      changes.removeAll { $0.kind == .stopped && $0.holder == old.holder && $0.token.revision == old.token }
      changes.append(
        LeaseChange(
          .stopped, holder: old.holder, token: FencingToken(old.token), invoked: stopped, returned: stopped))
    } else if died == nil {
      missing[.leaseOverlap, default: []].append("the moment at which \(old.holder) stopped to act as leader")
    }
    return changes
  }

  private mutating func judgeClocks(_ leases: [LeaseChange]) {
    guard !leases.contains(where: { $0.holderClock != nil && $0.ttl != nil }) else { return }
    notApplicable[.holderPastLease] = "leases are not stamped with their holders' own clocks"
  }

  /// What leases did by the operations of a history.
  ///
  /// - Parameters:
  ///   - clocks: how far the nodes' clocks were seen to be off: an end that one of them gave is no more certain than that.
  ///   - isOfDrill: whether clocks that nobody looked at are not to be believed.
  static func leaseChanges(
    _ operations: [Operation], _ names: NameTable, _ clocks: NodeClocks? = nil, isOfDrill: Bool = false
  ) -> [LeaseChange] {
    operations.compactMap { operation in
      guard operation.outcome == .ok, let token = operation.token else { return nil }
      let kind: LeaseChange.Kind
      switch operation.kind {
      case .acquire: kind = .acquired
      case .renew: kind = .renewed
      case .release: kind = .released
      case .lose: kind = .stopped
      case .append, .staleAppend, .observe, .apply, .poll, .beginTransaction, .commitTransaction, .abortTransaction,
        .assign,
        .subscribe, .revoke, .commitPosition, .process, .read, .write, .compareAndSet:
        return nil
      }
      let seen = names.name(of: operation.region).flatMap { clocks?.uncertainty(of: $0) } ?? 0
      // An end by a clock that was wrong, or that nobody knows, is none.
      let isDoubtful = isOfDrill && TimeAudit.doubt(operation, names, clocks) != nil
      return LeaseChange(
        kind, holder: holder(operation, names), token: FencingToken(token), invoked: operation.invoked,
        returned: ended(operation), leaseEnd: isDoubtful ? nil : operation.leaseEnd, ttl: operation.ttl,
        uncertainty: operation.leaseEnd == nil ? 0 : max(operation.wallUncertainty ?? 0, seen),
        holderClock: operation.wall)
    }
    .sorted { $0.returned < $1.returned }
  }

  /// Who did an operation: the member where one is named, else the region.
  private static func holder(_ operation: Operation, _ names: NameTable) -> String {
    operation.member.flatMap { names.name(of: $0) } ?? names.name(of: operation.region)
      ?? "process \(operation.process)"
  }

  /// The writes with a token, and those without an event under a number of their own.
  ///
  /// - Parameter fences: the stores' fences, by which refusals are told apart whose code says nothing.
  static func writes(
    _ history: HistoryEvidence, refusals: Set<String>, closed: Set<String>, _ fences: [String: [FenceEntry]] = [:]
  ) -> [FencedWrite] {
    let names = history.names
    return history.operations.enumerated().compactMap { place, operation in
      guard isFenced(operation), let token = operation.token else { return nil }
      let status: FencedWrite.Status
      switch operation.outcome {
      case .ok: status = .ok
      case .unknown: status = .unknown
      case .fail(let code):
        let code = names.name(of: code) ?? ""
        let store = fences[names.name(of: operation.node) ?? ""] ?? []
        let isClosed =
          closed.contains(code) || eitherCodes.contains(code) && !isOpen(store, to: token, throughout: operation)
        status = isClosed ? .closed : refusals.contains(code) ? .rejected : .failed
      }
      return FencedWrite(
        holder: holder(operation, names), token: FencingToken(token),
        resource: names.name(of: operation.node) ?? "node \(operation.node.rawValue)", event: event(operation, place),
        invoked: operation.invoked, returned: operation.completed, status: status, holderClock: operation.wall)
    }
  }

  /// Whether a store was certainly open to `token` from the beginning of an operation to its end.
  private static func isOpen(_ fences: [FenceEntry], to token: Int64, throughout operation: Operation) -> Bool {
    guard
      let ruling = fences.last(where: { $0.observed.map { $0 <= operation.invoked } ?? false }),
      ruling.mode == .readWrite, ruling.token == token
    else { return false }
    let end = ended(operation) + settingTime
    return !fences.contains { fence in
      fence.observed.map { $0 > operation.invoked && $0 <= end } ?? false
    }
  }

  private static func isFenced(_ operation: Operation) -> Bool {
    operation.kind == .append || operation.kind == .staleAppend || operation.kind == .write
  }

  /// A write that is about no event is known by its place in the history.
  private static func event(_ operation: Operation, _ place: Int) -> EventID {
    operation.event == .none ? EventID(producer: .max, sequence: UInt64(place)) : operation.event
  }

  // MARK: What the resources accepted

  private mutating func addAccepts(_ evidence: Evidence) {
    let times = Dictionary(
      evidence.history.operations.filter { Self.isFenced($0) }.map { ($0.event, $0) },
      // Of an event that was tried more than once, the attempt that was acknowledged.
      uniquingKeysWith: { $1.outcome == .ok ? $1 : $0 })
    if let rows = evidence.truth.accepts {
      for (resource, rows) in Dictionary(grouping: rows, by: \.resource).sorted(by: { $0.key < $1.key }) {
        for row in rows.sorted(by: { $0.sequence < $1.sequence }) {
          guard let token = row.token else { continue }
          let write = row.event.flatMap { times[$0] }
          events.append(
            .accept(
              FenceAccept(
                resource: resource, sequence: row.sequence, token: FencingToken(token), event: row.event,
                invoked: write?.invoked, known: write?.completed ?? row.observed)))
        }
        events.append(.acceptsAreComplete(resource: resource))
      }
      return
    }
    var isAnyFenced = false
    for store in evidence.roles.guarded {
      guard let log = evidence.truth.logs[store], let fences = evidence.truth.fences[store] else {
        let absent = evidence.truth.logs[store] == nil ? "log" : "fences"
        for anomaly in [
          Anomaly.staleTokenAccepted, .unsealedWindow, .currentTokenRejected, .acceptMismatch, .minorityLeader,
        ] {
          missing[anomaly, default: []].append("the dump of \(store)'s \(absent)")
        }
        continue
      }
      isAnyFenced = true
      addAccepts(of: store, log.filter { $0.origin == store }, fences, times)
    }
    if !isAnyFenced && evidence.roles.guarded.isEmpty {
      for anomaly in [Anomaly.staleTokenAccepted, .unsealedWindow, .currentTokenRejected, .acceptMismatch] {
        notApplicable[anomaly] = "no store is guarded by a token"
      }
    }
  }

  /// A store's own rows in its own order, with the moments at which its fence was set in between.
  private mutating func addAccepts(
    of store: String, _ own: [LogRow], _ fences: [FenceEntry], _ times: [EventID: Operation]
  ) {
    var place = 0
    func seal(_ fence: FenceEntry) -> LeadershipEvent {
      .accept(
        FenceAccept(
          resource: store, sequence: fence.barrierOriginSequence, token: FencingToken(fence.token), isSeal: true,
          known: fence.observed))
    }
    for (row, states) in fences.inOrder(own) {
      while place < states {
        events.append(seal(fences[place]))
        place += 1
      }
      guard let token = row.token else { continue }
      let write = times[row.event]
      events.append(
        .accept(
          FenceAccept(
            resource: store, sequence: row.originSequence, token: FencingToken(token), event: row.event,
            invoked: write?.invoked, known: write?.completed)))
    }
    for fence in fences[place...] { events.append(seal(fence)) }
    events.append(.acceptsAreComplete(resource: store))
  }

  private mutating func addAppends(_ records: [PartitionRow]?) {
    let rows = (records ?? []).filter { $0.content == .record && $0.transactionalID != nil && $0.producerEpoch != nil }
    guard !rows.isEmpty else {
      notApplicable[.zombieProducer] = "no record bears a transactional id"
      return
    }
    for row in rows.sorted(by: { ($0.store, $0.partition, $0.offset) < ($1.store, $1.partition, $1.offset) }) {
      guard let producer = row.transactionalID, let epoch = row.producerEpoch else { continue }
      events.append(
        .append(
          ProducerAppend(
            transactionalID: producer, epoch: epoch, log: "\(row.store) \(row.partition)", offset: row.offset,
            event: row.event)))
    }
  }

  // MARK: Who was cut off

  /// The regions that were proven to reach none of the others, and to be reached by none.
  private static func isolations(_ evidence: Evidence) -> [LeadershipEvent] {
    let probed = evidence.faults.flatMap(\.brokenPairs).flatMap { $0.split(separator: "→").map(String.init) }
    let regions = Set(evidence.history.names.nodes).union(evidence.roles.stores).union(probed)
    return evidence.faults.flatMap { fault -> [LeadershipEvent] in
      // A region that is cut off now and then can renew its lease in between.
      guard fault.comesAndGoes != true, let since = fault.provenSince, let until = fault.disarmed ?? fault.verifiedGone,
        since <= until
      else { return [] }
      let broken = Set(fault.brokenPairs)
      return regions.sorted().filter { region in
        let others = regions.subtracting([region])
        return !others.isEmpty
          && others.allSatisfy { broken.contains("\(region)→\($0)") && broken.contains("\($0)→\(region)") }
      }
      .map { .isolated(node: $0, during: since...until) }
    }
  }
}

extension LeaseChange {
  /// What the election's own history says.
  fileprivate init?(_ row: LeaseRow) {
    guard let token = row.token else { return nil }
    let kind: Kind
    switch row.change {
    case .granted: kind = .acquired
    case .renewed: kind = .renewed
    case .released: kind = .released
    case .expired: kind = .lost
    }
    let end = row.change == .expired ? row.observed : row.ttl.map { row.observed + $0 }
    self.init(
      kind, holder: row.holder, token: FencingToken(token), invoked: row.observed, returned: row.observed,
      leaseEnd: row.change == .released ? nil : end, ttl: row.ttl)
  }
}
