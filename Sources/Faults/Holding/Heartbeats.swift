internal import Netlink
internal import Support

/// Keeping faults alive, watching them, and ending them.
extension HolderCore {
  /// Does what is due for every fault. Returns when it wants to be called next.
  func tick() -> Int64? {
    for held in allHeld where held.nextDue <= timebase.monotonic() { beat(held) }
    return allHeld.map(\.nextDue).min()
  }

  private func beat(_ fault: HeldFault) {
    var held = fault
    let start = timebase.monotonic()
    do {
      try read(&held)
      if start >= held.leaseEnd {
        try end(held, .leaseExpired)
      } else if let missing = held.missing {
        try end(held, .vanished(missing))
      } else if held.isOn, held.isTurnOver(at: start) {
        if let turn = held.endTurn() {
          emit(
            held.fault.id, at: start, .turn(fromNanoseconds: turn.lowerBound, untilNanoseconds: turn.upperBound))
        }
        keep(held)
      } else if held.isSilent(at: start) {
        try end(held, held.silentEnd)
      } else {
        try refresh(&held, at: start)
      }
      if self.held(held.fault.id) != nil { prolong(held) }
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
      try end(held, .lapsed)
      return
    } else {
      held.refreshed(at: start, lifeMilliseconds: life)
    }
    keep(held)
  }

  /// Reads the counters, and whether the fault is all there. Reports its first bite.
  func read(_ held: inout HeldFault) throws(NetlinkError) {
    let wasBiting = held.counters.packets > 0
    let at = timebase.monotonic()
    var readings: [HeldFault.Reading] = []
    for table in held.compiled.tables {
      let rules = try connection.rules(of: table.id)
      var elements: [String: Int] = [:]
      for set in HeldFault.countedSets(of: table) where !rules.isEmpty {
        elements[set.name] = try connection.elements(of: set.name, in: table.id).count
      }
      readings.append(HeldFault.Reading(rules: rules, elements: elements))
    }
    held.note(readings, at: at)
    if !wasBiting, held.counters.packets > 0 { emit(held.fault.id, at: at, .biting(held.counters)) }
  }

  /// Ends a fault: lines first, so that what they hold passes; then the tables, with which it ends; then the devices.
  ///
  /// - Returns: how it ended; `nil` if its devices are still to be removed.
  @discardableResult
  func end(_ held: HeldFault, _ reason: FaultOutcome.End) throws(NetlinkError) -> FaultOutcome? {
    let asked = timebase.monotonic()
    held.lines.close()
    // The kernel drops what any queue of the namespace holds when a chain goes; what others hold shall pass instead.
    for other in allHeld where other.fault.id != held.fault.id { other.lines.releaseHeld() }
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
    return noteEnd(
      held,
      FaultOutcome(
        end: reason, provenFromNanoseconds: held.armedAt, provenUntilNanoseconds: until,
        goneAtNanoseconds: timebase.monotonic(), counters: held.counters))
  }
}
