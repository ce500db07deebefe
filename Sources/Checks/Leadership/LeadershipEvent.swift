public import Events

/// A fencing token. Tokens of two coordination services, or of one before and after it was restored from a backup, cannot be
/// compared by their revision; the epoch, which people or the recovery procedure raise, comes first.
public struct FencingToken: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// Raised whenever the coordination service is replaced or restored. 0 where there is only one.
  public var epoch: Int64
  /// The coordination service's own number.
  public var revision: Int64

  /// A token.
  public init(epoch: Int64 = 0, _ revision: Int64) {
    self.epoch = epoch
    self.revision = revision
  }

  /// By epoch, then by revision.
  public static func < (left: FencingToken, right: FencingToken) -> Bool {
    (left.epoch, left.revision) < (right.epoch, right.revision)
  }

  /// `7`, or `2.7` with an epoch.
  public var description: String { epoch == 0 ? "\(revision)" : "\(epoch).\(revision)" }
}

/// Something that happened to a lease, as its holder saw it. Times are nanoseconds on the recorder's clock.
public struct LeaseChange: Sendable, Hashable {
  /// What happened.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// The holder was granted leadership.
    case acquired
    /// It kept its lease alive.
    case renewed
    /// It gave the lease back.
    case released
    /// It stopped to act as leader by itself: it was told, or noticed, that it leads no longer.
    case stopped
    /// The lease is known to have been lost, whatever its holder believes: from then on nobody keeps it alive.
    case lost
  }

  /// What happened.
  public var kind: Kind
  /// Who.
  public var holder: String
  /// The token that goes with the lease.
  public var token: FencingToken
  /// When the request that was granted left: where candidates wait for their turn, when the turn came. The same as
  /// ``returned`` when only that is known.
  public var invoked: Int64
  /// When the holder knew.
  public var returned: Int64
  /// Until when the holder may believe in its lease; of a lost one, until when it may have been in force. `nil`: not known.
  public var leaseEnd: Int64?
  /// For how long the lease was given. `nil`: not known.
  public var ttl: Int64?
  /// By how much ``leaseEnd`` may be wrong, because it is reckoned on another node's clock.
  public var uncertainty: Int64
  /// What the holder's own clock said when it sent the request. `nil`: not kept.
  public var holderClock: Int64?

  /// A change of a lease.
  public init(
    _ kind: Kind, holder: String, token: FencingToken, invoked: Int64, returned: Int64, leaseEnd: Int64? = nil,
    ttl: Int64? = nil, uncertainty: Int64 = 0, holderClock: Int64? = nil
  ) {
    self.kind = kind
    self.holder = holder
    self.token = token
    self.invoked = invoked
    self.returned = returned
    self.leaseEnd = leaseEnd
    self.ttl = ttl
    self.uncertainty = uncertainty
    self.holderClock = holderClock
  }
}

/// A write with a token, as its writer saw it. Times are nanoseconds on the recorder's clock.
public struct FencedWrite: Sendable, Hashable {
  /// How it ended.
  public enum Status: String, Sendable, Hashable {
    /// It was acknowledged.
    case ok
    /// The fence refused its token.
    case rejected
    /// The resource took no writes at all, whatever their token.
    case closed
    /// It certainly had no effect, for another reason.
    case failed
    /// It may have had an effect.
    case unknown
  }

  /// By whom.
  public var holder: String
  /// With which token.
  public var token: FencingToken
  /// To what.
  public var resource: String
  /// What was written, by which it is found in the resource's own order. `nil`: not kept.
  public var event: EventID?
  /// When it began.
  public var invoked: Int64
  /// When its end was known. `nil`: it never was.
  public var returned: Int64?
  /// How it ended.
  public var status: Status
  /// What the holder's own clock said before the request left. `nil`: not kept.
  public var holderClock: Int64?

