internal import Netlink

/// What is known about one fault that is held. Times are nanoseconds on the monotonic clock.
struct HeldFault: Sendable {
  /// Whether a fault is in force, as far as its holder makes it so.
  enum Turn: Sendable, Hashable {
    /// In force since then, until that moment or, without flapping, until its end.
    case on(from: Int64, until: Int64)
    /// Not in force until then.
    case off(until: Int64)
  }

  let compiled: CompiledFault
  let scaffolds: MadeScaffolds
  let lines: OpenLines
  var names: HeldNames
  /// How many connections were destroyed at arming; `nil` if none were to be.
  let connectionsDestroyed: Int?
  let armedAt: Int64
  let leaseEnd: Int64
  private(set) var turn: Turn
  /// The kernel cannot have let the fault go before this moment.
  private(set) var inForceUntil: Int64
  /// When the next heartbeat, the end of a turn, or the end of the lease is due.
  private(set) var nextDue: Int64
  /// The last moment at which all of its rules were seen.
  private(set) var seenWholeAt: Int64
  /// The last moment at which all of its devices were seen.
  var scaffoldsSeenAt: Int64
  /// What is missing, if something is.
  private(set) var missing: String?
  private(set) var counters = FaultCounters()

  var fault: Fault { compiled.fault }

  /// Elements expire up to one jiffy early, never late (measured: 6 ms at 250 Hz, 14 ms in an emulator).
  static let earlyExpiry: Int64 = 20_000_000

  init(
    _ compiled: CompiledFault, _ scaffolds: MadeScaffolds, _ lines: OpenLines, _ names: HeldNames, sentAt: Int64,
    armedAt: Int64,
    lifeMilliseconds: UInt64,
    connectionsDestroyed: Int? = nil
  ) {
    self.connectionsDestroyed = connectionsDestroyed
    counters.connectionsDestroyed = connectionsDestroyed
    self.compiled = compiled
    self.scaffolds = scaffolds
    self.lines = lines
    scaffoldsSeenAt = armedAt
    self.names = names
    self.armedAt = armedAt
    seenWholeAt = armedAt
    leaseEnd = sentAt + compiled.fault.timing.leaseMilliseconds * 1_000_000
    inForceUntil = 0
    nextDue = 0
    turn = .on(from: armedAt, until: .max)
    begin(turnAt: sentAt, appliedAt: armedAt, lifeMilliseconds: lifeMilliseconds)
  }

  // MARK: Turns

  /// True while the holder keeps it in force.
  var isOn: Bool { if case .on = turn { true } else { false } }

  /// When the turn that runs now ends, or would end if nothing else came before.
  private var turnEnd: Int64 {
    switch turn {
    case .on(_, let until), .off(let until): until
    }
  }

  /// How long the kernel is told to keep it in force from `time` on: never beyond the lease, the silence, or the turn.
  func lifeMilliseconds(at time: Int64) -> UInt64 {
    let left = min(leaseEnd, isOn ? turnEnd : .max) - time
    return compiled.lifeMilliseconds(leftOfLease: left / 1_000_000)
  }

  /// As ``lifeMilliseconds(at:)``, for a turn that is to begin at `time`.
  func nextTurnMilliseconds(at time: Int64) -> UInt64 {
    let turn = fault.timing.flapping?.onMilliseconds ?? .max
    return compiled.lifeMilliseconds(leftOfLease: min((leaseEnd - time) / 1_000_000, turn))
  }

  /// The life of the first batch, sent before there is a turn.
  static func firstLifeMilliseconds(_ compiled: CompiledFault) -> UInt64 {
    let timing = compiled.fault.timing
    return compiled.lifeMilliseconds(
      leftOfLease: min(timing.leaseMilliseconds, timing.flapping?.onMilliseconds ?? .max))
  }

  /// A turn in force begins: the kernel was told at `time`, and had done it at `appliedAt`.
  mutating func begin(turnAt time: Int64, appliedAt: Int64, lifeMilliseconds: UInt64) {
    let end = fault.timing.flapping.map { time + $0.onMilliseconds * 1_000_000 } ?? .max
    turn = .on(from: appliedAt, until: end)
    refreshed(at: time, lifeMilliseconds: lifeMilliseconds)
  }

  /// Whether the kernel was told to keep it in force to the very end of its turn, so that nothing is left to prolong.
  private var lastsToTurnEnd: Bool { isOn && turnEnd != .max && inForceUntil + Self.earlyExpiry >= turnEnd }

  /// Whether the kernel may have let it go at `time`, other than at the end of a turn.
  func isSilent(at time: Int64) -> Bool { isOn && !lastsToTurnEnd && time >= inForceUntil }

