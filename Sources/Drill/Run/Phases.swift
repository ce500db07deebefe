internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// The phases from baseline to quiescence, with the workload beside them.
extension DrillRun {
  func phases(_ site: Site, _ faults: FaultDirector, _ equipment: Equipment, _ undo: UndoStack) async throws {
    let prober = scenario.stack.guards.map { _ in GuardProber(run: self, site: site) }
    let watch = try await withKafkaWatch(site) {
      try await withClockSampler(equipment.nodes) { try await work(site, faults, equipment, prober, undo) }
    }
    if scenario.stack.kind.isDriven { try await dumpGroundTruth(site) }
    if let outbox { try await dumpOutboxTruth(site, outbox) }
    if let watch { try await dump(watch) }
    if let prober { try await dumpGuardTruth(site, prober) }
    try await closeHistory()
  }

  /// From the baseline until the workload has come to its end.
  private func work(
    _ site: Site, _ faults: FaultDirector, _ equipment: Equipment, _ prober: GuardProber?,
    _ undo: UndoStack
  ) async throws {
    try await enter(.baseline)
    try await withThrowingTaskGroup(of: Void.self) { group in
      // In a system that nobody drives nobody of ours writes or reads.
      let crew = scenario.stack.kind.isDriven ? Crew(run: self, site: site) : nil
      crew?.startProducers(in: &group)
      crew?.startReaders(in: &group)
      if let crew { startOutboxReader(site, stop: crew.readersStop, in: &group) }
      prober?.start(in: &group)
      try await holdSteadyState()
      if let prober {
        // What guards do before the faults is evidence too, and a slow machine needs a while for it.
        try await wait(
          for: "every guard tried once", within: .seconds(20),
          state: { "not yet: \(prober.untried.joined(separator: ", "))" }, { prober.untried.isEmpty })
      }
      let reign = board.writer
      if let crew {
        guard let reign else {
          throw Problem(.steadyState, "nobody holds write authority; nothing was injected")
        }
        crew.startOldLeaders(in: &group, token: reign.token)
      }
      let waiting = [
        try await plantMirrorRepeat(site), try await plantRawCopy(site), try await plantTopicMadeAnew(site),
        try await plantInOutbox(site),
      ].compactMap(\.self)
      try await plantMirrorStall(site)
      let tool = StackOperator(run: self, site: site)
      try await prepareForRunbook(tool)

      try await withSideTasks(site) {
        try await enter(.fault)
        if crew != nil { try await noteLag() }
        try await disturb(faults, equipment, tool, undo)

        try await enter(.recovery)
        for planted in waiting { try await fire(planted) }
        if let reign { try await recover(from: reign.token, faults: faults) } else { try await recoverSteadyState() }
        try await performFailback(tool)
        try await holdAfterwards()
      }

      try await enter(.quiescence)
      crew?.writersStop.request()
      prober?.stop.request()
      if let crew {
        try await settle()
        try await settleOutbox(site)
        try await noteConsumers(tool)
        crew.readersStop.request()
      }
      try await group.waitForAll()
    }
  }

