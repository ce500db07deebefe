/// What a guardian decides, apart from what it does: events in, actions out, time as an argument (nanoseconds, monotonic).
struct GuardianMachine: Sendable {
  enum Event: Sendable, Hashable {
    /// A record whose namespace is open.
    case kept(number: UInt64, until: Int64)
    case prolonged(number: UInt64, until: Int64)
    case settled(number: UInt64)
    /// The agent hung up, or is gone.
    case agentGone
    /// All messages that had come by then were handled.
    case time(Int64)
    case undone(number: UInt64)
    case undoFailed(number: UInt64, at: Int64)
  }

  enum Action: Sendable, Hashable {
    case undo(number: UInt64, GuardianReason)
    /// Nothing is left to do but this; false if something could not be undone.
    case exit(isClean: Bool)
  }

  private struct Hold: Sendable {
    var number: UInt64
    var due: Int64
    var failures = 0
  }

  /// How long after the kernel's own end of a fault its remains are taken away: elements expire within a jiffy, and what
  /// steers packets into a device must be gone before the device.
  static let grace: Int64 = 100_000_000
  /// Steps that fail are tried again, ten times in some five seconds; then `recover` has to do it.
  static let attempts = 10

  private var holds: [Hold] = []
  private var isAgentGone = false
  private var gaveUp = 0

  /// When it wants to be told the time; `nil` for not before the next message.
  var nextDue: Int64? { holds.map(\.due).min() }

  mutating func handle(_ event: Event) -> [Action] {
    switch event {
    case .kept(let number, let until):
      holds.append(Hold(number: number, due: until + Self.grace))
      return []
    case .prolonged(let number, let until):
      // Also to an earlier time: what is promised before it is made gets time to be made.
      update(number) { $0.due = until + Self.grace }
      return []
    case .settled(let number):
      holds.removeAll { $0.number == number }
      return []
    case .agentGone:
      isAgentGone = true
      // Newest first, as with every undo.
      return holds.reversed().map { .undo(number: $0.number, .agentGone) } + exitIfDone()
    case .time(let now):
      let reason: GuardianReason = isAgentGone ? .agentGone : .agentSilent
      return holds.reversed().filter { $0.due <= now }.map { .undo(number: $0.number, reason) }
    case .undone(let number):
      holds.removeAll { $0.number == number }
      return exitIfDone()
    case .undoFailed(let number, let now):
      update(number) { hold in
        hold.failures += 1
        hold.due = now + Int64(hold.failures) * Self.grace
      }
      let before = holds.count
      holds.removeAll { $0.number == number && $0.failures >= Self.attempts }
      gaveUp += before - holds.count
      return exitIfDone()
    }
  }

  private mutating func update(_ number: UInt64, _ change: (inout Hold) -> Void) {
    for index in holds.indices where holds[index].number == number { change(&holds[index]) }
  }

  private func exitIfDone() -> [Action] {
    isAgentGone && holds.isEmpty ? [.exit(isClean: gaveUp == 0)] : []
  }
}
