internal import Support
internal import Synchronization

/// One inner fault on its own thread: made, kept alive, watched, ended.
final class HeldInner: Sendable {
  private let order: InnerOrder
  private let undo: (any UndoKeeper)?
  private let report: @Sendable (FaultEvent) -> Void
  private let state = Mutex(State())

  private struct State: Sendable {
    var mechanism: (any Mechanism)?
    var ticket: UndoTicket?
    var armedAt: Int64 = 0
    /// When all of it was last seen in force.
    var seenAt: Int64 = 0
    var leaseEnd: Int64 = 0
    var nextDue: Int64?
    /// When whoever would take it back for us does so.
    var promisedUntil: Int64 = .max
    var isBiting = false
    var outcome: FaultOutcome?
  }

  private var fault: InnerFault { order.fault }
  private var timing: Fault.Timing { order.fault.timing }

  init(_ order: InnerOrder, undo: (any UndoKeeper)?, report: @escaping @Sendable (FaultEvent) -> Void) {
    self.order = order
    self.undo = undo
    self.report = report
  }

  /// Makes the fault: promised first, then made, then verified; or nothing.
  ///
  /// - Throws: ``FaultError`` with the state of things.
  func arm() throws(FaultError) -> InnerArmReceipt {
    do { return try make(try order.mechanism()) } catch let error as FaultError {
      throw error
    } catch {
      throw order.refusal(reason(error))
    }
  }

  private func make(_ mechanism: any Mechanism) throws -> InnerArmReceipt {
    let begun = order.timebase.monotonic()
    let leaseEnd = begun + timing.leaseMilliseconds * 1_000_000
    let ticket = try promise(mechanism, begun: begun, leaseEnd: leaseEnd)
    do {
      let sentAt = order.timebase.monotonic()
      let evidence = try mechanism.make()
      let armedAt = order.timebase.monotonic()
      state.withLock { state in
        state.mechanism = mechanism
        state.ticket = ticket
        state.armedAt = armedAt
        state.seenAt = armedAt
        state.leaseEnd = leaseEnd
        state.nextDue = nextDue(mechanism, after: armedAt, leaseEnd: leaseEnd)
        if let ticket {
          undo?.made(ticket)
          prolong(ticket, mechanism, &state, at: armedAt)
        }
      }
      emit(.armed, at: armedAt)
      noteBite()
      return InnerArmReceipt(
        fault: fault.id, sentAtNanoseconds: sentAt, armedAtNanoseconds: armedAt, mechanisms: [mechanism.choice],
        changes: mechanism.changes, evidence: evidence, counters: mechanism.counters)
    } catch {
      var failure = error as? FaultError ?? order.refusal(reason(error))
      do {
        _ = try mechanism.takeAway()
        if let ticket { undo?.settled(ticket) }
        failure.state = "what was done is taken back"
      } catch {
        failure.state = "left behind: \(error); the guardian and blackstart recover take it back"
      }
      throw failure
    }
  }

  private func promise(_ mechanism: any Mechanism, begun: Int64, leaseEnd: Int64) throws(FaultError) -> UndoTicket? {
    guard !mechanism.undo.isEmpty else { return nil }
    guard let undo else {
      throw order.refusal(
        .unsupported("it would outlive this process, and nobody was given who would take it back then"))
    }
    let until =
      mechanism.isPromisedForLease
      ? leaseEnd + Self.leaseGrace : begun + timing.silenceMilliseconds * 1_000_000 + mechanism.longestMaking
    do { return try undo.promise(UndoRecord(fault, actions: mechanism.undo), in: nil, until: until) } catch {
      throw order.refusal(.cannotPromise(error))
    }
  }

  /// How long after the lease's end the guardian waits for us to end the fault in good order, where all it could do would
  /// be to end us.
  private static let leaseGrace: Int64 = 500_000_000

  private func prolong(_ ticket: UndoTicket, _ mechanism: any Mechanism, _ state: inout State, at now: Int64) {
    if mechanism.isPromisedForLease { return }
    state.promisedUntil = min(state.leaseEnd, now + timing.silenceMilliseconds * 1_000_000)
    undo?.prolong(ticket, until: state.promisedUntil)
  }

  /// Does what is due. Returns when it wants to be called next.
  func tick() -> Int64? {
    let (mechanism, due, leaseEnd) = state.withLock {
      ($0.outcome == nil ? $0.mechanism : nil, $0.nextDue, $0.leaseEnd)
    }
    guard let mechanism, let due else { return nil }
    let now = order.timebase.monotonic()
    guard now >= due else { return due }
    do { try beat(mechanism, at: now, leaseEnd: leaseEnd) } catch {
      emit(.heartbeatFailed("\(error)"), at: order.timebase.monotonic())
      state.withLock { $0.nextDue = order.timebase.monotonic() + timing.heartbeatMilliseconds * 250_000 }
    }
    return state.withLock { $0.outcome == nil ? $0.nextDue : nil }
  }

