internal import Support

/// One property that is judged, with the service level it is judged by.
public struct ChecklistEntry: Sendable, Hashable, Codable {
  /// Which property.
  public var item: ChecklistItem
  /// The longest it may take (`mirror-lag-zero`, `steady-state-recovered`).
  @DurationText public var within: Duration?
  /// How much of the newest acknowledged writes may be missing at promotion (`no-acknowledged-loss`); `nil`: it is
  /// measured and reported, and only a write that never arrives is a failure.
  @DurationText public var rpo: Duration?
  /// What is allowed on top of the lease's time to live (`election-within-ttl`).
  @DurationText public var margin: Duration?

  /// An entry from its parts.
  public init(_ item: ChecklistItem, within: Duration? = nil, rpo: Duration? = nil, margin: Duration? = nil) {
    self.item = item
    self.within = within
    self.rpo = rpo
    self.margin = margin
  }

  /// The service level in words: `within 5m`, `rpo 60s`, `ttl + 2s`; `nil` when the item has none.
  public var level: String? {
    if let within { return "within \(within.text)" }
    if let rpo { return "rpo \(rpo.text)" }
    if let margin { return "ttl + \(margin.text)" }
    return nil
  }
}

/// The properties that can be judged.
public enum ChecklistItem: String, Sendable, Hashable, Codable, CaseIterable {
  /// After heal, the mirrors catch up by themselves.
  case mirrorLagZero = "mirror-lag-zero"
  /// No event stands twice in any log.
  case noDuplicates = "no-duplicates"
  /// Every acknowledged event is in the survivor's log in the end.
  case noAcknowledgedLoss = "no-acknowledged-loss"
  /// Every write with an old token is refused, everywhere.
  case staleTokenRejected = "stale-token-rejected"
  /// The survivor accepts its first write soon enough after the leader is lost.
  case electionWithinTTL = "election-within-ttl"
  /// Each aggregate's events stand in their order, across the switch.
  case orderPerAggregate = "order-per-aggregate"
  /// Each projection applied everything once and nothing twice, across the switch.
  case consumerProgress = "consumer-progress"
  /// Nobody else is given write authority: nothing made it necessary.
  case writeAuthorityStays = "write-authority-stays"
  /// Groups stand in the mirror where the recorded sync points put them.
  case offsetsTranslated = "offsets-translated"
  /// No schema is registered or removed but by what a guard let pass.
  case noUnfencedSchemaChange = "no-unfenced-schema-change"
  /// Every row of the outbox stands in the topic, once and in its aggregate's order.
  case outboxComplete = "outbox-complete"
  /// What held before the faults holds again after them.
  case steadyStateRecovered = "steady-state-recovered"

  /// Whether it is judged by the drill's own workload, and by the logs that this leaves.
  public var needsWorkload: Bool { self != .steadyStateRecovered }
}