  /// Whether there is something to prolong at `time`; if not, when to look again is settled.
  mutating func needsRefresh(at time: Int64) -> Bool {
    if isOn ? !lastsToTurnEnd : isTurnOver(at: time) { return true }
    nextDue = min(time + fault.timing.heartbeatMilliseconds * 1_000_000, turnEnd, leaseEnd)
    return false
  }

  /// Whether the turn in force is over at `time`.
  func isTurnOver(at time: Int64) -> Bool { time >= turnEnd }

  /// The kernel has ended the turn. Returns when it was surely in force; `nil` if that was too short to say.
  mutating func endTurn() -> ClosedRange<Int64>? {
    guard case .on(let from, let until) = turn, let flapping = fault.timing.flapping else { return nil }
    turn = .off(until: until + flapping.offMilliseconds * 1_000_000)
    nextDue = min(inForceUntil + fault.timing.heartbeatMilliseconds * 1_000_000, turnEnd, leaseEnd)
    return inForceUntil > from ? from...inForceUntil : nil
  }

  /// The turn in force of a flapping fault, cut off at `end`; `nil` if there is none or it was too short to say.
  func currentTurn(until end: Int64) -> ClosedRange<Int64>? {
    guard case .on(let from, _) = turn, fault.timing.flapping != nil, end > from else { return nil }
    return from...end
  }

  // MARK: Heartbeats

  /// A refresh that was sent at `time` and accepted.
  mutating func refreshed(at time: Int64, lifeMilliseconds: UInt64) {
    inForceUntil = time + Int64(lifeMilliseconds) * 1_000_000 - Self.earlyExpiry
    nextDue = min(time + compiled.fault.timing.heartbeatMilliseconds * 1_000_000, leaseEnd, turnEnd)
  }

  /// A refresh that failed is tried again soon, well within the silence that the kernel allows.
  mutating func retry(at time: Int64) {
    nextDue = min(time + max(5_000_000, compiled.fault.timing.heartbeatMilliseconds * 250_000), leaseEnd)
    if nextDue <= time { nextDue = time + 5_000_000 }
  }

  /// When the kernel will have ended the fault if no heartbeat comes any more.
  var overWithoutHeartbeat: Int64 {
    isOn ? inForceUntil + Self.earlyExpiry : turnEnd + fault.timing.silenceMilliseconds * 1_000_000
  }

  /// What it means that the kernel's time for the fault is over.
  var silentEnd: FaultOutcome.End { inForceUntil + Self.earlyExpiry >= leaseEnd ? .leaseExpired : .lapsed }

  // MARK: What the kernel shows

  /// What was read of one table.
  struct Reading {
    var rules: [NFTables.Rule]
    /// How many elements each counted set holds, by name.
    var elements: [String: Int]
  }

  /// The sets whose elements each heartbeat counts: those that the kernel lists in one piece, which is cheap and exact.
  /// Larger ones can be changed by nobody either but by the socket that owns their table.
  static func countedSets(of table: CompiledFault.Table) -> [CompiledFault.ElementSet] {
    table.sets.filter { set in
      !set.isInterval && set.life == .table && set.keys.count <= 256
    }
  }

  /// Takes over what the kernel shows of the fault's tables, in their order.
  mutating func note(_ readings: [Reading], at time: Int64) {
    missing = nil
    var seen = FaultCounters()
    for (table, reading) in zip(compiled.tables, readings) {
      if let lack = Self.count(table, reading, into: &seen) {
        missing = lack
        return
      }
    }
    seen.connectionsDestroyed = connectionsDestroyed
    seen.inboundLine = lines.counters(.inbound)
    seen.outboundLine = lines.counters(.outbound)
    counters = seen
    missing = lines.missing
    if missing == nil { seenWholeAt = time }
  }

  /// Adds up the counters of a table. Returns what it lacks, if something.
  private static func count(
    _ table: CompiledFault.Table, _ reading: Reading, into counters: inout FaultCounters
  ) -> String? {
    if reading.rules.isEmpty { return "table \(table.id) or its rules" }
    let found = Dictionary(grouping: reading.rules, by: \.chain)
    for chain in table.chains {
      let rules = found[chain.name] ?? []
      guard rules.count == chain.rules.count else {
        return "\(chain.rules.count - rules.count) of the rules of chain \(chain.name) in table \(table.id)"
      }
      for (wanted, rule) in zip(chain.rules, rules) {
        for (counter, count) in zip(wanted.counters, rule.counts) { counters.add(count, to: counter) }
      }
    }
    for set in countedSets(of: table) {
      let live = reading.elements[set.name] ?? 0
      if live != set.keys.count {
        return "\(set.keys.count - live) of \(set.keys.count) elements in set \(set.name) of table \(table.id)"
      }
    }
    return nil
  }
}
