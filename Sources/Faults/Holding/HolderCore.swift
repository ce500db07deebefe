internal import Netlink
internal import Support
internal import Synchronization

/// The faults of one node and the socket that owns them. It is made, used and closed on the holder's thread, whose
/// descriptors mean nothing elsewhere; the lock only satisfies the compiler.
final class HolderCore: Sendable {
  let node: String
  let timebase: Timebase
  let connection: NFTables.Connection
  let refresh: CompiledFault.RefreshMethod
  private let diagnosis: SocketDiagnosis
  private let undo: (any UndoKeeper)?
  private let report: @Sendable (FaultEvent) -> Void
  /// Has the devices of a fault whose tables are gone looked at and removed, elsewhere, and calls `finish` then.
  private let removeScaffolds: @Sendable (_ fault: String, MadeScaffolds) -> Void
  private let state = Mutex(State())

  private struct State: Sendable {
    var held: [String: HeldFault] = [:]
    /// Faults that are over, but whose devices are still to be removed.
    var ending: [String: (held: HeldFault, outcome: FaultOutcome)] = [:]
    var ended: [String: FaultOutcome] = [:]
    var isClosed = false
  }

  init(
    node: String, namespace: NetworkNamespace, timebase: Timebase, refresh: CompiledFault.RefreshMethod?,
    undo: (any UndoKeeper)?, removeScaffolds: @escaping @Sendable (_ fault: String, MadeScaffolds) -> Void,
    report: @escaping @Sendable (FaultEvent) -> Void
  ) throws(NetlinkError) {
    self.node = node
    self.timebase = timebase
    self.undo = undo
    self.removeScaffolds = removeScaffolds
    self.report = report
    connection = try NFTables.Connection(in: namespace, openedByThisThread: true)
    diagnosis = try SocketDiagnosis(in: namespace, openedByThisThread: true)
    if let refresh {
      self.refresh = refresh
    } else {
      self.refresh = try .probe(connection)
    }
  }

  // MARK: Requests

  /// Makes a fault of which everything was prepared that takes long.
  ///
  /// - Throws: ``FaultError``; its devices are still there then, and everything else is not.
  func arm(_ order: ArmOrder) throws(FaultError) -> ArmReceipt {
    let (fault, compiled) = (order.compiled.fault, order.compiled)
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    try check(fault)
    let lines: OpenLines
    do { lines = try OpenLines(compiled, timebase: timebase) } catch {
      throw fail((error as? NetlinkError).map { .kernel($0) } ?? .system("\(error)"))
    }
    let bindings = CompiledFault.Bindings(
      devices: order.scaffolds.devices, queues: lines.queues, names: order.names.addresses)
    let life = HeldFault.firstLifeMilliseconds(compiled)
    let sent = timebase.monotonic()
    do { try connection.commit(compiled.arm(lifeMilliseconds: life, bindings)) } catch {
      lines.close()
      throw fail(.kernel(error))
    }
    let armed = timebase.monotonic()
    var destroyed = 0
    do throws(FaultError) {
      try verify(compiled)
      if fault.killsConnections { try killConnections(of: order, &destroyed) }
    } catch {
      lines.close()
      let state = remove(compiled) + (destroyed == 0 ? "" : "; \(destroyed) connections were destroyed before")
      throw FaultError(error.reason, fault: fault.id, node: node, state: state)
    }
    state.withLock { state in
      state.ended[fault.id] = nil
      state.held[fault.id] = HeldFault(
        compiled, order.scaffolds, lines, order.names, sentAt: sent, armedAt: armed, lifeMilliseconds: life,
        connectionsDestroyed: fault.killsConnections ? destroyed : nil)
    }
    // From now on its time is the kernel's, and no longer that of its making.
    if let held = held(fault.id) { prolong(held) }
    emit(fault.id, at: armed, .armed)
    return ArmReceipt(
      fault: fault.id, table: compiled.tableNames, sentAtNanoseconds: sent, armedAtNanoseconds: armed,
      refresh: refresh, mechanisms: compiled.mechanisms, connectionsDestroyed: destroyed)
  }

