internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// The runbook beside the timeline, the failback after the recovery, and what the write-down of a failover asks for.
extension DrillRun {
  /// Whether nobody takes over by himself: somebody is promoted by the runbook.
  var isManual: Bool { scenario.isPromotedByRunbook }

  /// The numbers of the workers of these producers; with no name of all.
  func workers(of names: [String]) -> Set<UInt32> {
    var worker: UInt32 = 0
    var found: Set<UInt32> = []
    for producer in scenario.workload.producers {
      for _ in 0..<producer.workers {
        if names.isEmpty || names.contains(producer.name) { found.insert(worker) }
        worker += 1
      }
    }
    return found
  }

  /// The consumers that read the store of `region` now.
  func groups(reading region: String) -> [String] {
    scenario.workload.consumers.filter { (traffic.store(ofGroup: $0.name) ?? $0.store) == region }.map(\.name)
  }

  /// Before the first fault: who follows whom, where that is for the runbook to say.
  func prepareForRunbook(_ tool: StackOperator) async throws {
    if isManual {
      try await tool.holdAuthority(in: scenario.primary)
      try await journal.record(
        FactNoted(
          fact: "automatic failover", what: "off: only \(scenario.primary) may write until somebody is promoted",
          figures: [:]))
    }
    let steps = scenario.runbook?.steps ?? []
    guard steps.contains(where: { [.repointProducers, .shiftTraffic].contains($0.action.verb) }) else { return }
    traffic.changeProducers { $0.store = scenario.primary }
  }

  /// The lag of every mirror just before something is injected.
  func noteLag() async throws {
    let lags = lag.current(now: timebase.monotonic()).sorted { $0.key.text < $1.key.text }
    var figures: [String: Int64] = [:]
    for (direction, lag) in lags {
      figures["\(direction.text) events"] = Int64(lag.records)
      figures["\(direction.text) age"] = lag.age
    }
    let texts = lags.map { "\($0.key.text) \($0.value.records) events, \(Duration.nanoseconds($0.value.age).brief)" }
    try await journal.record(
      FactNoted(fact: "lag just before", what: texts.joined(separator: "; "), figures: figures))
  }

  /// Does the runbook, if there is one, from its own start.
  func performRunbook(_ tool: StackOperator, from origin: Int64) async throws {
    defer { view.concludeRunbook() }
    guard let runbook = scenario.runbook else { return }
    let limit = scenario.safety.maxDuration
    let start = runbook.start ?? firstFault
    guard let trigger = try await awaitStart(start, of: "runbook", from: origin, longest: limit) else { return }
    try await journal.record(FactNoted(fact: "trigger", what: trigger, figures: [:]))
    let end = try await RunbookRunner(run: self, name: "runbook", runbook: runbook, tool: tool).perform(
      trigger: trigger)
    if end == .completed { view.completeRunbook() }
  }

  private var firstFault: TimelineStart {
    // In a dry run nothing begins, but the runbook is rehearsed all the same.
    guard request.mode == .full, let first = request.plan.faults.first else { return .at(.zero) }
    return .after(.faultBegun(first.id), delay: .zero)
  }

  /// Does the failback, unless the way over was not completed: there is then nothing to come back from.
  func performFailback(_ tool: StackOperator) async throws {
    guard let failback = scenario.failback else { return }
    try await enter(.failback)
    if scenario.runbook != nil, !view.isRunbookComplete {
      try await journal.record(
        TriggerMissed(of: "failback", condition: "the runbook is complete", seen: "it was left early"))
      return
    }
    let origin = timebase.monotonic()
    let limit = scenario.safety.maxDuration
    let start = failback.start ?? .at(.zero)
    guard let trigger = try await awaitStart(start, of: "failback", from: origin, longest: limit) else { return }
    _ = try await RunbookRunner(run: self, name: "failback", runbook: failback, tool: tool).perform(trigger: trigger)
  }

  /// Waits for the steady state that must hold again after the recovery.
  func holdAfterwards() async throws {
    guard let after = scenario.steadyState.after, request.mode == .full else { return }
    let begun = timebase.monotonic()
    var broken: [String] = []
    while true {
      broken = after.expect.map(look).filter { $0.holds != true }.map(\.seen)
      let took = timebase.monotonic() - begun
      if broken.isEmpty || took > after.within.nanoseconds {
        try await journal.record(SteadyAfter(holds: broken.isEmpty, broken: broken, took: took))
        return
      }
      try await clock.sleep(for: .milliseconds(100))
    }
  }

  /// What each consumer missed, and what it took twice, as its store has it at the end.
  func noteConsumers(_ tool: StackOperator) async throws {
    guard scenario.runbook != nil || scenario.failback != nil else { return }
    var texts: [String] = []
    var figures: [String: Int64] = [:]
    for consumer in scenario.workload.consumers {
      let store = traffic.store(ofGroup: consumer.name) ?? consumer.store
      let work = try await tool.stack.work(of: consumer.name, in: store)
      texts.append("\(consumer.name)@\(store): \(work.applied) applied, \(work.missing) missing, \(work.twice) twice")
      figures["\(consumer.name) missing"] = work.missing
      figures["\(consumer.name) twice"] = work.twice
    }
    try await journal.record(
      FactNoted(fact: "consumers", what: texts.joined(separator: "; "), figures: figures))
  }

  /// Journals each breach of what must hold all through the drill, once it has lasted too long; until cancelled.
  func watchSteadyState() async throws {
    var since: [Int: Int64] = [:]
    var told: Set<Int> = []
    let tolerated = scenario.steadyState.continuously
    while true {
      try await clock.sleep(for: .milliseconds(250))
      let now = timebase.monotonic()
      for (index, expected) in tolerated.enumerated() {
        let look = look(at: expected.expectation)
        guard look.holds != true else {
          since[index] = nil
          told.remove(index)
          continue
        }
        let begun = since[index] ?? now
        since[index] = begun
        guard now - begun > expected.tolerance.nanoseconds, told.insert(index).inserted else { continue }
        try await journal.record(
          SteadyBroken(expectation: "\(expected.expectation)", lasted: now - begun, seen: look.seen))
      }
    }
  }
}

extension Scenario {
  /// Whether write authority may go over to another region, by itself or by a runbook, or somebody is to write without it.
  var movesWriteAuthority: Bool {
    // Who may write to standing clusters is not this tool's to move.
    guard stack.attach == nil else { return false }
    return expectsFailover || workload.oldLeader != nil
      || [runbook, failback].compactMap(\.self).flatMap(\.steps).contains { step in
        step.action.movesWriters || step.undo?.movesWriters ?? false
      }
  }

  /// Whether write authority goes over by a step of the runbook, and not by itself.
  var isPromotedByRunbook: Bool {
    runbook?.steps.contains { [.promote, .transferLeadership].contains($0.action.verb) } ?? false
  }
}

extension RunbookAction {
  /// Whether it gives or takes write authority, or sends those who write somewhere else. A program or a request may do that, too.
  fileprivate var movesWriters: Bool {
    switch verb {
    case .fenceRegion, .promote, .demote, .transferLeadership, .repointProducers, .shiftTraffic, .command, .http: true
    default: false
    }
  }
}
