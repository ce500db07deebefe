/// What happened to a lease, by the election's own history.
public struct LeaseRow: GroundTruthRow {
  /// A row of a `leases` dump.
  public static let dumpKind = DumpKind.leases

  /// A change in a lease's life.
  public enum Change: String, Sendable, Hashable, Codable {
    /// It was given to its holder.
    case granted
    /// It was kept alive.
    case renewed
    /// Its holder gave it back.
    case released
    /// Its time ran out.
    case expired
  }

  /// The election.
  public var store: String
  /// The lease, by the election's own number.
  public var lease: Int64
  /// What happened to it.
  public var change: Change
  /// Who holds it.
  public var holder: String
  /// The fencing token that goes with it. `nil`: not told.
  public var token: Int64?
  /// For how long it was given or kept alive, in nanoseconds. `nil`: not told.
  public var ttl: Int64?
  /// The place in the election's own order. `nil`: not told.
  public var revision: Int64?
  /// When, nanoseconds on the recorder's monotonic clock.
  public var observed: Int64

  /// A change of a lease.
  public init(
    store: String, lease: Int64, change: Change, holder: String, token: Int64? = nil, ttl: Int64? = nil,
    revision: Int64? = nil, observed: Int64
  ) {
    self.store = store
    self.lease = lease
    self.change = change
    self.holder = holder
    self.token = token
    self.ttl = ttl
    self.revision = revision
    self.observed = observed
  }
}

/// One write in the order in which a fenced resource accepted them.
public struct AcceptRow: GroundTruthRow {
  /// A row of an `accepts` dump.
  public static let dumpKind = DumpKind.accepts
  /// The resource.
  public var resource: String
  /// The place in the resource's own order, rising.
  public var sequence: Int64
  /// The token that the write carried. `nil`: none.
  public var token: Int64?
  /// The event written. `nil`: the write was about none.
  public var event: EventID?
  /// Who wrote. `nil`: not kept.
  public var holder: String?
  /// When it was accepted, nanoseconds on the recorder's monotonic clock. `nil`: known only by its order.
  public var observed: Int64?

  /// An accepted write.
  public init(
    resource: String, sequence: Int64, token: Int64?, event: EventID? = nil, holder: String? = nil,
    observed: Int64? = nil
  ) {
    self.resource = resource
    self.sequence = sequence
    self.token = token
    self.event = event
    self.holder = holder
    self.observed = observed
  }
}

/// One timeline of a replicated store, and where it left the one before.
public struct TimelineRow: GroundTruthRow {
  /// A row of a `timelines` dump.
  public static let dumpKind = DumpKind.timelines
  /// The store.
  public var store: String
  /// The timeline's number.
  public var timeline: UInt32
  /// The timeline that it left. `nil`: it is the first.
  public var parent: UInt32?
  /// The byte of the parent's log at which it left. `nil`: it is the first.
  public var fork: UInt64?
  /// When, nanoseconds on the recorder's monotonic clock. `nil`: nobody looked.
  public var observed: Int64?

  /// A timeline.
  public init(store: String, timeline: UInt32, parent: UInt32?, fork: UInt64?, observed: Int64? = nil) {
    self.store = store
    self.timeline = timeline
    self.parent = parent
    self.fork = fork
    self.observed = observed
  }
}

/// Where in its log a replicated store committed one event.
public struct CommitRow: GroundTruthRow {
  /// A row of a `commits` dump.
  public static let dumpKind = DumpKind.commits
  /// The store.
  public var store: String
  /// The event.
  public var event: EventID
  /// The timeline on which it was committed.
  public var timeline: UInt32
  /// The byte of that timeline's log.
  public var location: UInt64
  /// When, nanoseconds on the recorder's monotonic clock. `nil`: known only by its place.
  public var observed: Int64?

  /// A committed event.
  public init(store: String, event: EventID, timeline: UInt32, location: UInt64, observed: Int64? = nil) {
    self.store = store
    self.event = event
    self.timeline = timeline
    self.location = location
    self.observed = observed
  }
}

/// What was done about one event that only one side had.
public struct ReconciledRow: GroundTruthRow {
  /// A row of a `reconciled` dump.
  public static let dumpKind = DumpKind.reconciled

  /// How an event that only one side had was dealt with.
  public enum Disposition: String, Sendable, Hashable, Codable {
    /// It was written to the other side.
    case replayed
    /// It was taken away, and reported.
    case discarded
    /// It contradicts what the other side has; a person must decide.
    case conflict
  }

  /// The store that had it.
  public var store: String
  /// The event.
  public var event: EventID
  /// What was done about it.
  public var disposition: Disposition
  /// When, nanoseconds on the recorder's monotonic clock. `nil`: not kept.
  public var observed: Int64?

  /// A reconciled event.
  public init(store: String, event: EventID, disposition: Disposition, observed: Int64? = nil) {
    self.store = store
    self.event = event
    self.disposition = disposition
    self.observed = observed
  }
}