  /// The timeline, and the runbook beside it: the phase lasts until both are over.
  private func disturb(
    _ faults: FaultDirector, _ equipment: Equipment, _ tool: StackOperator, _ undo: UndoStack
  ) async throws {
    let origin = timebase.monotonic()
    let waited = request.plan.faults.filter { if case .healed = $0.entry.stop { false } else { true } }
    view.expect(entries: waited.map(\.id), runbook: scenario.runbook != nil)
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask(name: "timeline") { try await faults.runTimeline(undo, with: equipment, from: origin) }
      group.addTask(name: "runbook") { try await self.performRunbook(tool, from: origin) }
      // One by one: what ends one of them must not wait for the other, which may wait for just that.
      while try await group.next() != nil {}
    }
  }

  /// Runs `body` with what goes on beside it: messages, which are sent to the end, and the watch over the steady state.
  private func withSideTasks(_ site: Site, _ body: () async throws -> Void) async throws {
    let isEnding = StopSignal()
    try await withThrowingTaskGroup(of: Bool.self) { group in
      group.addTask(name: "communications") {
        try await CommunicationRunner(run: self, site: site).perform { isEnding.isRequested }
        return true
      }
      group.addTask(name: "steady state") {
        try await self.watchSteadyState()
        return false
      }
      defer { group.cancelAll() }
      try await body()
      isEnding.request()
      while let isDone = try await group.next() {
        if isDone { return }
      }
    }
  }

  /// Waits until the steady state has held; ends the run with exit code 3 if it does not come to hold in time.
  private func holdSteadyState() async throws {
    let hold = scenario.steadyState.hold
    let held = try await wait(
      for: "steady state for \(hold.text)", within: hold * 2 + .seconds(15),
      state: { steady.withLock(\.broken).joined(separator: "; ") },
      { steady.withLock { $0.hasHeld(hold, now: timebase.monotonic()) } })
    if !held {
      throw Problem(
        .steadyState,
        "the steady state did not hold before the drill (\(steady.withLock(\.broken).joined(separator: "; "))); nothing was injected",
        fix: "mend the system or the hypothesis, then run again")
    }
  }

  /// Waits for what the checklist needs to see after the heal, at most as long as the scenario says. What does not come is
  /// not an error here: the items judge it.
  private func recover(from oldToken: Int64, faults: FaultDirector) async throws {
    let limit = scenario.recovery.within
    let begun = timebase.monotonic()
    let before = counters.stale
    func left() -> Duration { max(.seconds(1), limit - .nanoseconds(timebase.monotonic() - begun)) }

    if scenario.expectsFailover && request.mode == .full {
      try await wait(
        for: "a writer with a new token", within: left(), state: { "token \(board.writer?.token ?? 0)" },
        { (board.writer?.token ?? 0) > oldToken })
      try await wait(
        for: "all producers back", within: left(),
        state: { "producers without an acknowledged write: \(counters.producersBehind(token: oldToken + 1))" },
        { counters.producersBehind(token: oldToken + 1).isEmpty })
    }
    try await wait(
      for: "mirrors caught up", within: left(), state: { "records behind: \(behind)" },
      { isCaughtUp(within: scenario.stack.mirrorFreshness) })
    if scenario.workload.oldLeader != nil {
      // Enough attempts after the heal that a store with a broken fence had its chance to take one.
      try await wait(
        for: "the old leader tried every store after the heal", within: left(),
        state: { "attempts: \(counters.stale)" },
        {
          scenario.topology.names(with: .store).allSatisfy { store in
            let now = counters.stale[store] ?? WorkloadCounters.StaleTotals()
            let then = before[store] ?? WorkloadCounters.StaleTotals()
            return now.accepted + now.refused >= then.accepted + then.refused + 10
          }
        })
    }
    // The reign must be seen to last: a system that comes back and falls over again has not recovered.
    try await clock.sleep(for: .seconds(3))
  }

  /// Waits until what held before the faults holds again, at most as long as the scenario says. The items judge what does not.
  private func recoverSteadyState() async throws {
    let hold = scenario.steadyState.hold
    let begun = timebase.monotonic()
    try await wait(
      for: "steady state again for \(hold.text)", within: scenario.recovery.within,
      state: { steady.withLock(\.broken).joined(separator: "; ") },
      {
        let now = timebase.monotonic()
        return now - begun >= hold.nanoseconds && steady.withLock { $0.hasHeld(hold, now: now) }
      })
  }

  /// Waits until every event has reached every store and every group has read its log to the end.
  private func settle() async throws {
    try await wait(
      for: "mirrors empty", within: .seconds(30), state: { "records behind: \(behind)" },
      { lag.current(now: timebase.monotonic()).values.allSatisfy { $0.records == 0 } })
    // The tails look ten times a second; two looks later they have seen all that the writers left.
    try await clock.sleep(for: .milliseconds(300))
    let settled = timebase.monotonic()
    let groups = scenario.workload.consumers.map { "\($0.name)@\(traffic.store(ofGroup: $0.name) ?? $0.store)" }
    try await wait(
      for: "consumers at the end of their logs", within: .seconds(15),
      state: { "not there: \(groups.filter { !isIdle($0, since: settled) }.joined(separator: ", "))" },
      { groups.allSatisfy { isIdle($0, since: settled) } })
  }

  private func isIdle(_ group: String, since time: Int64) -> Bool { (counters.groups[group]?.idleSince ?? 0) > time }

  private func isCaughtUp(within freshness: Duration) -> Bool {
    lag.current(now: timebase.monotonic()).values.allSatisfy { $0.age <= freshness.nanoseconds }
  }

  private var behind: String {
    lag.current(now: timebase.monotonic()).map { "\($0.key.text) \($0.value.records)" }.sorted().joined(separator: ", ")
  }

  private func closeHistory() async throws {
    try await recorder.close()
    historyIsClosed()
    try await journal.record(
      HistoryClosed(operations: recorder.state.recorded, dropped: recorder.state.dropped))
  }
}
