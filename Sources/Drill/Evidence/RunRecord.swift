public import Checks
internal import Events
internal import Lab
public import Scenarios
public import Support

/// A run as its directory tells it: what the verdict and every report are made from, live and years later alike.
public struct RunRecord: Sendable {
  /// Where it was read from.
  public var directory: RunDirectory
  /// The scenario, read again from the copy in the directory.
  public var scenario: Scenario
  /// The journal's records, as far as their chain holds.
  public var journal: [JournalRecord]
  /// Why the journal ends before its file does; `nil` if it does not.
  public var journalDefect: String?
  /// The history.
  public var history: HistoryEvidence
  /// What the servers said.
  public var truth: GroundTruth
  /// Dumps that were not read, because they are cut off or damaged: the file, and what is wrong with it.
  public var truthDefects: [String]

  /// Reads a run directory.
  ///
  /// - Throws: ``Problem`` or the error of the file that cannot be read at all. A file that is cut off is read as far as it can
  ///   be believed (a dump without its end not at all), and ``gaps`` says so.
  public init(reading directory: RunDirectory) throws {
    self.directory = directory
    scenario = try Self.readScenario(directory)
    let contents = try JournalContents(path: directory.journal)
    journal = contents.records
    journalDefect = contents.defect
    history = try Self.readHistory(directory.history)
    (truth, truthDefects) = try Self.readTruth(directory.groundTruth)
  }

  /// What of the record is cut off or altered, each with where and how. Empty when the run closed its evidence itself and
  /// nobody has touched it since.
  public var gaps: [String] {
    var gaps = truthDefects
    gaps += journal.filter(\.hasForeignShape).map {
      "line \($0.seq) of the journal (its '\($0.type)' has a shape that this version does not know)"
    }
    if let journalDefect {
      gaps.append("the end of the journal (\(journalDefect))")
    } else if events(HistoryClosed.self).isEmpty {
      let last = journal.last.map { "after '\($0.type)' in line \($0.seq)" } ?? "before its first record"
      gaps.append("the end of the journal (it stops \(last), before the evidence was closed)")
    }
    return gaps
  }

  /// All events of one type, each with the moment of its record (ns, monotonic).
  public func events<T: JournalEvent>(_ type: T.Type) -> [(time: Int64, event: T)] {
    journal.compactMap { record in record.decoded(type).map { (record.t, $0) } }
  }

  /// The scenario as the plan has it, whole; where the plan is another version's or none, as its file has it.
  private static func readScenario(_ directory: RunDirectory) throws -> Scenario {
    if fileExists(directory.plan), let plan = try? readPlan(readFile(directory.plan), file: directory.plan) {
      return plan.scenario
    }
    return try parseScenario(readFile(directory.scenario), file: directory.scenario).scenario
  }

  /// Whether nothing was armed on purpose.
  public var isDryRun: Bool { events(RunStarted.self).first?.event.mode == .dryRun }

  /// A history that is not there, or not to be believed, is one without operations, and says why.
  private static func readHistory(_ path: String) throws -> HistoryEvidence {
    func none(_ reason: String) -> HistoryEvidence {
      HistoryEvidence(operations: [], names: NameTable(), cutReason: reason)
    }
    guard fileExists(path) else { return none("there is no history file") }
    do throws(HistoryError) {
      return HistoryEvidence(try History(path: path))
    } catch {
      guard case .damaged = error else { throw error }
      return none("\(error)")
    }
  }

  private static func readTruth(_ path: String) throws -> (truth: GroundTruth, defects: [String]) {
    var truth = GroundTruth()
    var defects: [String] = []
    for name in try listDirectory(path) where name.hasSuffix(".jsonl") {
      do {
        try truth.add(file: name, in: path)
      } catch let error as DumpError {
        defects.append("ground-truth/\(name) (\(error))")
      }
    }
    return (truth, defects)
  }
}

