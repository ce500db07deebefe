/// A fault planted in the *stack*, so that a checklist can be seen to fail. Each breaks exactly one promise.
public enum StackPlant: String, Sendable, Hashable, Codable, CaseIterable {
  /// A store takes writes whatever their token: ``EventStore/plantFenceOff()``.
  case fenceOff = "fence-off"
  /// A store acknowledges some events and drops them: ``EventStore/plantAckDropped(oneIn:)``.
  case ackDropped = "ack-dropped"
  /// A projection applies a re-delivered event again: ``EventStore/plantProjectionNotIdempotent()``.
  case projectionNotIdempotent = "projection-not-idempotent"
  /// A mirror applies a batch twice: ``MirrorRepeat``.
  case mirrorRepeatsBatch = "mirror-repeats-batch"
  /// A mirror stays attached, its own figures say that it lags by nothing, and it carries no event any more:
  /// ``EventStore/plantMirrorStall(of:)``.
  case mirrorStalls = "mirror-stalls"
  /// A control plane never gives up leadership: ``ControlPlaneConfiguration/Plant/neverDemote``.
  case neverDemote = "never-demote"
  /// A store asks the clock who may write, and not the token: ``EventStore/plantWallClockFence()``.
  case wallClockFence = "wall-clock-fence"
  /// The guards before the brokers let everything pass.
  case adminGuardPasses = "admin-guard-passes"
  /// The guards before the registries compare tokens as text, so that 9 is above 10.
  case registryGuardComparesStrings = "registry-guard-compares-strings"
  /// The registries can be reached past their guards.
  case registryOpen = "registry-open"
  /// The mirror's filter swallows one record in a thousand: ``KafkaMirrorLink/swallowing(_:)``.
  case mirrorFilters = "mirror-filters"
  /// A consumer group without a position starts after the newest record.
  case startsAtLatest = "starts-at-latest"
  /// Positions of consumer groups are carried to the mirror as they are, and not translated.
  case offsetsCopiedRaw = "offsets-copied-raw"
  /// Whoever watches a mirror reads the heartbeats that its own cluster writes, which say nothing about the link.
  case heartbeatsMisread = "heartbeats-misread"
  /// A topic is deleted and made anew under its name.
  case topicMadeAnew = "topic-made-anew"
  /// The replication slot of the outbox is dropped, and its connector begins anew at the newest position.
  case outboxSlotLost = "outbox-slot-lost"
  /// The connector of the outbox forgets its position and takes a snapshot of what it has carried before.
  case outboxResnapshots = "outbox-resnapshots"
}

/// Planting faults in a store, as ``EventStore/administrator``. They last as long as the lab.
extension EventStore {
  /// Switches the fence off: neither token nor mode is looked at any more, the origin still is.
  public func plantFenceOff() async throws(PostgresError) {
    try await connection.execute(script: EventStoreSchema.guardFunctions(.nothing))
  }

  /// Makes the fence ask the clock: a write is taken while the reign lasts by the wall clock, whatever its token.
  public func plantWallClockFence() async throws(PostgresError) {
    try await connection.execute(script: EventStoreSchema.guardFunctions(.wallClock))
  }

  /// Makes `es.append` acknowledge every `count`-th event with a plausible position and drop it.
  public func plantAckDropped(oneIn count: Int) async throws(PostgresError) {
    precondition(count > 0, "one event in \(count) cannot be dropped")
    try await connection.execute(script: EventStoreSchema.append(droppingOneIn: count))
  }

  /// Makes the publication of `origin`, which is this store, offer no insert any more. Subscribers stay attached and confirm
  /// each position, so that every figure of lag that PostgreSQL has is zero.
  public func plantMirrorStall(of origin: String) async throws(PostgresError) {
    try await connection.execute(
      script: "alter publication \(quotedIdentifier("es_\(origin)")) set (publish = 'truncate')")
  }

  /// Makes `es.apply_batch` apply a re-delivered event to the projection again.
  public func plantProjectionNotIdempotent() async throws(PostgresError) {
    try await connection.execute(script: EventStoreSchema.applyBatch(idempotent: false))
  }
}
