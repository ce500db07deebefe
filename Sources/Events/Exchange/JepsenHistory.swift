/// A history in Jepsen's terms: a list of events, each the invocation or the completion of a call.
///
/// Queue and log workloads (`send`, `poll`, `txn`, `assign`, `subscribe`, `append`, `enqueue`, `dequeue`) and register
/// workloads (`read`, `write`, `cas`). What a file of Jepsen's holds beyond that is left out only where it says nothing about
/// the data: the nemesis' own events, and fields that no check looks at.
///
/// - SeeAlso: `jepsen.history` and `jepsen.tests.kafka` in https://github.com/jepsen-io/jepsen
public struct JepsenHistory: Sendable, Hashable {
  /// The events, in the order in which they happened.
  public var events: [JepsenEvent]

  /// A history of `events`.
  public init(events: [JepsenEvent]) { self.events = events }
}

/// The invocation or the completion of one call.
public struct JepsenEvent: Sendable, Hashable {
  /// Which of the two it is, and how the call ended.
  public enum Kind: String, Sendable, Hashable, Codable {
    /// The call begins.
    case invoke
    /// It took effect.
    case ok
    /// It certainly had no effect.
    case fail
    /// It may have had one.
    case info
  }

  /// What a call is about.
  public enum Call: Sendable, Hashable {
    /// Sends and polls; `function` is `send`, `poll` or `txn`.
    case log(function: String, [MicroOperation])
    /// The partitions of an `assign` or a `subscribe`.
    case partitions(function: String, [JepsenValue])
    /// One value into or out of a queue; `function` is `append`, `enqueue` or `dequeue`.
    case queue(function: String, JepsenValue?)
    /// A register is read; the value that stood there.
    case read(key: JepsenValue?, value: Int64?)
    /// A register is written.
    case write(key: JepsenValue?, value: Int64?)
    /// A register is written if a value stands there.
    case compareAndSet(key: JepsenValue?, expected: Int64?, value: Int64?)
  }

  /// One step of a call on logs.
  public enum MicroOperation: Sendable, Hashable {
    /// A record is sent; `offset` where it was told.
    case send(partition: JepsenValue, value: JepsenValue?, offset: Int64?)
    /// Records are asked for, or came: `nil` before they did.
    case poll([PolledPartition]?)
  }

  /// What one poll gave of one partition.
  public struct PolledPartition: Sendable, Hashable {
    /// The partition.
    public var partition: JepsenValue
    /// The records, in their order.
    public var records: [Record]

    /// Records of `partition`.
    public init(partition: JepsenValue, records: [Record]) {
      self.partition = partition
      self.records = records
    }
  }

  /// One record that a poll gave.
  public struct Record: Sendable, Hashable {
    /// Its offset. `nil`: not told.
    public var offset: Int64?
    /// Its value. `nil`: a record without one.
    public var value: JepsenValue?

    /// A record.
    public init(offset: Int64?, value: JepsenValue?) {
      self.offset = offset
      self.value = value
    }
  }

  /// Invocation or completion.
  public var kind: Kind
  /// The call.
  public var call: Call
  /// Whose call it is; one at a time. `nil`: nobody's, and no event shares it.
  public var process: UInt32?
  /// When, in nanoseconds. `nil`: not told.
  public var time: Int64?
  /// Why it failed or is not known. `nil`: not told.
  public var error: String?

  /// An event.
  public init(_ kind: Kind, _ call: Call, process: UInt32?, time: Int64?, error: String? = nil) {
    self.kind = kind
    self.call = call
    self.process = process
    self.time = time
    self.error = error
  }
}

/// A value or a key of Jepsen's.
public enum JepsenValue: Sendable, Hashable {
  /// A number.
  case integer(Int64)
  /// A keyword or a text.
  case text(String)

  /// The value as a name: the number's digits, or the text.
  public var name: String {
    switch self {
    case .integer(let number): String(number)
    case .text(let text): text
    }
  }

  /// The value whose name is `name`.
  init(name: String) {
    if let number = Int64(name), String(number) == name { self = .integer(number) } else { self = .text(name) }
  }
}
