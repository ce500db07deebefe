internal import Netlink
internal import Support
internal import Synchronization

/// The faults of one node and the socket that owns them. It is made, used and closed on the holder's thread, whose
/// descriptors mean nothing elsewhere; the lock only satisfies the compiler.
final class HolderCore: Sendable {
  private let node: String
  private let timebase: Timebase
  private let report: @Sendable (FaultEvent) -> Void
  let connection: NFTables.Connection
  private let links: LinkController
  private let refresh: CompiledFault.RefreshMethod
  private let state = Mutex(State())

  private struct State: Sendable {
    var held: [String: HeldFault] = [:]
    var ended: [String: FaultOutcome] = [:]
    var isClosed = false
  }

  init(
    node: String, namespace: NetworkNamespace, timebase: Timebase, refresh: CompiledFault.RefreshMethod?,
    report: @escaping @Sendable (FaultEvent) -> Void
  ) throws(NetlinkError) {
    self.node = node
    self.timebase = timebase
    self.report = report
    connection = try NFTables.Connection(in: namespace, openedByThisThread: true)
    links = try LinkController(in: namespace, openedByThisThread: true)
    if let refresh {
      self.refresh = refresh
    } else {
      self.refresh = try .probe(connection)
    }
  }

  // MARK: Requests

  func arm(_ fault: Fault) throws(FaultError) -> ArmReceipt {
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    let (isHeld, isClosed) = state.withLock { ($0.held[fault.id] != nil, $0.isClosed) }
    if isClosed { throw fail(.closed) }
    if isHeld { throw fail(.alreadyHeld) }
    guard fault.node == node else { throw fail(.invalid("it is meant for node \"\(fault.node)\"")) }
    let compiled = try fault.compile()

    let sent = timebase.monotonic()
    let life = HeldFault.firstLifeMilliseconds(compiled)
    do { try connection.commit(compiled.arm(lifeMilliseconds: life)) } catch { throw fail(.kernel(error)) }
    let armed = timebase.monotonic()
    do {
      for table in compiled.tables {
        guard let found = try connection.table(table.id), found.owner == connection.port else {
          throw fail(.notAsAsked("table \(table.id) is not ours"))
        }
      }
    } catch {
      let removed = remove(compiled)
      let cause = error as? FaultError ?? (error as? NetlinkError).map { fail(.kernel($0)) } ?? fail(.closed)
      throw FaultError(cause.reason, fault: fault.id, node: node, state: removed)
    }
    state.withLock { state in
      state.ended[fault.id] = nil
      state.held[fault.id] = HeldFault(compiled, sentAt: sent, armedAt: armed, lifeMilliseconds: life)
    }
    emit(fault.id, at: armed, .armed)
    return ArmReceipt(
      fault: fault.id, table: compiled.tableNames, sentAtNanoseconds: sent, armedAtNanoseconds: armed, refresh: refresh)
  }

  func counters(of id: String) throws(FaultError) -> FaultCounters {
    guard var held = state.withLock({ $0.held[id] }) else {
      if let ended = state.withLock({ $0.ended[id] }) { return ended.counters }
      throw FaultError(.notHeld, fault: id, node: node)
    }
    do { try read(&held) } catch {
      throw FaultError(.kernel(error), fault: id, node: node, state: "the fault is still held")
    }
    keep(held)
    return held.counters
  }

  func disarm(_ id: String) throws(FaultError) -> FaultOutcome {
    guard var held = state.withLock({ $0.held[id] }) else {
      if let ended = state.withLock({ $0.ended[id] }) { return ended }
      throw FaultError(.notHeld, fault: id, node: node)
    }
    do {
      try read(&held)
      let isSilent = held.isSilent(at: timebase.monotonic())
      return try end(held, isSilent ? held.silentEnd : held.missing.map { .vanished($0) } ?? .disarmed)
    } catch {
      // Without heartbeats the kernel ends it by itself, whatever the reason of the refusal.
      state.withLock { $0.held[id] = nil }
      throw FaultError(
        .kernel(error), fault: id, node: node,
        state: "its heartbeats have stopped, so the kernel ends it within \(held.fault.timing.silenceMilliseconds) ms; "
          + "the end of this process removes it at once")
    }
  }

  func snapshot() throws(NetlinkError) -> NodeSnapshot {
    try NodeSnapshot(reading: connection, links)
  }

  func close() {
    let held = state.withLock { state -> [HeldFault] in
      if state.isClosed { return [] }
      state.isClosed = true
      return state.held.values.sorted { $0.fault.id < $1.fault.id }
    }
    for fault in held { _ = try? disarm(fault.fault.id) }
    // Whatever a refused deletion left behind goes with the socket.
    connection.close()
    links.close()
  }

  // MARK: Heartbeats

