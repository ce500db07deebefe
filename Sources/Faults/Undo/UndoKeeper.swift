public import Netlink

/// Whoever answers for what a fault leaves outside of what the kernel takes away by itself.
///
/// No call uses a descriptor of its caller's, so that it can be made from a holder's thread.
public protocol UndoKeeper: AnyObject, Sendable {
  /// Makes sure that `record` will be undone whatever happens to this process; only then may anything of it be made.
  /// Blocks until the record is on disk and somebody outside of this process has it: a few milliseconds.
  ///
  /// - Parameters:
  ///   - namespace: the node's; `nil` for a record that needs none.
  ///   - until: when the kernel ends the fault by itself, nanoseconds on the monotonic clock. What was promised is taken
  ///     back a moment after it, unless ``prolong(_:until:)`` moves it.
  /// - Throws: ``UndoError``: the fault must not be made then. Nothing is promised.
  func promise(_ record: UndoRecord, in namespace: NetworkNamespace?, until: Int64) throws(UndoError) -> UndoTicket

  /// Notes that all of it is there. Does not block.
  func made(_ ticket: UndoTicket)

  /// Notes that the kernel keeps the fault until then, be it later or earlier than was said before; to be called when it
  /// is armed and with every heartbeat. Does not block.
  func prolong(_ ticket: UndoTicket, until: Int64)

  /// Notes that all of it is verified gone. Does not block.
  func settled(_ ticket: UndoTicket)
}

/// Stands for a record that was promised.
public struct UndoTicket: Sendable, Hashable, Codable {
  let number: UInt64
}

/// Why something could not be promised to be undone.
public enum UndoError: Error, Sendable, Hashable, Codable, CustomStringConvertible {
  /// The undo journal could not be written.
  case journal(String)
  /// No guardian process could be had.
  case noGuardian(String)
  /// The guardian does not take the record.
  case refused(String)
  /// The keeper was closed.
  case closed

  /// For people.
  public var description: String {
    switch self {
    case .journal(let why): "the undo journal cannot be written: \(why)"
    case .noGuardian(let why): "no guardian process can be had, so its end could not be promised: \(why)"
    case .refused(let why): "the guardian does not take it: \(why)"
    case .closed: "the keeper of its undo data is closed"
    }
  }
}

/// Something that happened to what was promised, for the journal of the run.
public enum UndoEvent: Sendable, Hashable {
  /// The guardian process ended while it was needed; another one has its records now.
  case guardianReplaced(String)
  /// The guardian process ended, and no other can be had for now. What is made stays in the undo journal for
  /// `blackstart recover`; nothing new is promised.
  case guardianLost(String)
  /// The guardian took something back, because we were silent.
  case undoneByGuardian(fault: String, node: String, lines: [String])
  /// The undo journal can no longer be written.
  case journalBroken(String)
}