extension GroundTruth {
  /// Takes in the dump in the file `name`, whose kind its name says: `log-east.jsonl`. Another tool's file is left alone.
  fileprivate mutating func add(file name: String, in directory: String) throws {
    let stem = name.dropLast(".jsonl".count)
    // Of `log-bounds-eu` the longer kind is meant.
    let kind = DumpKind.allCases.filter { stem == $0.rawValue || stem.hasPrefix("\($0.rawValue)-") }
      .max { $0.rawValue.count < $1.rawValue.count }
    let path = "\(directory)/\(name)"
    switch kind {
    case .log: try add(LogRow.self, path)
    case .fence: try add(FenceEntry.self, path)
    case .applied: try add(AppliedRow.self, path)
    case .progress: try add(ProgressRow.self, path)
    case .grants: try add(GrantRow.self, path)
    case .records: try add(PartitionRow.self, path)
    case .logBounds: try add(LogBoundsRow.self, path)
    case .groupOffsets: try add(GroupOffsetRow.self, path)
    case .offsetSyncs: try add(OffsetSyncRow.self, path)
    case .checkpoints: try add(CheckpointRow.self, path)
    case .heartbeats: try add(HeartbeatRow.self, path)
    case .mirrorRestarts: try add(MirrorRestartRow.self, path)
    case .connectorStates: try add(ConnectorStateRow.self, path)
    case .leases: try add(LeaseRow.self, path)
    case .accepts: try add(AcceptRow.self, path)
    case .schemas: try add(SchemaRow.self, path)
    case .timelines: try add(TimelineRow.self, path)
    case .commits: try add(CommitRow.self, path)
    case .reconciled: try add(ReconciledRow.self, path)
    case .guardAttempts: try add(GuardAttemptRow.self, path)
    case .guardDecisions: try add(GuardDecisionRow.self, path)
    case .outbox: try add(OutboxRow.self, path)
    case .carried: try add(CarriedRow.self, path)
    case nil: return
    }
  }

  private mutating func add<Row: GroundTruthRow>(_ type: Row.Type, _ path: String) throws {
    let dump = try Dump<Row>(path: path)
    add(dump.rows, of: dump.store)
  }
}

extension RunRecord {
  /// What the checklist is judged on.
  public var evidence: Evidence {
    let promised: Contract = scenario.stack.hasEventsInKafka ? .kafka : .postgresEtcd
    let faults = faultIntervals
    let milestones = milestones(faults)
    return Evidence(
      history: history, truth: truth, faults: faults, milestones: milestones, roles: roles,
      contract: Contract(
        permits: [], permissions: permissions, refusalCodes: promised.refusalCodes,
        redeliveryCodes: promised.redeliveryCodes),
      objectives: objectives, coordinatorChangedLeader: coordinatorChangedLeader(milestones),
      gaps: gaps, snapshots: snapshots, expectsFailover: scenario.expectsFailover, leaderDeaths: leaderDeaths,
      clocks: clocks, redelivery: redelivery, steady: steady, pauses: pauses,
      isExternal: scenario.stack.kind.isDriven ? nil : true)
  }

  private var pauses: [MirrorPause]? {
    let pauses = mirrorPauses(scenario.steps, events(StepChanged.self))
    return pauses.isEmpty ? nil : pauses
  }

  /// How the steady state was seen, by every look.
  private var steady: SteadyEvidence? {
    let looks = events(SteadySeen.self)
    guard !looks.isEmpty else { return nil }
    var changes: [String: [SteadyEvidence.Change]] = [:]
    for (_, look) in looks {
      changes[look.expectation, default: []].append(.init(at: look.at, state: look.state, seen: look.seen))
    }
    return SteadyEvidence(changes: changes, looks: events(Sample.self).map(\.time))
  }

  /// What the stack's own settings and the scenario permit; a row that this version does not check any more is permitted to
  /// nobody.
  private var permissions: Permissions {
    let ofStack: Permissions = scenario.stack.mirroring?.delivery == .atLeastOnce ? .atLeastOnceMirror : .none
    return ofStack.union(
      Permissions(
        (scenario.permittedAnomalies ?? []).compactMap { permitted in
          Anomaly(rawValue: permitted.anomaly).map { Permissions.Entry($0, permitted.because) }
        }))
  }

  /// The ends of Kafka's mirrors, from the exits that the supervision was told of; `nil` where mirrors repeat nothing.
  private var redelivery: MirrorRedelivery? {
    guard let mirroring = scenario.stack.mirroring, mirroring.delivery == .atLeastOnce else { return nil }
    return MirrorRedelivery(
      positionsEvery: mirroring.positionsEvery.nanoseconds,
      ends: events(ServerLost.self).filter { $0.event.server == ServerKind.worker.rawValue }
        .map { .init(into: $0.event.region, at: $0.time) })
  }

  /// The ends of control planes, from the exits that the supervision was told of. A pause ends none.
  private var leaderDeaths: [LeaderDeath] {
    let ofPlanes = events(ServerLost.self).filter { $0.event.server == ServerKind.controlPlane.rawValue }
      .map { LeaderDeath(holder: $0.event.region, at: $0.time) }
    return (ofPlanes + reignsWithoutStore).sorted { $0.at < $1.at }
  }

