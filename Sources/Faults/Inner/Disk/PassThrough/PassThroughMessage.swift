/// What the process that prepared a directory asks of its pass-through.
enum PassThroughMessage: Sendable, Hashable, Codable {
  /// The rules are in force from now until that moment (nanoseconds, monotonic), in place of those before.
  case arm(fault: String, rules: [FileRule], seed: UInt64, until: Int64)
  /// The new end of the lease.
  case prolong(until: Int64)
  /// Plain again; operations that wait are done at once.
  case disarm
  /// How things stand.
  case state
  /// Unmount it and end. Unless `lazily`, only if nobody uses it.
  case unmount(lazily: Bool)
}

/// What it answers, each message with one reply; ``ready`` or ``failed`` comes first, unasked.
enum PassThroughReply: Sendable, Hashable, Codable {
  /// It is mounted, and serves.
  case ready
  /// It is not mounted; it ends.
  case failed(String)
  case armed
  /// Whether the fault was still in force.
  case prolonged(Bool)
  /// What it had been until then.
  case disarmed(PassThroughState)
  case state(PassThroughState)
  /// It is unmounted; the process ends when the last open file is closed.
  case unmounted
  /// It is not, and stays.
  case busy(String)
}

/// How a prepared directory stands.
public struct PassThroughState: Sendable, Hashable, Codable {
  /// The fault that was armed last and not ended; `nil` for none.
  public var fault: String?
  /// Whether its lease still runs.
  public var isInForce: Bool
  /// What each of its rules has done.
  public var tallies: [FileTally]
  /// Operations that wait at this moment.
  public var waiting: Int

  init(fault: String? = nil, isInForce: Bool = false, tallies: [FileTally] = [], waiting: Int = 0) {
    self.fault = fault
    self.isInForce = isInForce
    self.tallies = tallies
    self.waiting = waiting
  }
}
