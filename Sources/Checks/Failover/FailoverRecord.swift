public import Events

/// One failover as its checks see it, whatever the stack: who wrote what under which epoch, what both logs hold, and when the
/// new site took over. Times are nanoseconds on the recorder's clock.
///
/// What a stack cannot tell is `nil`, which is another thing than empty: a row of the taxonomy that needs it is then not
/// applicable.
public struct FailoverRecord: Sendable {
  /// One part of the stream that fails over by itself: a partition, and the class of the keys in it.
  public struct Lane: Sendable, Hashable, Codable, Comparable, CustomStringConvertible {
    /// The partition; 0 where the log has only one.
    public var partition: Int
    /// The class of the keys, such as a tenant's or the producers' region.
    public var keyClass: String

    /// A part of the stream.
    public init(partition: Int, keyClass: String) {
      self.partition = partition
      self.keyClass = keyClass
    }

    /// By partition, then by class.
    public static func < (left: Lane, right: Lane) -> Bool {
      (left.partition, left.keyClass) < (right.partition, right.keyClass)
    }

    /// `partition 3, gold`.
    public var description: String { "partition \(partition), \(keyClass)" }
  }

  /// One attempt to write.
  public struct Write: Sendable, Hashable {
    /// What is written.
    public var event: EventID
    /// Where it belongs.
    public var lane: Lane
    /// The site it was sent to.
    public var site: String
    /// The epoch or fencing token it was sent under.
    public var epoch: Int64
    /// When it began.
    public var invoked: Int64
    /// When it ended, or was given up.
    public var ended: Int64
    /// Whether it was acknowledged. Anything else took no effect, or nobody knows.
    public var isAcknowledged: Bool

    /// An attempt to write.
    public init(
      event: EventID, lane: Lane, site: String, epoch: Int64, invoked: Int64, ended: Int64, isAcknowledged: Bool
    ) {
      self.event = event
      self.lane = lane
      self.site = site
      self.epoch = epoch
      self.invoked = invoked
      self.ended = ended
      self.isAcknowledged = isAcknowledged
    }
  }

  /// One record in a site's log.
  public struct Row: Sendable, Hashable {
    /// The record.
    public var event: EventID
    /// Its partition.
    public var partition: Int
    /// Its place in this site's log of that partition.
    public var position: Int64
    /// Its key.
    public var key: UInt32
    /// Its place in its key's own sequence.
    public var keySequence: UInt64
    /// The epoch it was accepted under.
    public var epoch: Int64

    /// A record of a log.
    public init(event: EventID, partition: Int, position: Int64, key: UInt32, keySequence: UInt64, epoch: Int64) {
      self.event = event
      self.partition = partition
      self.position = position
      self.key = key
      self.keySequence = keySequence
      self.epoch = epoch
    }
  }

  /// What was decided about a record that only the old site had.
  public enum Disposition: String, Sendable, Hashable, Codable {
    /// It was carried over.
    case reconciled
    /// It was given up, and somebody was told so.
    case discarded
    /// It contradicts what the new site has, and stands in a list for people.
    case conflict
  }

  /// One transaction of an event store, by the store's own log.
  public struct Commit: Sendable, Hashable {
    /// The event that it wrote.
    public var event: EventID
    /// The timeline it was committed on.
    public var timeline: Int64
    /// Where its commit stands in the write-ahead log.
    public var position: UInt64

    /// A commit.
    public init(event: EventID, timeline: Int64, position: UInt64) {
      self.event = event
      self.timeline = timeline
      self.position = position
    }
  }

  /// Where a timeline of an event store left another.
  public struct Fork: Sendable, Hashable {
    /// The timeline that was left.
    public var parent: Int64
    /// The timeline that began.
    public var timeline: Int64
    /// The last position that both have.
    public var position: UInt64

    /// A fork.
    public init(parent: Int64, timeline: Int64, position: UInt64) {
      self.parent = parent
      self.timeline = timeline
      self.position = position
    }
  }