  /// Reigns that were given up while the store was dead through which they were held: nobody is left that could take a write, and
  /// the store itself can say so only when it is back.
  private var reignsWithoutStore: [LeaderDeath] {
    func isStore(_ server: String) -> Bool { server == ServerKind.store.rawValue }
    let back = events(ServerRestarted.self).filter { isStore($0.event.server) }
    return events(ServerLost.self).filter { isStore($0.event.server) }.compactMap { lost in
      let region = lost.event.region
      let end = back.first { $0.event.region == region && $0.time > lost.time }?.time ?? .max
      let given = events(AuthoritySeen.self).first {
        $0.event.region == region && $0.time > lost.time && $0.time < end && $0.event.role == "demoting"
      }
      return given.map { LeaderDeath(holder: region, at: $0.time) }
    }
  }

  /// How far the nodes' clocks were from ours, from the first look to the end of the workload. `nil`: nobody looked.
  public var clocks: NodeClocks? {
    let seen = events(ClocksSeen.self)
    guard let first = seen.first else { return nil }
    var clocks = NodeClocks(
      of: scenario.topology.regions.flatMap { scenario.topology.nodes(of: $0.name) }, from: first.time)
    for (_, event) in seen {
      for (name, clock) in event.clocks.sorted(by: { $0.key < $1.key }) {
        clocks.take(.init(at: clock.at, offset: clock.offset, uncertainty: clock.uncertainty), of: name)
      }
      for (name, why) in event.unanswered ?? [:] { clocks.take(failure: why, of: name) }
    }
    let quiescence = events(PhaseEntered.self).last { $0.event.phase == .quiescence }?.time
    clocks.end(at: max(quiescence ?? journal.last?.t ?? first.time, seen.last?.time ?? first.time))
    return clocks
  }

  private var snapshots: [StateSnapshot]? {
    let seen = events(StateSeen.self)
    return seen.isEmpty ? nil : seen.map { StateSnapshot(time: $0.time, values: $0.event.values) }
  }

  /// Which store plays which part, from the scenario.
  public var roles: Roles {
    let stores = scenario.topology.names(with: .store)
    return Roles(
      primary: scenario.primary, survivor: scenario.survivor, stores: stores,
      // Nothing in standing clusters asks for the drill's tokens.
      guarded: scenario.stack.attach == nil ? stores : [],
      mirrors: scenario.mirrorDirections.map { MirrorDirection(from: $0.from, to: $0.to) },
      consumers: scenario.workload.consumers.map { ConsumerRole(group: $0.name, store: store(readBy: $0)) },
      surfaces: scenario.stack.guards.map { guards in
        guards.flatMap { guarded in stores.map { GuardSurface($0, guarded == .admin ? .admin : .registry) } }
      })
  }

  /// The store that a consumer read from in the end.
  private func store(readBy consumer: Consumer) -> String {
    events(ConsumersMoved.self).last { $0.event.groups.contains(consumer.name) }?.event.store ?? consumer.store
  }

  private var objectives: Objectives {
    var objectives = Objectives(
      leaseTTL: scenario.stack.leaseTTL.nanoseconds, freshness: scenario.stack.mirrorFreshness.nanoseconds)
    // Where somebody is promoted by a runbook, it is people and the runbook that take the time.
    if scenario.isPromotedByRunbook { objectives.electionMargin = scenario.safety.maxDuration.nanoseconds }
    for entry in scenario.checklist {
      switch entry.item {
      case .electionWithinTTL: if let margin = entry.margin { objectives.electionMargin = margin.nanoseconds }
      case .mirrorLagZero: if let within = entry.within { objectives.mirrorCatchUp = within.nanoseconds }
      case .noAcknowledgedLoss: objectives.recoveryPoint = entry.rpo?.nanoseconds
      case .noDuplicates, .staleTokenRejected, .orderPerAggregate, .consumerProgress, .writeAuthorityStays,
        .offsetsTranslated, .noUnfencedSchemaChange, .outboxComplete:
        break
      case .steadyStateRecovered:
        objectives.steadyRecovery = (entry.within ?? scenario.recovery.within).nanoseconds
      }
    }
    return objectives
  }

