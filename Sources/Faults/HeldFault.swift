internal import Netlink

/// What is known about one fault in force. Times are nanoseconds on the monotonic clock.
struct HeldFault: Sendable {
  let compiled: CompiledFault
  let armedAt: Int64
  let leaseEnd: Int64
  /// The kernel cannot have let an element go before this moment.
  private(set) var inForceUntil: Int64
  /// When the next heartbeat, or the end of the lease, is due.
  private(set) var nextDue: Int64
  /// The last moment at which all of its rules were seen.
  private(set) var seenWholeAt: Int64
  /// What is missing, if something is.
  private(set) var missing: String?
  private(set) var counters = FaultCounters()

  var fault: Fault { compiled.fault }

  /// Elements expire up to one jiffy early, never late (measured: 6 ms at 250 Hz, 14 ms in an emulator).
  private static let earlyExpiry: Int64 = 20_000_000

  init(_ compiled: CompiledFault, sentAt: Int64, armedAt: Int64, lifeMilliseconds: UInt64) {
    self.compiled = compiled
    self.armedAt = armedAt
    seenWholeAt = armedAt
    leaseEnd = sentAt + compiled.fault.timing.leaseMilliseconds * 1_000_000
    inForceUntil = 0
    nextDue = 0
    refreshed(at: sentAt, lifeMilliseconds: lifeMilliseconds)
  }

  /// What it means that the kernel's time for the fault is over.
  var silentEnd: FaultOutcome.End { inForceUntil + Self.earlyExpiry >= leaseEnd ? .leaseExpired : .lapsed }

  /// Whether each heartbeat counts the live peers: where the kernel lists a set in one piece, which is cheap and exact.
  /// Larger sets can be changed by nobody either but by the socket that owns their table.
  var countsPeers: Bool { compiled.sets.allSatisfy { $0.peers.count <= 256 } }

  /// A refresh that was sent at `time` and accepted.
  mutating func refreshed(at time: Int64, lifeMilliseconds: UInt64) {
    inForceUntil = time + Int64(lifeMilliseconds) * 1_000_000 - Self.earlyExpiry
    nextDue = min(time + compiled.fault.timing.heartbeatMilliseconds * 1_000_000, leaseEnd)
  }

  /// A refresh that failed is tried again soon, well within the silence that the kernel allows.
  mutating func retry(at time: Int64) {
    nextDue = min(time + max(5_000_000, compiled.fault.timing.heartbeatMilliseconds * 250_000), leaseEnd)
    if nextDue <= time { nextDue = time + 5_000_000 }
  }

  /// Takes over what the kernel shows of the fault's table.
  mutating func note(_ rules: [NFTables.Rule], livePeers: [Int]?, at time: Int64) {
    let wanted = compiled.rules
    guard rules.count == wanted.count else {
      missing = rules.isEmpty ? "table \(compiled.table) or its rules" : "\(wanted.count - rules.count) of its rules"
      return
    }
    for (rule, found) in zip(wanted, rules) {
      switch rule.counts {
      case .v4: counters.v4 = found.counts.first
      case .v6: counters.v6 = found.counts.first
      case nil: break
      }
    }
    let lost = zip(compiled.sets, livePeers ?? []).filter { $0.peers.count != $1 }
    missing = lost.first.map { set, live in "\(set.peers.count - live) of \(set.peers.count) peers in set \(set.name)" }
    if missing == nil { seenWholeAt = time }
  }
}
