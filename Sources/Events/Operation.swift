/// One operation of the workload: its invocation and, where there was one, its completion.
///
/// Fixed-width throughout; names are numbers into the history's ``NameTable``. All times are nanoseconds on the
/// recorder's monotonic clock, except ``wall``. A field that a kind has no use for is absent, and costs nothing in the file.
///
/// A recorder copies operations on its callers' time, so an operation keeps which of its optional fields there are in one
/// mask instead of beside each of them: 200 bytes instead of 344. The value of an absent field is 0.
public struct Operation: Sendable, Hashable {
  /// When it began: stamped before the request could leave.
  public var invoked: Int64
  /// The event's place in its aggregate's own sequence, rising.
  public var keySequence: UInt64
  @usableFromInline var sequence: UInt64
  @usableFromInline var rawPosition: Int64 = 0
  @usableFromInline var rawToken: Int64 = 0
  @usableFromInline var rawCommitted: Int64 = 0
  @usableFromInline var rawChecksum: UInt64 = 0
  @usableFromInline var rawCompleted: Int64 = 0
  @usableFromInline var rawWall: Int64 = 0
  @usableFromInline var rawWallUncertainty: Int64 = 0
  @usableFromInline var rawCall: UInt64 = 0
  @usableFromInline var rawTransaction: UInt64 = 0
  @usableFromInline var rawLease: Int64 = 0
  @usableFromInline var rawTTL: Int64 = 0
  @usableFromInline var rawLeaseEnd: Int64 = 0
  @usableFromInline var rawValue: Int64 = 0
  @usableFromInline var rawExpected: Int64 = 0
  @usableFromInline var rawKeyHash: UInt64 = 0
  @usableFromInline var producer: UInt32
  /// The worker that did it. A worker does one operation at a time.
  public var process: UInt32
  /// The aggregate the event belongs to; the register for reads and writes.
  public var key: UInt32
  /// Which of the optional fields there are, by the bits of ``OperationField``; ``OperationField/presence`` stands for
  /// ``completed``.
  @usableFromInline var presence: UInt32 = 0
  @usableFromInline var rawPartition: UInt32 = 0
  @usableFromInline var rawIncarnation: UInt32 = 0
  @usableFromInline var rawMember: UInt32 = 0
  @usableFromInline var rawGeneration: Int32 = 0
  @usableFromInline var rawLeaderEpoch: Int32 = 0
  @usableFromInline var rawProducerEpoch: Int32 = 0
  /// The store it went to: a database, a cluster, a fenced resource, an election.
  public var node: NodeIndex
  /// The region its worker ran in.
  public var region: NodeIndex
  @usableFromInline var rawOrigin: UInt16 = 0
  @usableFromInline var rawGroup: UInt16 = 0
  @usableFromInline var rawKeyClass: UInt16 = 0
  /// How it ended.
  public var outcome: Outcome
  /// What it was.
  public var kind: OperationKind

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
    sequence = event.sequence
    producer = event.producer
    self.key = key
    self.keySequence = keySequence
    self.node = node
    self.region = region
    self.invoked = invoked
    self.outcome = outcome
    self.origin = origin
    self.position = position
    self.token = token
    self.group = group
    self.committed = committed
    self.checksum = checksum
    self.completed = completed
    self.wall = wall
    self.wallUncertainty = wallUncertainty
    self.partition = partition
    self.call = call
    self.transaction = transaction
  }
}

