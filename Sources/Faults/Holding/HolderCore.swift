internal import Netlink
internal import Support
internal import Synchronization

/// The faults of one node and the socket that owns them. It is made, used and closed on the holder's thread, whose
/// descriptors mean nothing elsewhere; the lock only satisfies the compiler.
final class HolderCore: Sendable {
  let node: String
  let timebase: Timebase
  let connection: NFTables.Connection
  let workshop: Workshop
  let refresh: CompiledFault.RefreshMethod
  /// Unowned: the last reference must not be given up on this thread, where its descriptor means nothing. Whoever asks for
  /// something to be armed has it.
  private unowned let namespace: NetworkNamespace
  private let links: LinkController
  private let traffic: TrafficController
  private let report: @Sendable (FaultEvent) -> Void
  private let state = Mutex(State())

  private struct State: Sendable {
    var held: [String: HeldFault] = [:]
    var ended: [String: FaultOutcome] = [:]
    var isClosed = false
  }

  init(
    node: String, namespace: NetworkNamespace, timebase: Timebase, refresh: CompiledFault.RefreshMethod?,
    undo: (any UndoKeeper)?, report: @escaping @Sendable (FaultEvent) -> Void
  ) throws(NetlinkError) {
    self.node = node
    self.namespace = namespace
    self.timebase = timebase
    self.report = report
    connection = try NFTables.Connection(in: namespace, openedByThisThread: true)
    links = try LinkController(in: namespace, openedByThisThread: true)
    traffic = try TrafficController(in: namespace, openedByThisThread: true)
    workshop = Workshop(node: node, links: links, traffic: traffic, undo: undo, timebase: timebase)
    if let refresh {
      self.refresh = refresh
    } else {
      self.refresh = try .probe(connection)
    }
  }

  // MARK: Requests

  /// Makes a fault of which everything was found out that takes long.
  func arm(_ order: ArmOrder) throws(FaultError) -> ArmReceipt {
    let fault = order.fault
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    let (isHeld, isClosed) = state.withLock { ($0.held[fault.id] != nil, $0.isClosed) }
    if isClosed { throw fail(.closed) }
    if isHeld { throw fail(.alreadyHeld) }
    guard fault.node == node else { throw fail(.invalid("it is meant for node \"\(fault.node)\"")) }
    let compiled = try fault.compile(for: profile(order.features, for: fault))

    let life = HeldFault.firstLifeMilliseconds(compiled)
    let beside = try workshop.make(
      compiled, in: namespace, until: timebase.monotonic() + Int64(life) * 1_000_000 + HeldFault.earlyExpiry)
    let sent = timebase.monotonic()
    do {
      try connection.commit(compiled.arm(lifeMilliseconds: life, beside.bindings))
    } catch {
      throw FaultError(.kernel(error), fault: fault.id, node: node, state: undone(workshop.takeAway(beside)))
    }
    let armed = timebase.monotonic()
    var destroyed = 0
    do throws(FaultError) {
      try verify(compiled)
      if fault.killsConnections { try killConnections(of: order, &destroyed) }
    } catch {
      workshop.close(beside)
      let tables = remove(compiled)
      let left = workshop.takeAway(beside)
      let words = [
        tables, left.isEmpty ? nil : undone(left),
        destroyed == 0 ? nil : "\(destroyed) connections were destroyed before",
      ]
      throw FaultError(
        error.reason, fault: fault.id, node: node, state: words.compactMap { $0 }.joined(separator: "; "))
    }
    state.withLock { state in
      state.ended[fault.id] = nil
      state.held[fault.id] = HeldFault(
        compiled, beside, sentAt: sent, armedAt: armed, lifeMilliseconds: life,
        connectionsDestroyed: fault.killsConnections ? destroyed : nil)
    }
    emit(fault.id, at: armed, .armed)
    return ArmReceipt(
      fault: fault.id, table: compiled.tableNames, sentAtNanoseconds: sent, armedAtNanoseconds: armed,
      refresh: refresh, mechanisms: compiled.mechanisms, connectionsDestroyed: destroyed)
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

  func disarm(_ id: String) throws(FaultError) -> FaultOutcome {
    guard var held = held(id) else {
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

  /// The packet filter, links, addresses, routes and queues, read from the kernel.
  func snapshot() throws(NetlinkError) -> NodeSnapshot {
    try NodeSnapshot(reading: connection, links, traffic)
  }

  /// The devices that a fault can be made on.
  func devices() throws(NetlinkError) -> [String] { try NodeProfile.devices(links) }

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
    traffic.close()
  }

  // MARK: Arming

  /// Devices are listed only for a fault that may need them: most do not, and a listing costs a fifth of an arming.
  private func profile(_ features: KernelFeatures, for fault: Fault) throws(FaultError) -> NodeProfile {
    guard fault.usesDevices else { return NodeProfile(features, devices: []) }
    do { return NodeProfile(features, devices: try devices()) } catch {
      throw FaultError(.kernel(error), fault: fault.id, node: node)
    }
  }

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
    let fault = order.fault
    func fail(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: node) }
    let meant = TargetedSockets(
      fault.targets, resolved: Array(order.names.keys), controlGroups: order.controlGroups)
    let kill: SocketDiagnosis.Kill
    do throws(NetlinkError) {
      let diagnosis = try SocketDiagnosis(in: namespace, openedByThisThread: true)
      defer { diagnosis.close() }
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

  private func undone(_ left: [String]) -> String {
    left.isEmpty ? "nothing was changed" : "left behind without effect: \(left.joined(separator: "; "))"
  }

  // MARK: State

  func held(_ id: String) -> HeldFault? { state.withLock { $0.held[id] } }

  var allHeld: [HeldFault] { state.withLock { $0.held.values.sorted { $0.fault.id < $1.fault.id } } }

  func keep(_ held: HeldFault) {
    state.withLock { state in
      if state.held[held.fault.id] != nil { state.held[held.fault.id] = held }
    }
  }

  func noteEnd(_ outcome: FaultOutcome, of id: String) {
    state.withLock { state in
      state.held[id] = nil
      state.ended[id] = outcome
    }
  }

  func emit(_ fault: String, at: Int64, _ kind: FaultEvent.Kind) {
    report(FaultEvent(fault: fault, node: node, atNanoseconds: at, kind: kind))
  }
}

/// A fault to be armed, with what was found out about its node and its names before.
struct ArmOrder: Sendable {
  var fault: Fault
  var features: KernelFeatures
  /// Addresses of the targets' names, with the milliseconds they may be used.
  var names: [IPAddress: UInt64] = [:]
  /// The targets' control group and all below it.
  var controlGroups: Set<UInt64>?
}

extension Fault {
  /// Whether any part of it may be made below the protocols, on devices.
  var usesDevices: Bool { outbound != nil || inbound?.shapes == true }

  /// Whether more must be known of the kernel than that it has nf_tables.
  var needsFeatures: Bool { usesDevices || targets.cgroup != nil || targets.user != nil || killsConnections }
}
