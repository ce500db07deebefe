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

  /// A consumer was given the event at a position of a partition. Without an event: the call gave nothing.
  case poll = 5
  /// A producer opened a transaction.
  case beginTransaction = 6
  /// A producer asked for its transaction to be committed.
  case commitTransaction = 7
  /// A producer asked for its transaction to be aborted.
  case abortTransaction = 8
  /// A consumer's set of partitions was replaced: one operation a partition, all of one call. Without a partition: none.
  case assign = 9
  /// A consumer asked for a set of topics, as ``assign`` for partitions; who gets which is the group's decision.
  case subscribe = 10
  /// A consumer lost a partition.
  case revoke = 11
  /// A group's position in a partition was committed: ``Operation/committed`` is the next position to read.
  case commitPosition = 12
  /// A member of a group was done with the event and will not need it again.
  case process = 13

  /// Somebody asked for leadership and got it, or not.
  case acquire = 14
  /// A leader kept its lease alive.
  case renew = 15
  /// A leader gave its lease back.
  case release = 16
  /// A leader noticed that it leads no longer.
  case lose = 17

  /// A register was read: ``Operation/value`` is what stood there, absent when there was nothing.
  case read = 18
  /// ``Operation/value`` was written to a register, or to a fenced resource with a token.
  case write = 19
  /// ``Operation/value`` was written to a register if ``Operation/expected`` stood there.
  case compareAndSet = 20
}

/// One operation of the workload: its invocation and, where there was one, its completion.
///
/// Fixed-width throughout; names are numbers into the history's ``NameTable``. All times are nanoseconds on the
/// recorder's monotonic clock, except ``wall``. A field that a kind has no use for is absent, and costs nothing in the file.
public struct Operation: Sendable, Hashable, Codable {
  /// What it was.
  public var kind: OperationKind
  /// The worker that did it. A worker does one operation at a time.
  public var process: UInt32
  /// The event written, seen or applied; ``EventID/none`` for operations that are about no event.
  public var event: EventID
  /// The aggregate the event belongs to; the register for reads and writes.
  public var key: UInt32
  /// The event's place in its aggregate's own sequence, rising.
  public var keySequence: UInt64
  /// The store it went to: a database, a cluster, a fenced resource, an election.
  public var node: NodeIndex
  /// The region its worker ran in.
  public var region: NodeIndex
  /// The region whose store first accepted the event. `nil`: not known to this worker.
  public var origin: NodeIndex?
  /// The event's offset in the log of ``node``, or in ``partition`` of it; for a fenced resource its place in the order in
  /// which the resource accepted. `nil`: none was given. −1 is kept as it came, and is no offset.
  public var position: Int64?
  /// The fencing token or term: sent with a write, granted with a lease, or standing in the row that was seen. `nil`: none.
  public var token: Int64?
  /// The consumer group. `nil`: none.
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

  /// The partition of a log. `nil`: ``node`` has one log only.
  public var partition: PartitionIndex?
  /// What the operations that one call made have in common: the records of one poll, the sends of one request, the
  /// partitions of one assignment. They follow each other in the call's own order. `nil`: a call of its own.
  public var call: UInt64?
  /// The transaction it belongs to, numbered through the run. `nil`: none.
  public var transaction: UInt64?
  /// How often the client of ``process`` had been made anew. `nil`: not counted.
  public var incarnation: UInt32?
  /// The member of ``group``. `nil`: not known.
  public var member: MemberIndex?
  /// The group's generation, by which an assignment is valid. `nil`: not known.
  public var generation: Int32?
  /// The epoch of the partition's leader that answered. `nil`: not told.
  public var leaderEpoch: Int32?
  /// The epoch of the transactional producer. `nil`: not told.
  public var producerEpoch: Int32?
  /// The lease, by the election's own number. `nil`: none.
  public var lease: Int64?
  /// For how long the lease was granted, in nanoseconds. `nil`: not told.
  public var ttl: Int64?
  /// When the lease ends at the latest, as far as its holder knows. `nil`: not known.
  public var leaseEnd: Int64?
  /// What a register held or was given. `nil`: nothing, or not known.
  public var value: Int64?
  /// What had to stand in the register for a ``OperationKind/compareAndSet``. `nil`: nothing.
  public var expected: Int64?
  /// The hash of the key by which a partitioner chooses. `nil`: not taken.
  public var keyHash: UInt64?
  /// The class the key belongs to, for figures a class. `nil`: not classed.
  public var keyClass: KeyClassIndex?

  /// An operation that has not ended yet; the recorder stamps its times.
  public init(
    _ kind: OperationKind, process: UInt32, event: EventID = .none, key: UInt32 = 0, keySequence: UInt64 = 0,
    node: NodeIndex, region: NodeIndex, origin: NodeIndex? = nil, position: Int64? = nil, token: Int64? = nil,
    group: GroupIndex? = nil, committed: Int64? = nil, checksum: UInt64? = nil, invoked: Int64 = 0,
    completed: Int64? = nil, outcome: Outcome = .unknown(.neverCompleted), wall: Int64? = nil,
    wallUncertainty: Int64? = nil, partition: PartitionIndex? = nil, call: UInt64? = nil, transaction: UInt64? = nil
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
    self.partition = partition
    self.call = call
    self.transaction = transaction
  }
}
