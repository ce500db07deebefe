internal import Checks
internal import Events
internal import Glibc
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// One run: its parts, and the phases in their order. One task group owns everything that runs beside the phases.
final class DrillRun: Sendable {
  let request: DrillRequest
  let journal: Journal
  let recorder: HistoryRecorder
  let live: LiveChecks
  let board: AuthorityBoard
  let counters = WorkloadCounters()
  let lag: MirrorLag
  /// Servers that faults end on purpose.
  let endings = PlannedEndings()
  let steady: Mutex<SteadyStateMonitor>
  /// The disks of the lab, once it is being built.
  let disks = Mutex<LabDisks?>(nil)
  let view = SystemView()
  let traffic = TrafficControl()
  /// What clients of Kafka keep; `nil` for a stack without.
  let kafka: KafkaState?
  /// What carries the outbox of the stores; `nil` where they have none.
  let outbox: OutboxLine?
  private let historyClosed = Atomic(false)
  private let missedRecord = Mutex<(any Error)?>(nil)

  var scenario: Scenario { request.plan.scenario }
  var timebase: Timebase { request.timebase }
  var clock: any Clock<Duration> { request.clock }

  /// Whether the history was closed in good order.
  var hasClosedHistory: Bool { historyClosed.load(ordering: .acquiring) }

  init(request: DrillRequest, journal: Journal, recorder: HistoryRecorder, live: LiveChecks) {
    self.request = request
    self.journal = journal
    self.recorder = recorder
    self.live = live
    let scenario = request.plan.scenario
    board = AuthorityBoard(
      timebase: request.timebase, distrusted: scenario.regionsWithOtherMonotonicClocks)
    outbox = scenario.stack.outbox.map {
      OutboxLine(
        topicPartitions: $0.partitions,
        exactlyOnce: (scenario.stack.mirroring ?? KafkaMirroring()).delivery == .exactlyOnce, home: scenario.primary)
    }
    kafka = scenario.stack.hasEventsInKafka ? KafkaState(of: scenario, run: request.runID) : nil
    lag = MirrorLag(
      scenario.stack.kind.isDriven ? scenario.mirrorDirections.map { .init(origin: $0.from, target: $0.to) } : [])
    steady = Mutex(SteadyStateMonitor(scenario.steadyState.expect))
  }

