internal import Support

/// One way to make one inner fault on one node. It is made for one fault and used once.
///
/// All of it runs on the fault's own thread, one call after the other, so that what the kernel ties to a thread (the
/// stops of ptrace) stays with one. Making it looks at the node and changes nothing.
protocol Mechanism: AnyObject, Sendable {
  /// How it is made, why so, and how exact it is.
  var choice: MechanismChoice { get }

  /// What it will change, one line each, with the very processes, files and values.
  var changes: [String] { get }

  /// What it leaves if nobody takes it back, known before anything is made. Empty for what leaves nothing.
  var undo: [UndoAction] { get }

  /// Makes it and verifies that it is in force.
  ///
  /// - Returns: the evidence, one line each, with figures.
  /// - Throws: what went wrong. ``takeAway()`` is called next, and must do right after a half-finished making.
  func make() throws -> [String]

  /// Keeps it alive until then (nanoseconds, monotonic), where it ends by itself without: called with each heartbeat.
  func prolong(until: Int64) throws

  /// Looks whether all of it is still in force, follows newcomers, and updates ``counters``.
  ///
  /// - Returns: what is missing, in words; `nil` if nothing is.
  func look() throws -> String?

  /// What it did until now, as last looked at.
  var counters: InnerCounters { get }

  /// Takes all of it back and verifies that it is gone. Can be repeated.
  ///
  /// - Returns: the evidence of its absence, one line each.
  /// - Throws: what is left; the guardian and `recover` go on from there.
  func takeAway() throws -> [String]

  /// How long making it may take besides the usual: nanoseconds.
  var longestMaking: Int64 { get }

  /// How often it wants to be looked at besides heartbeats (nanoseconds); `nil` for never.
  var lookEvery: Int64? { get }

  /// Whether the guardian may take it back only at the end of the lease, not already after a silence: for what it could
  /// only end by ending us.
  var isPromisedForLease: Bool { get }
}

extension Mechanism {
  var longestMaking: Int64 { 0 }
  var lookEvery: Int64? { nil }
  var isPromisedForLease: Bool { false }
  func prolong(until: Int64) throws {}
}

/// What a mechanism is made from.
struct InnerOrder: Sendable {
  /// The fault.
  var fault: InnerFault
  /// Where its processes are.
  var scope: ProcessScope
  /// The clock of all time stamps.
  var timebase: Timebase

  /// The mechanism for this fault on this node. Looks, and changes nothing.
  ///
  /// - Throws: ``FaultError`` or `SystemError` when there is none: processes that are not there, what the kernel lacks.
  func mechanism() throws -> any Mechanism {
    switch fault.effect {
    case .processes(let disturbance): try disturbance.mechanism(self)
    case .clock(let skew): try ClockSkewing(self, skew)
    case .nodeClock(let change): try NodeClockMechanism(self, change)
    case .disk(let disturbance): try disturbance.mechanism(self)
    }
  }

  /// The fault's processes, as they are now, each held so that a reused number is never hit.
  ///
  /// - Throws: ``FaultError`` when one of them may not be chosen, or there is none.
  func processes() throws(FaultError) -> [ProcessHandle] {
    guard let selector = fault.processes else {
      throw refusal(.invalid("it says nothing about which processes are meant"))
    }
    return try selector.resolve(in: scope) { self.refusal($0) }
  }

  /// An error about this fault; nothing was changed.
  func refusal(_ reason: FaultError.Reason) -> FaultError { FaultError(reason, fault: fault.id, node: fault.node) }
}
