/// What one offset of a log holds.
struct LogSlot: Sendable {
  /// A record is known to stand here.
  static let known: UInt8 = 1
  /// Its acknowledgement said so.
  static let acknowledged: UInt8 = 2
  /// A consumer was given it.
  static let polled: UInt8 = 4
  /// Somebody jumped over this offset while nothing was known to stand here.
  static let watched: UInt8 = 8
  /// More than one record is known to stand here.
  static let contested: UInt8 = 16

  var id: RecordID = 0
  var checksum: UInt32 = 0
  var state: UInt8 = 0
}

/// The latest offsets of one log, and what is known of it as a whole.
///
/// The slots from `low` to `head` are kept one by one in a ring; it grows while the slowest reader is behind, up to a limit, and
/// lets go of what all have passed. Logs may begin anywhere.
struct LogWindow: Sendable {
  /// The topic that the log is a part of.
  var topic = 0
  var place = 0
  var order = 0
  /// The lowest offset kept, and the highest known. The window is empty while `head < low`.
  var low: Int64 = 0
  var head: Int64 = -1
  /// Offsets below this one were kept and are no more.
  var floor: Int64 = 0
  /// The lowest offset ever known.
  var lowest = Int64.max
  var highestPolled: Int64 = -1
  var highestAcknowledged: Int64 = -1
  /// Where the log begins, by its own word.
  var start: Int64 = 0
  /// Whether its dump was taken to the end.
  var isDumped = false
  /// Records acknowledged and not seen so far.
  var unseen = 0
  /// An offset far ahead of all others, met once.
  var stray: Int64?

  var capacity: Int64 { order == 0 ? 0 : 1 &<< Int64(truncatingIfNeeded: order) }

  @inline(__always)
  func holds(_ offset: Int64) -> Bool { offset >= low && offset <= head }

  @inline(__always)
  func index(_ offset: Int64) -> Int { place &+ Int(truncatingIfNeeded: offset) & (1 &<< order &- 1) }
}

/// A jump over offsets of which nothing was known at the time.
struct LogJump: Sendable {
  enum Kind: Sendable {
    case poll(inside: Bool)
    case send
    case commit
  }

  var kind: Kind
  var event: LogEvent
  var id: RecordID
  var from: Int64
  var to: Int64
}

/// How far one worker has come in one log as a consumer.
struct ReaderState: Sendable {
  static let nowhere = Int64.min

  /// The last record of its last completed operation.
  var position = nowhere
  /// The last record it was given.
  var last = nowhere
  /// The first record it was given since the log was assigned to it.
  var start = nowhere
  /// The highest record it was done with.
  var processed = nowhere
  var operation: UInt32 = 0
  /// The assignment it holds the log by.
  var stamp: UInt32 = 0

  /// Whether a record stands right behind its last one.
  @inline(__always)
  func isFollowed(by event: LogEvent) -> Bool {
    let previous = operation == event.operation && last != Self.nowhere ? last : position
    return previous != Self.nowhere && event.offset == previous + 1
  }

  /// It was given the next record.
  @inline(__always)
  mutating func move(_ event: LogEvent) {
    last = event.offset
    operation = event.operation
    if event.outcome == .ok { position = event.offset }
  }
}

/// How far one worker has come in one log as a producer. Eight bytes, since there is one for each worker and log and every
/// acknowledgement touches another one: they have to stay in the cache.
struct SenderState: Sendable {
  /// The low half of the last offset.
  var offset: UInt32 = 0
  /// The operation of the last send; 0: there was none.
  var operation: UInt32 = 0
}

extension SenderState {
  /// A sender of which this is the last record.
  @inline(__always)
  init(_ event: LogEvent) {
    self.init(offset: UInt32(truncatingIfNeeded: event.offset), operation: event.operation)
  }

  /// Whether a record stands behind its last one; right behind it within one operation.
  @inline(__always)
  func isFollowed(by event: LogEvent) -> Bool {
    let distance = event.offset.distance(fromLow: offset)
    return operation == 0 || distance == 1 || distance > 0 && event.operation != operation
  }
}

/// A send whose place in its sender's order is known before its offset is.
struct ChainedSend: Sendable {
  var event: LogEvent
  var id: RecordID
  var offset: Int64?
  /// Nobody knows when it took effect: a packet that was held up may arrive long after the next send.
  var isDoubted = false
}

/// A send on its way.
struct OpenSend: Sendable {
  static let none = RecordID.max

  var id = none
  /// The highest offset that was acknowledged when it began.
  var bound: Int64 = -1
}

/// One worker.
struct LogLane: Sendable {
  /// Where its sends on the way are.
  var place = 0
  var order = 0
  /// The number of its latest assignment; 0 before the first.
  var stamp: UInt32 = 0
  /// Its group, if it has one.
  var group: UInt32 = .max
  var generation: UInt32 = 0
  /// Whether a group gives it its logs.
  var isManaged = false

  /// Where a send on the way is, if it is followed.
  @inline(__always)
  func index(_ id: RecordID) -> Int { place &+ Int(truncatingIfNeeded: id) & (1 &<< order &- 1) }
}

/// How far a key has come in its topic. As small as it can be, for the same reason.
struct KeyState: Sendable {
  /// The low half of the latest offset.
  var offset: UInt32 = 0
  /// Its number in the key's sequence; 0: there was none.
  var sequence: UInt32 = 0
  var log: UInt16 = 0
}

extension KeyState {
  /// A key of which this is the latest record.
  @inline(__always)
  init(_ event: LogEvent) {
    self.init(offset: UInt32(truncatingIfNeeded: event.offset), sequence: event.keySequence, log: event.log)
  }

  /// Whether a record stands behind the latest, in the sequence and in the same log.
  @inline(__always)
  func isFollowed(by event: LogEvent) -> Bool {
    event.keySequence > sequence && event.offset.distance(fromLow: offset) > 0 && event.log == log
  }
}

/// Where the keys of one topic are.
struct KeyTable: Sendable {
  var place = 0
  var order = 0

  @inline(__always)
  var count: Int { order == 0 ? 0 : 1 &<< order }

  @inline(__always)
  func has(_ key: UInt32) -> Bool { Int(key) < count }
}

extension Int64 {
  /// How far this offset is from one of which the low half is known; offsets compared are far less than 2³¹ apart.
  @inline(__always)
  func distance(fromLow low: UInt32) -> Int64 {
    Int64(Int32(bitPattern: UInt32(truncatingIfNeeded: self) &- low))
  }
}