  /// The phases from preflight to quiescence. What must be taken back is registered in `undo` before it is made.
  func perform(_ undo: UndoStack) async throws {
    try await journal.record(try started())
    try await enter(.preflight)
    let site = try await takeGround(undo)
    let faults = FaultDirector(run: self, site: site)
    let equipment = try await faults.equip(undo)
    try await plantBefore(site)
    let authority = followAuthority(site)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask(name: "authority") {
        // It is cancelled when the phases are over; what ends it before that ends the run.
        do { try await authority.value } catch is CancellationError {}
        return false
      }
      if let lab = site.lab {
        group.addTask(name: "supervision") {
          try await self.supervise(lab)
          return false
        }
      }
      group.addTask(name: "samples") {
        try await self.sample()
        return false
      }
      let probes = ProbeRunner(run: self, site: site, agents: equipment.agents)
      for probe in scenario.probes {
        group.addTask(name: "probe \(probe.name)") {
          try await probes.follow(probe)
          return false
        }
      }
      group.addTask(name: "longest duration") {
        let longest = self.scenario.safety.maxDuration
        try await self.clock.sleep(for: longest)
        throw Problem(
          .aborted, "the drill is not over after \(longest.text), the longest that safety.maxDuration allows",
          fix: "find out what it waited for in the journal, or allow it more time")
      }
      group.addTask(name: "phases") {
        defer { authority.cancel() }
        try await self.phases(site, faults, equipment, undo)
        try await probes.summarize()
        return true
      }
      defer { group.cancelAll() }
      // The watchers end only by an error, which ends the phases too, or with the phases.
      while let isDone = try await group.next() {
        if isDone { return }
      }
    }
  }

  /// Follows who holds write authority, and lets the clusters' fences follow it, until it is cancelled: by the phases, at their end.
  ///
  /// The run's own cancellation does not reach it. A runbook that is stopped takes its steps back, and whether authority is back
  /// where it was must be seen then, not remembered.
  private func followAuthority(_ site: Site) -> Task<Void, any Error> {
    Task(name: "authority") {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for region in site.regions {
          group.addTask(name: "authority in \(region.name)") {
            try await self.board.follow(region, journal: self.journal)
          }
          guard let fence = self.kafka?.fence, region.kafka != nil else { continue }
          group.addTask(name: "fence of \(region.name)'s cluster") { try await fence.follow(region, in: self) }
        }
        while try await group.next() != nil {}
      }
    }
  }

  /// The lab, built for this, or hosts that are there, with the clusters that stand on them.
  private func takeGround(_ undo: UndoStack) async throws -> Site {
    guard scenario.topology.ground == .lab else {
      let hosts = Site(scenario.topology)
      return scenario.stack.attach == nil ? hosts : try await attachClusters(undo, to: hosts)
    }
    try checkMachine()
    try await enter(.lab)
    return Site(try await buildLab(undo))
  }

  /// Asks whoever watches each step, if somebody does, before something is changed.
  func confirm(_ what: String) async throws {
    guard let confirm = request.confirm else { return }
    let begun = timebase.monotonic()
    try await confirm(what)
    try await journal.record(StepConfirmed(what: what, waited: timebase.monotonic() - begun))
  }

  func enter(_ phase: Phase) async throws {
    try Task.checkCancellation()
    view.enter(phase)
    try await journal.record(PhaseEntered(phase: phase))
  }

  /// Records what is about to be taken back, or was. A disk that is full must not keep a fault or a lab, so this goes on
  /// without the record; ``failureOfJournal`` has the reason, and the journal refuses whatever would come after the gap.
  func recordIfPossible(_ event: some JournalEvent) async {
    do { try await journal.record(event) } catch {
      missedRecord.withLock { $0 = $0 ?? error }
    }
  }

  /// Why a record of the rollback is missing; `nil` if none is.
  var failureOfJournal: (any Error)? { missedRecord.withLock { $0 } }

  private func started() throws -> RunStarted {
    var name = utsname()
    uname(&name)
    func text<T>(_ field: T) -> String {
      withUnsafeBytes(of: field) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
    }
    return RunStarted(
      scenario: scenario.metadata.name, seed: request.plan.seed, version: Version.number, build: try Version.build(),
      host: text(name.nodename), kernel: text(name.release), plants: request.plants.map(\.rawValue),
      process: ProcessIdentity(of: getpid()) ?? ProcessIdentity(pid: getpid(), startTicks: 0),
      mode: request.mode == .full ? nil : request.mode)
  }

  private func buildLab(_ undo: UndoStack) async throws -> Lab {
    let begun = timebase.monotonic()
    let specification = scenario.lab(
      id: request.runID,
      carrying: kafka.map { kafka in
        [
          KafkaTopicSpecification(
            kafka.log.topic, partitions: kafka.log.partitions,
            configuration: scenario.stack.topic?.retention.map(KafkaTopicSpecification.letsGo(after:)) ?? [:])
        ]
      })
    let faults = request.plan.faults.map(\.entry.fault)
    var surroundings = LabSurroundings(
      stateDirectory: request.stateDirectory, logsDirectory: request.directory.logs, program: request.program,
      journal: journal, timebase: timebase, clock: clock,
      controlPlanePlant: request.plants.contains(.neverDemote) ? .neverDemote : nil)
    surroundings.guardPlants.adminGuardsPass = request.plants.contains(.adminGuardPasses)
    surroundings.guardPlants.registryGuardsCompareText = request.plants.contains(.registryGuardComparesStrings)
    surroundings.guardPlants.registriesAreOpen = request.plants.contains(.registryOpen)
    surroundings.groups = Set(faults.compactMap(\.groupUse))
    let disks = try LabDisks(
      regions: Set(faults.compactMap(\.preparedRegion)), run: request.runID, stateDirectory: request.stateDirectory,
      program: request.program, ownPaths: [request.directory.path], timebase: timebase)
    surroundings.disks = disks
    self.disks.withLock { $0 = disks }
    // Pushed first, so taken last: when the lab is down nothing is open in them any more.
    undo.push(
      UndoStep("disks of lab \(specification.id)") {
        let left = try await onOwnThread("lab-disks") { disks.close() }
        guard left.isEmpty else {
          throw Problem(
            .recoveryIncomplete, at: "lab \(specification.id)", left.joined(separator: "; "), fix: "blackstart recover")
        }
      })
    let step = UndoStep("lab \(specification.id)") { [request] in
      await self.recordIfPossible(PhaseEntered(phase: .teardown))
      if request.keepsLab {
        try Lab.open(specification.id, stateDirectory: request.stateDirectory).keep()
      } else {
        // Also right after a lab that came up by half: that one has taken itself down.
        _ = try await Lab.recover(stateDirectory: request.stateDirectory, id: specification.id, force: true)
      }
    }
    let lab = try await undo.perform(step) { try await Lab.up(specification, surroundings) }
    try await journal.record(
      LabIsUp(lab: specification.id, regions: lab.regions.map(\.name), took: timebase.monotonic() - begun))
    return lab
  }

  /// What opens the workload's sessions.
  func connector(to site: Site) -> any StoreConnector {
    if let kafka { return KafkaConnector(regions: site.regions, state: kafka, timebase: timebase) }
    return LabConnector(regions: site.regions, timebase: timebase)
  }

  /// Journals the figures of each half second, and ends the run when an abort condition has been broken for too long.
  private func sample() async throws {
    var aborts = scenario.abort.map(AbortMonitor.init)
    var before = counters.byRegion
    var last = timebase.monotonic()
    var stood: [String: SteadyEvidence.State] = [:]
    while true {
      try await clock.sleep(for: .milliseconds(500))
      let now = timebase.monotonic()
      let totals = counters.byRegion
      var rates: [String: Sample.Rates] = [:]
      for (region, total) in totals {
        let earlier = before[region] ?? WorkloadCounters.Totals()
        rates[region] = Sample.Rates(
          acknowledged: total.acknowledged - earlier.acknowledged, failed: total.failed - earlier.failed,
          unknown: total.unknown - earlier.unknown)
      }
      let lags = Dictionary(
        uniqueKeysWithValues: lag.current(now: now).map {
          ($0.key.text, Sample.Lag(records: $0.value.records, age: $0.value.age))
        })
      let sample = Sample(rates: rates, lag: lags, interval: now - last)
      (before, last) = (totals, now)
      try await journal.record(sample)
      for seen in live.look(names: recorder.names) { try await journal.record(seen) }
      let leader = board.writer?.region
      let isSteady = steady.withLock { monitor in
        monitor.take(sample, leader: leader, at: now, other: look)
        return monitor.broken.isEmpty
      }
      view.take(sample, totals: totals.values.sum, isSteady: isSteady, at: now)
      try await noteSteadyState(at: now, &stood)
      for index in aborts.indices {
        if let why = aborts[index].take(sample, leader: leader, at: now, other: look) {
          throw Problem(.aborted, "abort condition: \(why)")
        }
      }
    }
  }

  /// Notes that the history is complete.
  func historyIsClosed() { historyClosed.store(true, ordering: .releasing) }

  /// Waits until `condition` holds, asking ten times a second; journals which way it went.
  ///
  /// - Returns: whether it came to hold within `limit`.
  @discardableResult
  func wait(
    for name: String, within limit: Duration, state: () -> String, _ condition: () async throws -> Bool
  ) async throws -> Bool {
    let begun = timebase.monotonic()
    while true {
      if try await condition() {
        try await journal.record(ConditionMet(condition: name, took: timebase.monotonic() - begun))
        return true
      }
      if timebase.monotonic() - begun > limit.nanoseconds {
        try await journal.record(ConditionMissed(condition: name, state: state()))
        return false
      }
      try await clock.sleep(for: .milliseconds(100))
    }
  }
}