  /// Whether a fault can be held here besides those that are.
  func check(_ fault: Fault) throws(FaultError) {
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    let (isHeld, isClosed) = state.withLock { state in
      (state.held[fault.id] != nil || state.ending[fault.id] != nil, state.isClosed)
    }
    if isClosed { throw fail(.closed) }
    if isHeld { throw fail(.alreadyHeld) }
    guard fault.node == node else { throw fail(.invalid("it is meant for node \"\(fault.node)\"")) }
  }

  func counters(of id: String) throws(FaultError) -> FaultCounters {
    guard var held = held(id) else {
      if let ended = state.withLock({ $0.ended[id] }) { return ended.counters }
      throw FaultError(.notHeld, fault: id, node: node)
    }
    do { try read(&held) } catch {
      throw FaultError(.kernel(error), fault: id, node: node, state: "the fault is still held")
    }
    keep(held)
    return held.counters
  }

  /// Ends a fault. Asking again gives the same answer.
  ///
  /// - Returns: how it ended; `nil` while its devices are still to be removed: its effect is over then.
  func disarm(_ id: String) throws(FaultError) -> FaultOutcome? {
    guard var held = held(id) else {
      let (isEnding, ended) = state.withLock { ($0.ending[id] != nil, $0.ended[id]) }
      if isEnding || ended != nil { return ended }
      throw FaultError(.notHeld, fault: id, node: node)
    }
    do {
      try read(&held)
      let isSilent = held.isSilent(at: timebase.monotonic())
      return try end(held, isSilent ? held.silentEnd : held.missing.map { .vanished($0) } ?? .disarmed)
    } catch {
      // Without heartbeats the kernel ends it by itself, whatever the reason of the refusal. Its devices stay promised.
      state.withLock { $0.held[id] = nil }
      throw FaultError(
        .kernel(error), fault: id, node: node,
        state: "its heartbeats have stopped, so the kernel ends it within \(held.fault.timing.silenceMilliseconds) ms; "
          + "the end of this process removes it at once")
    }
  }

  /// Brings a fault's sets up to date with what a name stands for now. Does nothing for one that is not held any more.
  func take(_ answer: Result<ResolvedName, ResolverError>, about name: String, for id: String) {
    guard var held = held(id) else { return }
    let now = timebase.monotonic()
    var answer = answer
    // That there is no such host is an answer too: it has no addresses.
    if case .failure(.unknown) = answer { answer = .success(ResolvedName(name, [], timesToLive: [])) }
    switch answer {
    case .success(let resolved):
      let (change, added, removed) = held.names.take(resolved)
      guard !change.isEmpty else { break }
      do {
        try connection.commit(held.compiled.update(adding: added, removing: removed))
        emit(id, at: now, .nameChanged(change))
      } catch {
        // What was in the sets stays in them, and the next answer is compared with that.
        emit(id, at: now, .nameNotFollowed(name, "\(error)"))
        return
      }
    case .failure(let error):
      if held.names.noteUnanswered(name) { emit(id, at: now, .nameNotFollowed(name, "\(error)")) }
    }
    keep(held)
  }

  /// Takes over what was seen of a fault's devices.
  func take(_ sight: Scout.Sight, of id: String) {
    if case .removed(let missing, let left) = sight { finish(id, missing: missing, left: left) }
    guard var held = held(id) else { return }
    switch sight {
    case .removed: break
    case .whole(let at):
      held.scaffoldsSeenAt = at
      keep(held)
    case .missing(let what):
      do {
        try end(held, .vanished(what))
      } catch {
        emit(id, at: timebase.monotonic(), .heartbeatFailed("\(error)"))
      }
    }
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
    diagnosis.close()
  }

  // MARK: Arming

