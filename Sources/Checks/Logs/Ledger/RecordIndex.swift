internal import Events

/// A record's identity in 64 bits.
typealias RecordID = UInt64

/// What is known of a record by its identity alone.
struct RecordMarks: OptionSet, Sendable {
  var rawValue: UInt8

  /// It was acknowledged, or is proven to have been accepted.
  static let acknowledged = RecordMarks(rawValue: 1)
  /// A consumer was given it.
  static let seen = RecordMarks(rawValue: 2)
  /// Sending it certainly failed.
  static let failed = RecordMarks(rawValue: 4)
  /// An offset of it is known.
  static let placed = RecordMarks(rawValue: 8)
  /// The log's dump has it.
  static let dumped = RecordMarks(rawValue: 16)
  /// Somebody began to send it.
  static let invoked = RecordMarks(rawValue: 32)

  /// Nothing is owed to it any more.
  static let settled: RecordMarks = [.acknowledged, .seen, .placed]
}

/// Where the marks of all records are kept.
protocol RecordIndex: Sendable {
  init()
  /// The identity of the record that `event` is about.
  mutating func id(of event: LogEvent) -> RecordID
  /// Whether the marks are too many for the caches, so that ``touch(_:)`` pays.
  static var isFar: Bool { get }
  /// Reads ahead what the records of the next events need: so their misses wait for memory together, and not one after another.
  mutating func touch(_ events: ArraySlice<LogEvent>)
  /// The record as findings name it.
  func event(_ id: RecordID) -> EventID
  /// Adds marks other than `dumped` and `invoked`; returns those that stood there before.
  mutating func add(_ marks: RecordMarks, to id: RecordID) -> RecordMarks
  /// Adds marks to a record that has exactly those of `from`. False, and nothing is changed: it has others, or is not at hand.
  mutating func advance(_ id: RecordID, from: RecordMarks, by marks: RecordMarks) -> Bool
  /// The marks of a record, without `dumped` and `invoked`.
  func marks(of id: RecordID) -> RecordMarks
  /// Somebody begins to send it.
  mutating func invoke(_ id: RecordID)
  /// A dump has it; returns whether one had it before.
  mutating func dump(_ id: RecordID) -> Bool
  /// Whether a dump has it.
  func isDumped(_ id: RecordID) -> Bool
  /// Calls `body` with every record that is acknowledged and was never seen.
  func forEachUnseen(_ body: (RecordID) -> Void)
  /// Calls `body` with every record that was seen or dumped, and that nobody began to send.
  func forEachUninvoked(_ body: (RecordID) -> Void)
  /// Calls `body` with every record that is acknowledged and in no dump.
  func forEachUndumped(_ body: (RecordID) -> Void)
}
