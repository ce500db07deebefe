/// The items of the recovery checklist. The raw values are the names that scenarios and reports use.
public enum ChecklistItem: String, Sendable, Hashable, Codable, CaseIterable {
  /// See ``MirrorLagCheck``.
  case mirrorLagZero = "mirror-lag-zero"
  /// See ``DuplicateCheck``.
  case noDuplicates = "no-duplicates"
  /// See ``AcknowledgedLossCheck``.
  case noAcknowledgedLoss = "no-acknowledged-loss"
  /// See ``StaleTokenCheck``.
  case staleTokenRejected = "stale-token-rejected"
  /// See ``ElectionCheck``.
  case electionWithinTTL = "election-within-ttl"
  /// See ``AggregateOrderCheck``.
  case orderPerAggregate = "order-per-aggregate"
  /// See ``ConsumerProgressCheck``.
  case consumerProgress = "consumer-progress"
  /// See ``AuthorityStaysCheck``.
  case writeAuthorityStays = "write-authority-stays"
  /// See ``OffsetsTranslatedCheck``.
  case offsetsTranslated = "offsets-translated"
  /// See ``SchemaChangeCheck``.
  case noUnfencedSchemaChange = "no-unfenced-schema-change"
  /// See ``OutboxCheck``.
  case outboxComplete = "outbox-complete"
  /// See ``SteadyRecoveryCheck``.
  case steadyStateRecovered = "steady-state-recovered"

  /// The items of a failover: all but the one that says that there is to be none, the one that takes a mirror of partitions, the
  /// one that takes schema registries, the one that takes an outbox, and the one that asks the hypothesis alone.
  public static let ofFailover = allCases.filter {
    ![
      .writeAuthorityStays, .offsetsTranslated, .noUnfencedSchemaChange, .outboxComplete, .steadyStateRecovered,
    ].contains($0)
  }

  /// What the item promises, for a person.
  public var title: String {
    switch self {
    case .mirrorLagZero: "Mirrors catch up by themselves after the heal"
    case .noDuplicates: "No event stands twice in any log"
    case .noAcknowledgedLoss: "Every acknowledged event is in the survivor's log"
    case .staleTokenRejected: "Writes with the old token are refused everywhere"
    case .electionWithinTTL: "A new leader accepts writes within the lease"
    case .orderPerAggregate: "Each aggregate keeps its order across the switch"
    case .consumerProgress: "Consumers skip nothing and apply nothing twice"
    case .writeAuthorityStays: "Write authority stays where it is"
    case .offsetsTranslated: "Groups go on in the mirror at translated offsets"
    case .outboxComplete: "Every row of the outbox is carried to its topic, once"
    case .noUnfencedSchemaChange: "No schema changes but by what a guard let pass"
    case .steadyStateRecovered: "The steady state holds again after the heal"
    }
  }

  /// What the item is judged by; `plan` prints it.
  public var evidenceNeeded: [String] {
    switch self {
    case .mirrorLagZero: ["tails of both ends of each mirror", "log dumps", "the time of the heal"]
    case .noDuplicates: ["a log dump of each store"]
    case .noAcknowledgedLoss: ["acknowledged writes", "the survivor's log dump and its seal", "the election's grants"]
    case .staleTokenRejected:
      ["writes with the old token on each guarded store, before and after the heal", "fence and log dumps"]
    case .electionWithinTTL: ["the moment the leader was lost", "the election's grants", "acknowledged writes"]
    case .orderPerAggregate: ["a log dump of each store", "the election's grants"]
    case .consumerProgress: ["each group's applied events and progress", "log dumps"]
    case .writeAuthorityStays: ["the election's grants", "acknowledged writes"]
    case .outboxComplete: ["the stores' outbox, row by row", "the topic that it is carried to, read to its end"]
    case .steadyStateRecovered:
      ["looks at every expectation, before, during and after the faults", "the time of the heal"]
    case .noUnfencedSchemaChange:
      [
        "subjects and versions before, during and after the faults", "attempts through the guards and around them",
        "the guards' decisions",
      ]
    case .offsetsTranslated:
      ["sync points and checkpoints from the first on", "groups' offsets at both ends", "dumps of both ends"]
    }
  }

  func makeCheck(_ facts: Facts) -> any Check {
    switch self {
    case .mirrorLagZero: MirrorLagCheck(facts)
    case .noDuplicates: DuplicateCheck(facts)
    case .noAcknowledgedLoss: AcknowledgedLossCheck(facts)
    case .staleTokenRejected: StaleTokenCheck(facts)
    case .electionWithinTTL: ElectionCheck(facts)
    case .orderPerAggregate: AggregateOrderCheck(facts)
    case .consumerProgress: ConsumerProgressCheck(facts)
    case .writeAuthorityStays: AuthorityStaysCheck(facts)
    case .offsetsTranslated: OffsetsTranslatedCheck(facts)
    case .noUnfencedSchemaChange: SchemaChangeCheck(facts)
    case .outboxComplete: OutboxCheck(facts)
    case .steadyStateRecovered: SteadyRecoveryCheck(facts)
    }
  }
}
