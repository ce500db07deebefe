/// The load of a drill.
public struct WorkloadPlan: Sendable, Hashable, Codable {
  /// Who writes.
  public var producers: [Producer]
  /// Who reads and projects.
  public var consumers: [Consumer]
  /// The writer that keeps its token across a failover; `nil`: nobody tries a stale token.
  public var oldLeader: OldLeader?

  /// A load from its parts.
  public init(producers: [Producer], consumers: [Consumer] = [], oldLeader: OldLeader? = nil) {
    self.producers = producers
    self.consumers = consumers
    self.oldLeader = oldLeader
  }
}

/// A group of workers in one region that append events to whichever store holds write authority.
public struct Producer: Sendable, Hashable, Codable {
  /// Its name.
  public var name: String
  /// The region the workers run in.
  public var region: String
  /// How many write at the same time.
  public var workers: Int
  /// Events of all workers together.
  public var rate: Rate
  /// Aggregates they write to, dealt out among the workers so that each aggregate has one writer.
  public var keys: Int

  /// A producer from its parts.
  public init(name: String, region: String, workers: Int = 1, rate: Rate, keys: Int) {
    self.name = name
    self.region = region
    self.workers = workers
    self.rate = rate
    self.keys = keys
  }
}

/// A reader in one region that keeps a projection of one store's log.
public struct Consumer: Sendable, Hashable, Codable {
  /// Its name, which is also its group.
  public var name: String
  /// The region it runs in.
  public var region: String
  /// The region whose store it reads.
  public var store: String
  /// Where it goes on reading when it comes to a log in which it has no position.
  public var resume: ResumeRule

  /// Where a consumer goes on reading in a log in which it has no position.
  public enum ResumeRule: String, Sendable, Hashable, Codable, CaseIterable {
    /// At its checkpoint, translated by event.
    case checkpoint
    /// At the beginning: everything again.
    case earliest
    /// At the end: what was written meanwhile is skipped.
    case latest
  }

  /// A consumer from its parts.
  public init(name: String, region: String, store: String, resume: ResumeRule = .checkpoint) {
    self.name = name
    self.region = region
    self.store = store
    self.resume = resume
  }
}

/// A writer that keeps the token it got in the normal phase and goes on writing with it to every guarded store: what a
/// paused or cut-off leader does when it comes back.
public struct OldLeader: Sendable, Hashable, Codable {
  /// The region it runs in.
  public var region: String
  /// Attempts, each one on every guarded store.
  public var rate: Rate

  /// An old leader from its parts.
  public init(region: String, rate: Rate) {
    self.region = region
    self.rate = rate
  }
}
