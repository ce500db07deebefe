/// What became of one event: who wrote it, who acknowledged it, where it is, who worked on it, how often it took effect.
///
/// Put together by a ``LineageTracer``. Times are nanoseconds on the recorder's monotonic clock. Lists are in the order in
/// which the evidence came.
public struct Lineage: Sendable, Hashable, Codable {
  /// The event.
  public var event: EventID
  /// The aggregate it belongs to. `nil`: nothing is known of the event.
  public var key: UInt32?
  /// Its place in the aggregate's own sequence.
  public var keySequence: UInt64?
  /// The writes of it that were tried.
  public var attempts: [Attempt] = []
  /// The stores that have it, or had it when somebody looked.
  public var copies: [Copy] = []
  /// What consumers were given.
  public var deliveries: [Delivery] = []
  /// How often it took effect, by the groups' own tables.
  public var effects: [Effect] = []
  /// What reconciliation did about it.
  public var touches: [Touch] = []
  /// What the evidence covers, so that absence can be told from not knowing.
  public var coverage: Coverage

  /// A lineage in which nothing is known yet.
  init(event: EventID, coverage: Coverage) {
    self.event = event
    self.coverage = coverage
  }
}

extension Lineage {
  /// One write that was tried.
  public struct Attempt: Sendable, Hashable, Codable {
    /// How it ended.
    public enum End: String, Sendable, Hashable, Codable {
      /// The store acknowledged it.
      case acknowledged
      /// It certainly had no effect.
      case refused
      /// It may have had one.
      case unknown
    }

    /// The worker.
    public var process: UInt32
    /// Where the worker ran.
    public var region: String
    /// Where the write went.
    public var store: String
    /// The partition it went to. `nil`: the store has one log.
    public var partition: String?
    /// The fencing token it carried. `nil`: none.
    public var token: Int64?
    /// Whether that token was old on purpose.
    public var isStale: Bool
    /// The producer's epoch. `nil`: none.
    public var producerEpoch: Int32?
    /// The transaction. `nil`: none.
    public var transaction: UInt64?
    /// When it began.
    public var invoked: Int64
    /// When its end was known. `nil`: never.
    public var completed: Int64?
    /// How it ended.
    public var end: End
    /// Why it was refused or is not known, such as `BS409`. `nil`: it was acknowledged.
    public var code: String?
    /// The position that the store gave it. `nil`: none.
    public var position: Int64?
    /// The epoch of the leader that acknowledged it. `nil`: not told.
    public var leaderEpoch: Int32?
  }

  /// The event in one place of one store's log.
  public struct Copy: Sendable, Hashable, Codable {
    /// The store.
    public var store: String
    /// The partition. `nil`: the store has one log.
    public var partition: String?
    /// The place. `nil`: not told.
    public var position: Int64?
    /// The region whose store accepted it first. `nil`: not known.
    public var origin: String?
    /// When a tail or a consumer first saw it there. `nil`: nobody saw it there during the drill.
    public var firstSeen: Int64?
    /// Whether the store's own log has it at the end. `nil`: the log was not dumped.
    public var inLog: Bool?
    /// The timeline and the byte of the store's log where it was committed. `nil`: not told.
    public var commit: Commit?
  }

  /// Where a replicated store committed the event.
  public struct Commit: Sendable, Hashable, Codable {
    /// The timeline.
    public var timeline: UInt32
    /// The byte of that timeline's log.
    public var location: UInt64
  }

  /// The event in a consumer's hands.
  public struct Delivery: Sendable, Hashable, Codable {
    /// What the consumer did with it.
    public enum Work: String, Sendable, Hashable, Codable {
      /// It was given the event.
      case polled
      /// It was done with the event.
      case processed
      /// It applied the event.
      case applied
      /// It was given the event again, and refused it.
      case repeated
      /// It tried to apply the event; whether that took effect is not known.
      case unknown
    }

    /// What was done.
    public var work: Work
    /// The worker.
    public var process: UInt32
    /// The group. `nil`: none.
    public var group: String?
    /// The member of the group. `nil`: not told.
    public var member: String?
    /// Where the event was read.
    public var store: String
    /// The partition. `nil`: the store has one log.
    public var partition: String?
    /// The place. `nil`: not told.
    public var position: Int64?
    /// When it ended; where it never did, when it began.
    public var at: Int64
  }

  /// How often a group applied the event, by its own table.
  public struct Effect: Sendable, Hashable, Codable {
    /// The group.
    public var group: String
    /// The store it reads from.
    public var store: String
    /// How often; 1 when all is well.
    public var times: Int
  }

  /// What reconciliation did about the event.
  public struct Touch: Sendable, Hashable, Codable {
    /// The store that had it.
    public var store: String
    /// What was done.
    public var disposition: ReconciledRow.Disposition
    /// When. `nil`: not kept.
    public var at: Int64?
  }

  /// What a lineage could be drawn from.
  public struct Coverage: Sendable, Hashable, Codable {
    /// Stores whose whole log was dumped.
    public var dumpedStores: [String] = []
    /// Groups whose effects were dumped, each with its store. `nil`: no effects were dumped.
    public var effects: [Effect]?
    /// Whether what reconciliation did was recorded.
    public var reconciliation = false
  }
}
