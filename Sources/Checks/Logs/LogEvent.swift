/// One thing seen about one log: what the log checks take, in the order in which the recorder learned of it.
///
/// Of fixed width and 48 bytes, because a drill has hundreds of millions of them. Made by the functions of its extension, which say
/// what each kind carries; a field that a kind has no use for is 0.
public struct LogEvent: Sendable, Hashable {
  /// What was seen. Logs are numbered as the checks' ``LogOptions`` name them.
  public enum Kind: UInt8, Sendable, Hashable, CaseIterable {
    /// A producer is about to send a record.
    case sendInvoked
    /// Somebody sends a record to another store, from where it may come here.
    case sentElsewhere
    /// The log said that it has the record.
    case sendAcknowledged
    /// The log said that it has not, or the request provably never left.
    case sendFailed
    /// Nobody knows whether it has.
    case sendUnknown
    /// A consumer was given a record.
    case polled
    /// A consumer's set of logs is replaced: the new set follows.
    case assignmentBegan
    /// A log of the new set.
    case assigned
    /// The new set is complete.
    case assignmentEnded
    /// A consumer lost a log.
    case revoked
    /// A group's position was committed.
    case committed
    /// A consumer was done with a record.
    case processed
    /// A transaction took effect, whole.
    case transactionCommitted
    /// A transaction had no effect.
    case transactionAborted
    /// Nobody knows whether a transaction took effect.
    case transactionUnknown
    /// The log's own dump has the record.
    case dumped
    /// The log's own dump has the record as part of an aborted transaction.
    case dumpedAborted
    /// The dump of the log is complete.
    case dumpEnded
    /// The log begins at this offset now.
    case logStart
  }

  /// How the operation ended that a record was polled in.
  public enum Outcome: UInt8, Sendable, Hashable {
    /// It was completed.
    case ok
    /// It was given up, and the consumer goes back to where it was before.
    case failed
    /// Nobody knows.
    case unknown
  }

  /// What was seen.
  public var kind: Kind
  /// How the operation of a ``Kind/polled`` ended.
  public var outcome: Outcome
  /// The log: a partition of a topic, or a store that has one log only.
  public var log: UInt16
  /// The operation it was part of: the records of one poll have one number. Neighbours differ; it may come around again.
  public var operation: UInt32
  /// The record's producer; ``opaque`` where ``sequence`` is an identity by itself. Of assignments and commits: the group.
  public var producer: UInt32
  /// The worker that did it.
  public var process: UInt32
  /// The record's number in its producer's sequence.
  public var sequence: UInt64
  /// The offset. Negative: not known.
  public var offset: Int64
  /// The record's key, of an assignment: its generation, from 1.
  public var key: UInt32
  /// The record's place in its key's own sequence, from 1. 0: it has none.
  public var keySequence: UInt32
  /// A checksum of the record. 0: not taken.
  public var checksum: UInt32
  /// The transaction it belongs to, from 1. 0: none.
  public var transaction: UInt32

  /// Stands for the producer of a record whose identity is one opaque number.
  public static let opaque = UInt32.max

  /// Any event; the named ones say what belongs into each.
  public init(
    _ kind: Kind, log: UInt16 = 0, process: UInt32 = 0, operation: UInt32 = 0, producer: UInt32 = 0,
    sequence: UInt64 = 0, offset: Int64 = -1, outcome: Outcome = .ok, key: UInt32 = 0, keySequence: UInt32 = 0,
    checksum: UInt32 = 0, transaction: UInt32 = 0
  ) {
    self.kind = kind
    self.outcome = outcome
    self.log = log
    self.operation = operation
    self.producer = producer
    self.process = process
    self.sequence = sequence
    self.offset = offset
    self.key = key
    self.keySequence = keySequence
    self.checksum = checksum
    self.transaction = transaction
  }
}

extension LogEvent {
  /// Whether it has an offset that a log can have: acknowledgements come without one, or with −1, and files hold anything.
  @inline(__always)
  var hasOffset: Bool { UInt64(bitPattern: offset) < 1 << 60 }
}
