internal import Scenarios
internal import Support
internal import Workload

/// Conditions, asked of a running drill.
extension DrillRun {
  /// How often a condition is looked at while it is waited for.
  private static let lookInterval: Duration = .milliseconds(100)

  /// Looks at a condition's subject now.
  func look(at subject: Condition.Subject) -> Look {
    switch subject {
    case .expectation(let expectation): look(at: expectation)
    case .fault(let id, let wanted):
      Look(holds: view.hasReached(fault: id, wanted), value: "", seen: "fault \(id)")
    case .step(let id, let wanted):
      Look(holds: view.hasReached(step: id, wanted), value: "", seen: "step \(id)")
    }
  }

  /// Looks at a figure or a probe now.
  func look(at expectation: Expectation) -> Look {
    let now = timebase.monotonic()
    func within<T: Comparable>(_ limits: Limits<T>, _ figure: T?, _ name: String, _ text: (T) -> String) -> Look {
      guard let figure else { return .none(name) }
      return Look(holds: limits.contains(figure), value: text(figure), seen: "\(name) is \(text(figure))")
    }
    switch expectation {
    case .writeErrorRate(let limits):
      guard let rates = view.sample(at: now)?.total else { return .none("no recent figures") }
      guard rates.all > 0 else { return .none("no write was attempted") }
      let share = Double(rates.failed + rates.unknown) / Double(rates.all)
      let holds = (limits.min.map { share >= $0.fraction } ?? true) && (limits.max.map { share <= $0.fraction } ?? true)
      return Look(holds: holds, value: "", seen: "write-error-rate is \(fixed(share * 100, 1))%")
    case .writeRate(let limits):
      guard let sample = view.sample(at: now) else { return .none("no recent figures") }
      let rate = Double(sample.total.acknowledged) * 1e9 / Double(max(1, sample.interval))
      let holds =
        (limits.min.map { rate >= $0.perSecond } ?? true) && (limits.max.map { rate <= $0.perSecond } ?? true)
      return Look(holds: holds, value: "", seen: "write-rate is \(fixed(rate, 1))/s")
    case .mirrorLag(let limits):
      let worst = lag.current(now: now).values.map(\.age).max()
      var look = within(limits, worst.map(Duration.nanoseconds), "mirror-lag") { $0.brief }
      look.value = ""
      return look
    case .mirrorBacklog(let limits):
      return within(limits, lag.current(now: now).values.map { Int64($0.records) }.max(), "mirror-backlog") { "\($0)" }
    case .leader(let named):
      guard let leader = board.writer?.region else { return .none("nobody holds write authority") }
      let holds =
        switch named {
        case .is(let region): leader == region
        case .isNot(let region): leader != region
        }
      return Look(holds: holds, value: leader, seen: "leader is \(leader)")
    case .token(let limits): return within(limits, board.writer?.token, "token") { "\($0)" }
    case .events(let limits):
      let count = counters.byRegion.values.reduce(0) { $0 + $1.acknowledged }
      return within(limits, Int64(clamping: count), "events") { "\($0)" }
    case .probe(let name):
      switch view.answer(of: name, at: now) {
      case .passed(let what): return Look(holds: true, value: what, seen: "probe \(name): \(what)")
      case .failed(let what): return Look(holds: false, value: what, seen: "probe \(name): \(what)")
      case .noData(let why): return .none("probe \(name): \(why)")
      case nil: return .none("probe \(name) has no answer that is recent enough")
      }
    }
  }

  /// Waits until it is told whether `condition` holds, for `limit` at most.
  ///
  /// - Throws: `CancellationError`.
  func judge(_ condition: Condition, within limit: Duration) async throws -> ConditionWatch.Outcome {
    var watch = ConditionWatch(condition.quantifier, since: timebase.monotonic(), limit: limit)
    while true {
      let outcome = watch.take(look(at: condition.subject), at: timebase.monotonic())
      if outcome != .open { return outcome }
      try await clock.sleep(for: Self.lookInterval)
    }
  }
}