  private func verify(_ compiled: CompiledFault) throws(FaultError) {
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: compiled.fault.id, node: node) }
    for table in compiled.tables {
      let found: NFTables.Table?
      do { found = try connection.table(table.id) } catch { throw fail(.kernel(error)) }
      guard found?.owner == connection.port else { throw fail(.notAsAsked("table \(table.id) is not ours")) }
    }
  }

  /// Destroys the connections with the targets, once. `destroyed` tells how many, also when it throws.
  private func killConnections(of order: ArmOrder, _ destroyed: inout Int) throws(FaultError) {
    let fault = order.compiled.fault
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    let meant = TargetedSockets(
      fault.targets, resolved: Array(order.names.addresses), controlGroups: order.controlGroups)
    let kill: SocketDiagnosis.Kill
    do throws(NetlinkError) {
      kill = try diagnosis.kill(meant.transports) { meant.means($0) }
    } catch {
      throw fail(.kernel(error))
    }
    destroyed = kill.destroyed
    if let refusal = kill.refused.first {
      let count = "\(kill.refused.count) of \(kill.found) connections"
      throw fail(.notAsAsked("\(count) could not be destroyed, the first with errno \(refusal.errno)"))
    }
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

  // MARK: State

  func held(_ id: String) -> HeldFault? { state.withLock { $0.held[id] } }

  var allHeld: [HeldFault] { state.withLock { $0.held.values.sorted { $0.fault.id < $1.fault.id } } }

  func keep(_ held: HeldFault) {
    state.withLock { state in
      if state.held[held.fault.id] != nil { state.held[held.fault.id] = held }
    }
  }

  /// The effect of a fault is over. Returns how it ended, unless there are devices to remove first.
  func noteEnd(_ held: HeldFault, _ outcome: FaultOutcome) -> FaultOutcome? {
    let id = held.fault.id
    state.withLock { state in
      state.held[id] = nil
      state.ending[id] = (held, outcome)
    }
    if held.scaffolds.isEmpty { return finish(id, missing: nil, left: []) }
    removeScaffolds(id, held.scaffolds)
    return nil
  }

  /// The devices of a fault are gone too.
  ///
  /// - Parameters:
  ///   - missing: what was not there any more when they were to be removed.
  ///   - left: what could not be removed.
  @discardableResult func finish(_ id: String, missing: String?, left: [String]) -> FaultOutcome? {
    guard let ending = state.withLock({ $0.ending.removeValue(forKey: id) }) else { return nil }
    let held = ending.held
    var outcome = ending.outcome
    outcome.left = left
    if let missing { outcome.end = .vanished(missing) }
    // Somebody had removed a device: force is not claimed for longer than all of them were seen.
    if case .vanished = outcome.end, !held.scaffolds.isEmpty {
      outcome.provenUntilNanoseconds = min(outcome.provenUntilNanoseconds, held.scaffoldsSeenAt)
    }
    if let turn = held.currentTurn(until: outcome.provenUntilNanoseconds) {
      emit(
        id, at: timebase.monotonic(),
        .turn(fromNanoseconds: turn.lowerBound, untilNanoseconds: turn.upperBound))
    }
    state.withLock { $0.ended[id] = outcome }
    emit(id, at: timebase.monotonic(), .ended(outcome))
    return outcome
  }

  /// Tells whoever answers for the devices how long the kernel keeps the fault.
  func prolong(_ held: HeldFault) {
    if let ticket = held.scaffolds.ticket { undo?.prolong(ticket, until: held.overWithoutHeartbeat) }
  }

  func emit(_ fault: String, at: Int64, _ kind: FaultEvent.Kind) {
    report(FaultEvent(fault: fault, node: node, atNanoseconds: at, kind: kind))
  }
}

/// A fault to be armed, with everything that was prepared for it.
struct ArmOrder: Sendable {
  var compiled: CompiledFault
  /// The addresses of the targets' names.
  var names: HeldNames
  /// The targets' control group and all below it.
  var controlGroups: Set<UInt64>?
  /// Its devices.
  var scaffolds: MadeScaffolds
}

extension Fault {
  /// Whether any part of it may be made below the protocols, on devices.
  var usesDevices: Bool { outbound != nil || inbound?.shapes == true }

  /// Whether more must be known of the kernel than that it has nf_tables.
  var needsFeatures: Bool {
    usesDevices || inbound?.answers != nil || targets.limitsGroup || targets.user != nil || targets.owner != nil
      || killsConnections
  }
}