  /// The faults with their proven intervals.
  public var faultIntervals: [FaultInterval] {
    var intervals: [FaultInterval] = []
    func change(_ id: String, _ body: (inout FaultInterval) -> Void) {
      guard let index = intervals.lastIndex(where: { $0.id == id }) else { return }
      body(&intervals[index])
    }
    for record in journal {
      if let event = record.decoded(FaultArming.self) {
        intervals.append(
          FaultInterval(
            id: event.fault, kind: event.kind, armed: record.t,
            comesAndGoes: scenario.faultsThatFlap.contains(event.fault) ? true : nil))
      } else if let event = record.decoded(FaultArmed.self) {
        change(event.fault) { $0.armed = event.at }
      } else if let event = record.decoded(FaultProven.self) {
        change(event.fault) {
          $0.provenSince = event.at
          $0.brokenPairs = event.cut
          $0.packetsDropped = event.droppedPackets
        }
      } else if let event = record.decoded(FaultDisarming.self) {
        change(event.fault) {
          $0.disarmed = record.t
          $0.packetsDropped = max($0.packetsDropped, event.droppedPackets.values.reduce(0, +))
        }
      } else if let event = record.decoded(FaultGone.self) {
        change(event.fault) { $0.verifiedGone = event.at }
      }
    }
    return intervals
  }

  private func milestones(_ faults: [FaultInterval]) -> Milestones {
    var milestones = Milestones()
    for (time, event) in events(PhaseEntered.self) {
      switch event.phase {
      case .baseline: milestones.baselineStart = time
      case .fault: milestones.baselineEnd = time
      default: break
      }
    }
    milestones.faultInForce = faults.compactMap(\.provenSince).min()
    // What does not cut the owner of the writes off from the quorum loses no leader, however early it comes.
    let causes = scenario.faultsThatMoveAuthority
    let fatal = faults.filter { causes.contains($0.id) }
    milestones.leaderLost = (fatal.isEmpty ? faults : fatal).map(\.armed).min()
    milestones.healed = faults.compactMap(\.verifiedGone).max()
    milestones.quiescent = events(TruthDumped.self).last?.time

    let seen = events(AuthoritySeen.self)
    guard let lost = milestones.leaderLost,
      let oldToken = seen.last(where: { $0.time <= lost && $0.event.writer == scenario.primary })?.event.token
    else { return milestones }
    let after = seen.filter { $0.time > lost }
    milestones.survivorsNoticed =
      after.first { $0.event.region != scenario.primary && $0.event.writer != scenario.primary }?.time
    let granted = after.first { max($0.event.ownToken ?? 0, $0.event.token ?? 0) > oldToken }
    milestones.tokenGranted = granted?.time
    milestones.oldStoreDemoted = after.first { $0.event.region == scenario.primary && $0.event.storeMode == "ro" }?.time
    milestones.newStoreSealed =
      after.first {
        $0.event.region == scenario.survivor && $0.event.storeMode == "rw" && ($0.event.storeHighest ?? 0) > oldToken
      }?.time
    // Where events are in Kafka, the control planes' stores only seal write authority: a cluster is open, or closed, when its own
    // fence is.
    let fences = events(KafkaFenceSet.self).filter { $0.time > lost }
    if scenario.stack.hasEventsInKafka, scenario.movesWriteAuthority {
      milestones.oldStoreDemoted = fences.first { $0.event.region == scenario.primary && !$0.event.isOpen }?.time
      milestones.newStoreSealed =
        fences.first { $0.event.region == scenario.survivor && $0.event.isOpen && $0.event.token > oldToken }?.time
    }
    milestones.firstAcknowledgedWrite =
      history.operations.lazy
      .filter { $0.kind == .append && $0.outcome == .ok && ($0.token ?? 0) > oldToken }
      .compactMap(\.completed).min()
    return milestones
  }

  /// Whether etcd itself elected another leader between the loss and the grant: that extends every lease by its whole time
  /// to live, so the old leader's reign may last twice as long. Told by the regions that were not cut off.
  private func coordinatorChangedLeader(_ milestones: Milestones) -> Bool {
    guard let lost = milestones.leaderLost else { return false }
    let end = milestones.tokenGranted ?? .max
    let survivors = events(AuthoritySeen.self).filter { $0.event.region != scenario.primary }
    let before = survivors.last { $0.time <= lost && $0.event.etcdLeader != nil }?.event.etcdLeader
    let during = survivors.filter { $0.time > lost && $0.time <= end }.compactMap(\.event.etcdLeader)
    return during.contains { $0 != before }
  }
}
