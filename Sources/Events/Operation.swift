/// How an operation ended, as far as its caller can prove it.
///
/// The invariant that all verdicts rest on: **anything that is not provably without effect is `unknown`, never `fail`**.
/// A refused statement, a constraint violation, a connection that could not be opened are failures. A time-out, a
/// connection that broke after the request left, an answer that was not understood are unknown. Calling a failure unknown
/// only weakens a check; calling an unknown a failure makes a sound store look broken.
public enum Outcome: Sendable, Hashable, Codable {
  /// It took effect: the store said so.
  case ok
  /// It certainly had no effect, for this reason.
  case fail(OutcomeCode)
  /// It may have taken effect, may still take effect, or may never do.
  case unknown(OutcomeCode)
}

/// What an operation was. Numbers are those of the history file and stay for ever.
public enum OperationKind: UInt8, Sendable, Hashable, Codable, CaseIterable {
  /// A producer wrote an event with the token it believes to be current.
  case append = 1
  /// A writer tried the token it was given on purpose: an old leader's, or one never granted.
  case staleAppend = 2
  /// A tail of a store's log saw the event at a local position.
  case observe = 3
  /// A consumer group applied the event, or was given it again and refused.
  case apply = 4
}

/// One operation of the workload: its invocation and, where there was one, its completion.
///
/// Fixed-width throughout; names are numbers into the history's ``NameTable``. All times are nanoseconds on the
/// recorder's monotonic clock, except ``wall``.
public struct Operation: Sendable, Hashable, Codable {
  /// What it was.
  public var kind: OperationKind
  /// The worker that did it. A worker does one operation at a time.
  public var process: UInt32
  /// The event written, seen or applied.
  public var event: EventID
  /// The aggregate the event belongs to.
  public var key: UInt32
  /// The event's place in its aggregate's own sequence, rising.
  public var keySequence: UInt64
  /// The store it went to.
  public var node: NodeIndex
  /// The region its worker ran in.
  public var region: NodeIndex
  /// The region whose store first accepted the event. `nil`: not known to this worker.
  public var origin: NodeIndex?
  /// The event's offset in the log of ``node``. `nil`: none was given.
  public var position: Int64?
  /// The fencing token sent with a write, or standing in the row that was seen. `nil`: none.
  public var token: Int64?
  /// The consumer group of an ``OperationKind/apply``. `nil` otherwise.
  public var group: GroupIndex?
  /// The position the group had committed after this operation. `nil`: not known.
  public var committed: Int64?
  /// A checksum of the payload. `nil`: not taken.
  public var checksum: UInt64?
  /// When it began: stamped before the request could leave.
  public var invoked: Int64
  /// When its end was known: stamped after the reply was read. `nil`: it never ended.
  public var completed: Int64?
  /// How it ended.
  public var outcome: Outcome
  /// What a remote node's clock said, nanoseconds since 1970. `nil`: not asked. Never used to order operations.
  public var wall: Int64?
  /// How far ``wall`` may be from the recorder's wall clock, in nanoseconds, either way. `nil`: not known.
  public var wallUncertainty: Int64?

  /// An operation that has not ended yet; the recorder stamps its times.
  public init(
    _ kind: OperationKind, process: UInt32, event: EventID, key: UInt32, keySequence: UInt64, node: NodeIndex,
    region: NodeIndex, origin: NodeIndex? = nil, position: Int64? = nil, token: Int64? = nil,
    group: GroupIndex? = nil, committed: Int64? = nil, checksum: UInt64? = nil, invoked: Int64 = 0,
    completed: Int64? = nil, outcome: Outcome = .unknown(.neverCompleted), wall: Int64? = nil,
    wallUncertainty: Int64? = nil
  ) {
    self.kind = kind
    self.process = process
    self.event = event
    self.key = key
    self.keySequence = keySequence
    self.node = node
    self.region = region
    self.origin = origin
    self.position = position
    self.token = token
    self.group = group
    self.committed = committed
    self.checksum = checksum
    self.invoked = invoked
    self.completed = completed
    self.outcome = outcome
    self.wall = wall
    self.wallUncertainty = wallUncertainty
  }
}
