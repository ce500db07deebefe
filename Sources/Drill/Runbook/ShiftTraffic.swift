internal import Scenarios
internal import Support
internal import Workload

/// Traffic that goes over share by share.
extension StackOperator {
  /// Lets a rising share of all aggregates be written at the region; in a stack with one writer the rest is held back, for it
  /// would be refused everywhere. A red gate, or one without data, brings the traffic back to the share before.
  func shift(_ shift: TrafficShift, _ step: String) async throws -> String {
    var machine = ShiftMachine(shift.stages.map(\.fraction))
    var command = machine.start()
    while true {
      let answer: ShiftMachine.Answer
      switch command {
      case .apply(let share, let why):
        try await apply(share, to: share > 0 || why == nil ? shift.to : shift.from, step, why: why)
        answer = .done
      case .hold: answer = try await hold(shift)
      case .finish: return "all traffic goes to \(shift.to)"
      case .returned(let share, let why):
        throw StepFailure("at \(fixed(share * 100, 0)) % the gate was red: \(why); the traffic was brought back")
      }
      command = machine.handle(answer)
    }
  }

  private func apply(_ share: Double, to region: String, _ step: String, why: String?) async throws {
    try await run.journal.record(TrafficShifted(step: step, to: region, share: share, returnedBecause: why))
    run.traffic.changeProducers { orders in
      orders.store = region
      orders.share = share
      orders.isPaused = false
    }
  }

  private func hold(_ shift: TrafficShift) async throws -> ShiftMachine.Answer {
    let end = run.timebase.monotonic() + shift.hold.nanoseconds
    // The first figures are still those of the share before, and clients that have to connect first have none.
    let settled = run.timebase.monotonic() + min(2_000_000_000, shift.hold.nanoseconds / 2)
    while run.timebase.monotonic() < end {
      try await run.clock.sleep(for: .milliseconds(100))
      guard let gate = shift.gate, run.timebase.monotonic() > settled else { continue }
      let look = run.look(at: gate)
      if look.holds != true { return .red(look.seen) }
    }
    return .done
  }
}