  /// What the drill demands of a failover. `nil`: it is measured, not limited.
  public struct Limits: Sendable, Hashable {
    /// The most acknowledged records that may be missing at the barrier.
    public var missing: Int?
    /// The longest RPO.
    public var recoveryPoint: Int64?
    /// The longest RTO.
    public var recoveryTime: Int64?
    /// The share of writes that must be acknowledged for service to count as back, 0…1.
    public var successRate = 0.95
    /// The 99th percentile of acknowledged writes' latency, at most, for service to count as back.
    public var latency: Int64 = 1_000_000_000
    /// How long both must hold.
    public var window: Int64 = 1_000_000_000
    /// The longest interval at which any part of the stack refreshes its state: two equal snapshots must be further apart.
    public var refreshInterval: Int64 = 1_000_000_000

    /// No limit, and the default terms of service.
    public init() {}
  }

  /// The site that lost its authority.
  public var oldSite: String
  /// The site that took over.
  public var newSite: String
  /// The first epoch of the new reign. Anything lower is of the old one.
  public var newEpoch: Int64
  /// When the fault was proven in force, or the leader was lost, if that was earlier.
  public var lost: Int64
  /// When the new site was promoted.
  public var promoted: Int64
  /// When the faults were verified gone. `nil`: they were not.
  public var healed: Int64?
  /// The end of each partition of the new site's log when it was promoted.
  public var barrier: [Int: Int64]
  /// Classes whose producers were lost with the old site: service does not have to come back for them before the heal.
  public var lostClasses: Set<String>
  /// All attempts to write, in the order in which they ended.
  public var writes: [Write]
  /// The old site's log at the end.
  public var oldLog: [Row]
  /// The new site's log at the end.
  public var newLog: [Row]
  /// What was decided about records that only the old site had. `nil`: the stack does not decide; nothing may be left over.
  public var dispositions: [EventID: Disposition]?
  /// How often each group was given events again after the failover. `nil`: not known.
  public var replays: [String: Int]?
  /// Effects that a group applied more than once, with how often. `nil`: not known.
  public var repeatedEffects: [String: [EventID: Int]]?
  /// How many effects were looked at.
  public var effects: Int
  /// The event stores' commits. `nil`: their logs were not read.
  public var commits: [Commit]?
  /// Where the new site's store left the old one's timeline. `nil`: it has its own.
  public var fork: Fork?
  /// The state of the whole after the heal, in the order of time. `nil`: nobody looked twice.
  public var snapshots: [StateSnapshot]?
  /// What is demanded.
  public var limits: Limits

  /// A failover of which only the writes and the two logs are known.
  public init(
    from oldSite: String, to newSite: String, newEpoch: Int64, lost: Int64, promoted: Int64, healed: Int64?,
    barrier: [Int: Int64], lostClasses: Set<String> = [], writes: [Write], oldLog: [Row], newLog: [Row],
    limits: Limits = Limits()
  ) {
    self.oldSite = oldSite
    self.newSite = newSite
    self.newEpoch = newEpoch
    self.lost = lost
    self.promoted = promoted
    self.healed = healed
    self.barrier = barrier
    self.lostClasses = lostClasses
    self.writes = writes
    self.oldLog = oldLog
    self.newLog = newLog
    effects = 0
    self.limits = limits
  }

  /// When the service was lost until it was back: attempts of the old reign that were acknowledged by the old site.
  var oldAcknowledgements: [Write] {
    writes.filter { $0.isAcknowledged && $0.epoch < newEpoch }
  }
}

/// The state of every invariant of a stack at one moment.
public struct StateSnapshot: Sendable, Hashable, Codable {
  /// When, nanoseconds on the recorder's clock.
  public var time: Int64
  /// A digest of each part's state: a store's log, a group's progress, the holder of authority.
  public var values: [String: String]

  /// A state.
  public init(time: Int64, values: [String: String]) {
    self.time = time
    self.values = values
  }
}