  /// A write.
  public init(
    holder: String, token: FencingToken, resource: String, event: EventID?, invoked: Int64, returned: Int64?,
    status: Status, holderClock: Int64? = nil
  ) {
    self.holder = holder
    self.token = token
    self.resource = resource
    self.event = event
    self.invoked = invoked
    self.returned = returned
    self.status = status
    self.holderClock = holderClock
  }
}

/// The next thing in the order in which a fenced resource itself took tokens.
public struct FenceAccept: Sendable, Hashable {
  /// The resource.
  public var resource: String
  /// The place in its own order, rising.
  public var sequence: Int64
  /// The token.
  public var token: FencingToken
  /// What was written. `nil`: not kept, or nothing: the fence was only told of the token.
  public var event: EventID?
  /// Whether the fence was only told of the token, so that it refuses lower ones from here on.
  public var isSeal: Bool
  /// When the write that was accepted began, on the recorder's clock. `nil`: not known.
  public var invoked: Int64?
  /// When it was known to be accepted, on the recorder's clock. `nil`: not known.
  public var known: Int64?

  /// A token that was taken.
  public init(
    resource: String, sequence: Int64, token: FencingToken, event: EventID? = nil, isSeal: Bool = false,
    invoked: Int64? = nil, known: Int64? = nil
  ) {
    self.resource = resource
    self.sequence = sequence
    self.token = token
    self.event = event
    self.isSeal = isSeal
    self.invoked = invoked
    self.known = known
  }
}

/// The next record of a transactional producer in one log.
public struct ProducerAppend: Sendable, Hashable {
  /// The transactional id.
  public var transactionalID: String
  /// The epoch of the producer that wrote it.
  public var epoch: Int32
  /// The log.
  public var log: String
  /// The record's offset.
  public var offset: Int64
  /// The event. `nil`: it bears none.
  public var event: EventID?

  /// A record.
  public init(transactionalID: String, epoch: Int32, log: String, offset: Int64, event: EventID? = nil) {
    self.transactionalID = transactionalID
    self.epoch = epoch
    self.log = log
    self.offset = offset
    self.event = event
  }
}

/// One thing seen about leadership.
///
/// Changes of leases and writes come in the order in which they returned; those that never did come last. What a resource
/// accepted comes in the resource's own order, the records of a log in the order of the log. Between these there is no order,
/// except that a grant comes before what was accepted after it.
public enum LeadershipEvent: Sendable, Hashable {
  /// A lease changed.
  case lease(LeaseChange)
  /// A write was tried.
  case write(FencedWrite)
  /// A resource took a token.
  case accept(FenceAccept)
  /// All that a resource accepted is known: what is not in its order by the end was not accepted.
  case acceptsAreComplete(resource: String)
  /// A record of a transactional producer stands in a log.
  case append(ProducerAppend)
  /// A node was proven to be cut off from the quorum, from one moment to another on the recorder's clock.
  case isolated(node: String, during: ClosedRange<Int64>)
  /// Nothing more will come. `at`: when the record ends, on the recorder's clock; `nil`: not known.
  case end(at: Int64?)
}

/// What is demanded of leadership. Durations are nanoseconds.
public struct LeadershipExpectations: Sendable, Hashable {
  /// From the end of one lease to the next grant. `nil`: twice the time to live of the lease that ended.
  public var electionWithin: Int64?
  /// The most grants in ``flappingWindow`` that are no flapping.
  public var grantsPerWindow: Int
  /// See ``grantsPerWindow``.
  public var flappingWindow: Int64
  /// How long after its lease a node that is cut off may go on accepting, for clocks run at different rates.
  public var isolationMargin: Int64

  /// Five grants a minute, elections within twice the time to live.
  public init(
    electionWithin: Int64? = nil, grantsPerWindow: Int = 5, flappingWindow: Int64 = 60_000_000_000,
    isolationMargin: Int64 = 1_000_000_000
  ) {
    self.electionWithin = electionWithin
    self.grantsPerWindow = grantsPerWindow
    self.flappingWindow = flappingWindow
    self.isolationMargin = isolationMargin
  }
}
