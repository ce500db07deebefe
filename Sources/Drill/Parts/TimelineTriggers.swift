internal import Scenarios
internal import Support

/// When parts of a timeline begin and end, as the run goes.
extension DrillRun {
  /// Waits until a part of the timeline, or a runbook, is to begin.
  ///
  /// - Parameters:
  ///   - origin: the end of the baseline (ns), from which times count.
  ///   - limit: the longest wait for something that never need happen.
  /// - Returns: what made it begin, in words; `nil` when that did not come in time, which is journalled.
  func awaitStart(
    _ start: TimelineStart, of name: String, from origin: Int64, longest limit: Duration
  ) async throws -> String? {
    switch start {
    case .at(let time):
      try await sleep(until: origin + time.nanoseconds)
      return "\(start)"
    case .after(let anchor, let delay):
      let deadline = origin + limit.nanoseconds
      while true {
        if let time = time(of: anchor) {
          try await sleep(until: time + delay.nanoseconds)
          return "\(start)"
        }
        if timebase.monotonic() > deadline || isImpossible(anchor) {
          try await missed(name, "\(anchor)", "it did not happen")
          return nil
        }
        try await clock.sleep(for: .milliseconds(20))
      }
    case .when(let condition, let within):
      let left = origin + within.nanoseconds - timebase.monotonic()
      switch try await judge(condition, within: .nanoseconds(max(0, left))) {
      case .met, .open: return "\(condition): \(look(at: condition.subject).seen)"
      case .missed(let seen), .noData(let seen):
        try await missed(name, "\(condition)", seen)
        return nil
      }
    }
  }

  /// Waits until a disturbance is to end that came into force at `armed` (ns).
  func awaitStop(_ stop: TimelineStop, of name: String, armed: Int64) async throws {
    let end = armed + stop.longest.nanoseconds
    switch stop {
    case .after: try await sleep(until: end)
    case .until(let condition, _):
      switch try await judge(condition, within: .nanoseconds(max(0, end - timebase.monotonic()))) {
      case .met, .open:
        try await journal.record(ConditionMet(condition: "\(condition)", took: timebase.monotonic() - armed))
      case .missed(let seen), .noData(let seen):
        try await journal.record(ConditionMissed(condition: "the end of \(name): \(condition)", state: seen))
        try await sleep(until: end)
      }
    case .healed:
      while timebase.monotonic() < end, !view.isHealDue { try await clock.sleep(for: .milliseconds(50)) }
    }
  }

  private func sleep(until time: Int64) async throws {
    try await clock.sleep(for: .nanoseconds(max(0, time - timebase.monotonic())))
  }

  private func missed(_ name: String, _ what: String, _ seen: String) async throws {
    try await journal.record(TriggerMissed(of: name, condition: what, seen: seen))
  }

  private func time(of anchor: TimelineStart.Anchor) -> Int64? {
    switch anchor {
    case .faultBegun(let id): view.time(fault: id, .begun)
    case .faultEnded(let id): view.time(fault: id, .ended)
    case .step(let id): view.time(step: id, .done)
    }
  }

  /// Whether an anchor can no longer happen: its step failed for good.
  private func isImpossible(_ anchor: TimelineStart.Anchor) -> Bool {
    guard case .step(let id) = anchor else { return false }
    return view.hasReached(step: id, .failed) && view.isRunbookConcluded
  }
}