  /// Does what is due for every fault. Returns when it wants to be called next.
  func tick() -> Int64? {
    let due = state.withLock { state in
      state.held.values.filter { $0.nextDue <= timebase.monotonic() }.sorted { $0.fault.id < $1.fault.id }
    }
    for held in due { beat(held) }
    return state.withLock { $0.held.values.map(\.nextDue).min() }
  }

  private func beat(_ fault: HeldFault) {
    var held = fault
    let start = timebase.monotonic()
    do {
      try read(&held)
      if start >= held.leaseEnd {
        _ = try end(held, .leaseExpired)
      } else if let missing = held.missing {
        _ = try end(held, .vanished(missing))
      } else if held.isOn, held.isTurnOver(at: start) {
        if let turn = held.endTurn() {
          emit(
            held.fault.id, at: start, .turn(fromNanoseconds: turn.lowerBound, untilNanoseconds: turn.upperBound))
        }
        keep(held)
      } else if held.isSilent(at: start) {
        _ = try end(held, held.silentEnd)
      } else {
        try refresh(&held, at: start)
      }
    } catch {
      emit(held.fault.id, at: timebase.monotonic(), .heartbeatFailed("\(error)"))
      held.retry(at: timebase.monotonic())
      keep(held)
    }
  }

  /// Prolongs what is in force, or begins the next turn of what is not.
  private func refresh(_ held: inout HeldFault, at start: Int64) throws(NetlinkError) {
    guard held.needsRefresh(at: start) else {
      keep(held)
      return
    }
    let isOn = held.isOn
    let life = isOn ? held.lifeMilliseconds(at: start) : held.nextTurnMilliseconds(at: start)
    try connection.commit(held.compiled.refresh(lifeMilliseconds: life, refresh, isInForce: isOn))
    if !isOn {
      held.begin(turnAt: start, appliedAt: timebase.monotonic(), lifeMilliseconds: life)
    } else if timebase.monotonic() >= held.inForceUntil {
      // An element may have timed out while the batch was on its way; it is then a new one, after a gap.
      _ = try end(held, .lapsed)
      return
    } else {
      held.refreshed(at: start, lifeMilliseconds: life)
    }
    keep(held)
  }

  /// Reads the counters, and whether the fault is all there. Reports its first bite.
  private func read(_ held: inout HeldFault) throws(NetlinkError) {
    let wasBiting = held.counters.packets > 0
    let at = timebase.monotonic()
    var readings: [HeldFault.Reading] = []
    for table in held.compiled.tables {
      let rules = try connection.rules(of: table.id)
      var elements: [String: Int] = [:]
      for set in HeldFault.countedSets(of: table) where !rules.isEmpty && set.life == .table {
        elements[set.name] = try connection.elements(of: set.name, in: table.id).count
      }
      readings.append(HeldFault.Reading(rules: rules, elements: elements))
    }
    held.note(readings, at: at)
    if !wasBiting, held.counters.packets > 0 { emit(held.fault.id, at: at, .biting(held.counters)) }
  }

  // MARK: Ends

  private func end(_ held: HeldFault, _ reason: FaultOutcome.End) throws(NetlinkError) -> FaultOutcome {
    let asked = timebase.monotonic()
    // One by one: a table that somebody removed must not keep the others.
    for table in held.compiled.tables {
      do { try connection.commit(.init([.deleteTable(table.id)])) } catch {
        guard error.errno == 2 else { throw error }  // ENOENT: it is gone already
      }
      if try connection.table(table.id) != nil {
        throw NetlinkError(
          .incomplete("the table is still there after its deletion"), call: "NFT_MSG_DELTABLE",
          object: .table(table.id.name))
      }
    }
    // What was not seen is not claimed: the end of force is the deletion, or the first moment at which the kernel may
    // have let it go, or the last moment at which it was seen whole.
    var until = min(asked, held.inForceUntil)
    if case .vanished = reason { until = min(until, held.seenWholeAt) }
    let outcome = FaultOutcome(
      end: reason, provenFromNanoseconds: held.armedAt, provenUntilNanoseconds: until,
      goneAtNanoseconds: timebase.monotonic(), counters: held.counters)
    state.withLock { state in
      state.held[held.fault.id] = nil
      state.ended[held.fault.id] = outcome
    }
    emit(held.fault.id, at: outcome.goneAtNanoseconds, .ended(outcome))
    return outcome
  }

  /// Takes back a fault whose arming was not what was asked for. Returns the state of things in words.
  private func remove(_ compiled: CompiledFault) -> String {
    do {
      try connection.commit(compiled.disarm)
      return "it was removed again"
    } catch {
      return "removing it failed (\(error)); the kernel ends it within \(compiled.fault.timing.silenceMilliseconds) ms"
    }
  }

  private func keep(_ held: HeldFault) {
    state.withLock { state in
      if state.held[held.fault.id] != nil { state.held[held.fault.id] = held }
    }
  }

  private func emit(_ fault: String, at: Int64, _ kind: FaultEvent.Kind) {
    report(FaultEvent(fault: fault, node: node, atNanoseconds: at, kind: kind))
  }
}