  private func beat(_ mechanism: any Mechanism, at now: Int64, leaseEnd: Int64) throws {
    if now >= leaseEnd {
      _ = try end(mechanism, .leaseExpired)
      return
    }
    if let missing = try mechanism.look() {
      // Whoever was to act for us when we were silent has done so.
      let isLate = now > state.withLock(\.promisedUntil)
      _ = try end(mechanism, isLate ? .lapsed : .vanished(missing))
      return
    }
    try mechanism.prolong(until: min(leaseEnd, now + timing.silenceMilliseconds * 1_000_000))
    state.withLock { state in
      state.seenAt = now
      state.nextDue = nextDue(mechanism, after: now, leaseEnd: leaseEnd)
      if let ticket = state.ticket { prolong(ticket, mechanism, &state, at: now) }
    }
    noteBite()
  }

  private func nextDue(_ mechanism: any Mechanism, after now: Int64, leaseEnd: Int64) -> Int64 {
    let heartbeat = timing.heartbeatMilliseconds * 1_000_000
    return min(now + min(heartbeat, mechanism.lookEvery ?? heartbeat), leaseEnd)
  }

  /// What it did until now.
  ///
  /// - Throws: ``FaultError`` when it was never armed.
  func counters() throws(FaultError) -> FaultCounters {
    guard let mechanism = state.withLock(\.mechanism) else { throw order.refusal(.notHeld) }
    if let outcome = state.withLock(\.outcome) { return outcome.counters }
    // What it cannot see this time, it saw the last time; the next heartbeat says what is wrong.
    _ = try? mechanism.look()
    return FaultCounters(inner: mechanism.counters)
  }

  /// Ends it and verifies that it is gone. Asking again gives the same answer.
  func disarm() throws(FaultError) -> FaultOutcome {
    if let outcome = state.withLock(\.outcome) { return outcome }
    guard let mechanism = state.withLock(\.mechanism) else { throw order.refusal(.notHeld) }
    do {
      // Counted for the last time, and seen for the last time.
      let now = order.timebase.monotonic()
      if let missing = try mechanism.look() {
        // Whoever was to act for us when we were silent has done so.
        return try end(mechanism, now > state.withLock(\.promisedUntil) ? .lapsed : .vanished(missing))
      }
      state.withLock { $0.seenAt = now }
      noteBite()
      return try end(mechanism, .disarmed)
    } catch {
      throw FaultError(
        reason(error), fault: fault.id, node: fault.node, state: "it may still be in force; blackstart recover ends it")
    }
  }

  private func end(_ mechanism: any Mechanism, _ reason: FaultOutcome.End) throws -> FaultOutcome {
    let asked = order.timebase.monotonic()
    let evidence = try mechanism.takeAway()
    let goneAt = order.timebase.monotonic()
    let outcome = state.withLock { state -> FaultOutcome in
      if let ticket = state.ticket { undo?.settled(ticket) }
      // What was not seen is not claimed.
      let until = if case .disarmed = reason { asked } else { min(asked, state.leaseEnd, state.seenAt) }
      var outcome = FaultOutcome(
        end: reason, provenFromNanoseconds: state.armedAt, provenUntilNanoseconds: until, goneAtNanoseconds: goneAt,
        counters: FaultCounters(inner: mechanism.counters))
      if case .leaseExpired = reason { outcome.provenUntilNanoseconds = min(asked, state.leaseEnd) }
      outcome.evidence = evidence
      state.outcome = outcome
      state.nextDue = nil
      return outcome
    }
    emit(.ended(outcome), at: goneAt)
    return outcome
  }

  /// Called as the thread's last act.
  func close() {
    // What cannot be taken back stays promised: the guardian and `recover` go on from there.
    if let mechanism = state.withLock({ $0.outcome == nil ? $0.mechanism : nil }) { _ = try? end(mechanism, .disarmed) }
  }

  private func noteBite() {
    let counters = state.withLock { state -> InnerCounters? in
      guard !state.isBiting, let counters = state.mechanism?.counters, counters.hits > 0 else { return nil }
      state.isBiting = true
      return counters
    }
    if let counters { emit(.biting(FaultCounters(inner: counters)), at: order.timebase.monotonic()) }
  }

  private func emit(_ kind: FaultEvent.Kind, at: Int64) {
    report(FaultEvent(fault: fault.id, node: fault.node, atNanoseconds: at, kind: kind))
  }

  private func reason(_ error: any Error) -> FaultError.Reason {
    switch error {
    case let error as FaultError: error.reason
    case let error as UndoError: .cannotPromise(error)
    default: .system("\(error)")
    }
  }
}