extension Operation {
  /// The event written, seen or applied; ``EventID/none`` for operations that are about no event.
  public var event: EventID {
    @inlinable get { EventID(producer: producer, sequence: sequence) }
    @inlinable set { (producer, sequence) = (newValue.producer, newValue.sequence) }
  }
  /// The region whose store first accepted the event. `nil`: not known to this worker.
  public var origin: NodeIndex? {
    @inlinable get { has(.origin) ? NodeIndex(rawValue: rawOrigin) : nil }
    @inlinable set { rawOrigin = keep(newValue?.rawValue, .origin) }
  }
  /// The event's offset in the log of ``node``, or in ``partition`` of it; for a fenced resource its place in the order in
  /// which the resource accepted. `nil`: none was given. −1 is kept as it came, and is no offset.
  public var position: Int64? {
    @inlinable get { has(.position) ? rawPosition : nil }
    @inlinable set { rawPosition = keep(newValue, .position) }
  }
  /// The fencing token or term: sent with a write, granted with a lease, or standing in the row that was seen. `nil`: none.
  public var token: Int64? {
    @inlinable get { has(.token) ? rawToken : nil }
    @inlinable set { rawToken = keep(newValue, .token) }
  }
  /// The consumer group. `nil`: none.
  public var group: GroupIndex? {
    @inlinable get { has(.group) ? GroupIndex(rawValue: rawGroup) : nil }
    @inlinable set { rawGroup = keep(newValue?.rawValue, .group) }
  }
  /// The position the group had committed after this operation. `nil`: not known.
  public var committed: Int64? {
    @inlinable get { has(.committed) ? rawCommitted : nil }
    @inlinable set { rawCommitted = keep(newValue, .committed) }
  }
  /// A checksum of the payload. `nil`: not taken.
  public var checksum: UInt64? {
    @inlinable get { has(.checksum) ? rawChecksum : nil }
    @inlinable set { rawChecksum = keep(newValue, .checksum) }
  }
  /// When its end was known: stamped after the reply was read. `nil`: it never ended.
  public var completed: Int64? {
    @inlinable get { has(.presence) ? rawCompleted : nil }
    @inlinable set { rawCompleted = keep(newValue, .presence) }
  }
  /// What a remote node's clock said, nanoseconds since 1970. `nil`: not asked. Never used to order operations.
  public var wall: Int64? {
    @inlinable get { has(.wall) ? rawWall : nil }
    @inlinable set { rawWall = keep(newValue, .wall) }
  }
  /// How far ``wall`` may be from the recorder's wall clock, in nanoseconds, either way. `nil`: not known.
  public var wallUncertainty: Int64? {
    @inlinable get { has(.wallUncertainty) ? rawWallUncertainty : nil }
    @inlinable set { rawWallUncertainty = keep(newValue, .wallUncertainty) }
  }
  /// The partition of a log. `nil`: ``node`` has one log only.
  public var partition: PartitionIndex? {
    @inlinable get { has(.partition) ? PartitionIndex(rawValue: rawPartition) : nil }
    @inlinable set { rawPartition = keep(newValue?.rawValue, .partition) }
  }
  /// What the operations that one call made have in common: the records of one poll, the sends of one request, the
  /// partitions of one assignment. They follow each other in the call's own order. `nil`: a call of its own.
  public var call: UInt64? {
    @inlinable get { has(.call) ? rawCall : nil }
    @inlinable set { rawCall = keep(newValue, .call) }
  }
  /// The transaction it belongs to, numbered through the run. `nil`: none.
  public var transaction: UInt64? {
    @inlinable get { has(.transaction) ? rawTransaction : nil }
    @inlinable set { rawTransaction = keep(newValue, .transaction) }
  }
  /// How often the client of ``process`` had been made anew. `nil`: not counted.
  public var incarnation: UInt32? {
    @inlinable get { has(.incarnation) ? rawIncarnation : nil }
    @inlinable set { rawIncarnation = keep(newValue, .incarnation) }
  }
  /// The member of ``group``. `nil`: not known.
  public var member: MemberIndex? {
    @inlinable get { has(.member) ? MemberIndex(rawValue: rawMember) : nil }
    @inlinable set { rawMember = keep(newValue?.rawValue, .member) }
  }
  /// The group's generation, by which an assignment is valid. `nil`: not known.
  public var generation: Int32? {
    @inlinable get { has(.generation) ? rawGeneration : nil }
    @inlinable set { rawGeneration = keep(newValue, .generation) }
  }
  /// The epoch of the partition's leader that answered. `nil`: not told.
  public var leaderEpoch: Int32? {
    @inlinable get { has(.leaderEpoch) ? rawLeaderEpoch : nil }
    @inlinable set { rawLeaderEpoch = keep(newValue, .leaderEpoch) }
  }
  /// The epoch of the transactional producer. `nil`: not told.
  public var producerEpoch: Int32? {
    @inlinable get { has(.producerEpoch) ? rawProducerEpoch : nil }
    @inlinable set { rawProducerEpoch = keep(newValue, .producerEpoch) }
  }
  /// The lease, by the election's own number. `nil`: none.
  public var lease: Int64? {
    @inlinable get { has(.lease) ? rawLease : nil }
    @inlinable set { rawLease = keep(newValue, .lease) }
  }
  /// For how long the lease was granted, in nanoseconds. `nil`: not told.
  public var ttl: Int64? {
    @inlinable get { has(.ttl) ? rawTTL : nil }
    @inlinable set { rawTTL = keep(newValue, .ttl) }
  }
  /// When the lease ends at the latest, as far as its holder knows. `nil`: not known.
  public var leaseEnd: Int64? {
    @inlinable get { has(.leaseEnd) ? rawLeaseEnd : nil }
    @inlinable set { rawLeaseEnd = keep(newValue, .leaseEnd) }
  }
  /// What a register held or was given. `nil`: nothing, or not known.
  public var value: Int64? {
    @inlinable get { has(.value) ? rawValue : nil }
    @inlinable set { rawValue = keep(newValue, .value) }
  }
  /// What had to stand in the register for a ``OperationKind/compareAndSet``. `nil`: nothing.
  public var expected: Int64? {
    @inlinable get { has(.expected) ? rawExpected : nil }
    @inlinable set { rawExpected = keep(newValue, .expected) }
  }
  /// The hash of the key by which a partitioner chooses. `nil`: not taken.
  public var keyHash: UInt64? {
    @inlinable get { has(.keyHash) ? rawKeyHash : nil }
    @inlinable set { rawKeyHash = keep(newValue, .keyHash) }
  }
  /// The class the key belongs to, for figures a class. `nil`: not classed.
  public var keyClass: KeyClassIndex? {
    @inlinable get { has(.keyClass) ? KeyClassIndex(rawValue: rawKeyClass) : nil }
    @inlinable set { rawKeyClass = keep(newValue?.rawValue, .keyClass) }
  }

  @inlinable @inline(__always)
  func has(_ field: OperationField) -> Bool { presence & field.bit != 0 }

  @inlinable @inline(__always)
  mutating func keep<T: FixedWidthInteger>(_ value: T?, _ field: OperationField) -> T {
    presence = value == nil ? presence & ~field.bit : presence | field.bit
    return value ?? 0
  }
}
