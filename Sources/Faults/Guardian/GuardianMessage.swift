/// What an agent tells its guardian.
enum GuardianMessage: Sendable, Hashable, Codable {
  /// Undo this if I fall silent after `until` (nanoseconds, monotonic) or am gone. The node's namespace
  /// is what process `pid`, which waits for the answer, holds open under the number `descriptor`; `nil` where the record
  /// has none.
  case keep(number: UInt64, record: UndoRecord, until: Int64, pid: Int32, descriptor: Int32?)
  /// I am there; the new time.
  case prolong(number: UInt64, until: Int64)
  /// It is gone; forget it.
  case settled(number: UInt64)
}

/// What a guardian tells its agent.
enum GuardianReply: Sendable, Hashable, Codable {
  /// It is ready.
  case ready
  /// It has the record, and the node's namespace open.
  case kept(number: UInt64)
  /// It cannot take the record.
  case refused(number: UInt64, why: String)
  /// It took it back.
  case undone(number: UInt64, lines: [String])
}

/// Why a guardian takes something back.
enum GuardianReason: String, Sendable, Hashable, Codable {
  /// The agent is gone: its end of the connection is closed.
  case agentGone
  /// The agent is there but silent: stopped, or hung.
  case agentSilent
}
