public import Events

/// Everything a verdict is given on. A check sees this and nothing else.
public struct Evidence: Sendable, Codable {
  /// What the workload did and saw.
  public var history: HistoryEvidence
  /// What the servers say about themselves, at quiescence.
  public var truth: GroundTruth
  /// The faults of the drill, with the proof that they bit.
  public var faults: [FaultInterval]
  /// When what happened.
  public var milestones: Milestones
  /// Which store plays which part.
  public var roles: Roles
  /// What the stack under drill permits, and how it says no.
  public var contract: Contract
  /// What the drill demands.
  public var objectives: Objectives
  /// True when the coordination service itself changed its leader while the election ran.
  public var coordinatorChangedLeader: Bool
  /// Whether the drill is one of a failover: its faults cut the owner of write authority off. If not, and nothing failed over,
  /// nothing is judged that only a failover has.
  public var expectsFailover: Bool
  /// Parts of the record that are cut off or altered, each with where and how. No item passes with a gap.
  public var gaps: [String]
  /// The state of the whole when all was over, in the order of time. `nil`: nobody looked twice.
  public var snapshots: [StateSnapshot]?
  /// When the processes ended that may lead, in the order of time. `nil`: nobody watched them.
  public var leaderDeaths: [LeaderDeath]?
  /// How far the nodes' own clocks were from the recorder's. `nil`: nobody looked.
  public var clocks: NodeClocks?
  /// What mirrors that deliver at least once may carry again. `nil`: they carry nothing again.
  public var redelivery: MirrorRedelivery?
  /// How the steady state was seen all through the drill. `nil`: nobody looked.
  public var steady: SteadyEvidence?
  /// When the runbook had stopped a mirror on purpose. `nil`: never.
  public var pauses: [MirrorPause]?
  /// Whether the system under drill is one that nobody of ours writes to or reads: no row of a log or a lease can be told of it.
  /// `nil`: it is not.
  public var isExternal: Bool?

  /// The evidence of one drill.
  public init(
    history: HistoryEvidence, truth: GroundTruth, faults: [FaultInterval], milestones: Milestones, roles: Roles,
    contract: Contract = .postgresEtcd, objectives: Objectives, coordinatorChangedLeader: Bool = false,
    gaps: [String] = [], snapshots: [StateSnapshot]? = nil, expectsFailover: Bool = true,
    leaderDeaths: [LeaderDeath]? = nil, clocks: NodeClocks? = nil, redelivery: MirrorRedelivery? = nil,
    steady: SteadyEvidence? = nil, pauses: [MirrorPause]? = nil, isExternal: Bool? = nil
  ) {
    self.history = history
    self.truth = truth
    self.faults = faults
    self.milestones = milestones
    self.roles = roles
    self.contract = contract
    self.objectives = objectives
    self.coordinatorChangedLeader = coordinatorChangedLeader
    self.gaps = gaps
    self.snapshots = snapshots
    self.expectsFailover = expectsFailover
    self.leaderDeaths = leaderDeaths
    self.clocks = clocks
    self.redelivery = redelivery
    self.steady = steady
    self.pauses = pauses
    self.isExternal = isExternal
  }
}

/// The end of a process that may lead, as the kernel told whoever watched it: with it ends whatever it believed about its lease.
public struct LeaderDeath: Sendable, Hashable, Codable {
  /// Whose process it was, by the name under which grants are held.
  public var holder: String
  /// When the end was known (ns, on the recorder's clock).
  public var at: Int64

  /// An end.
  public init(holder: String, at: Int64) {
    self.holder = holder
    self.at = at
  }
}

/// The recorded operations, and whether they are all there.
public struct HistoryEvidence: Sendable {
  /// The operations, in the order in which they were recorded.
  public var operations: [Operation]
  /// The names behind their numbers.
  public var names: NameTable
  /// Operations that the recorder lost.
  public var dropped: UInt64
  /// Why the history is shorter than the drill. `nil`: it was closed in good order.
  public var cutReason: String?

  /// A history as evidence.
  public init(operations: [Operation], names: NameTable, dropped: UInt64 = 0, cutReason: String? = nil) {
    self.operations = operations
    self.names = names
    self.dropped = dropped
    self.cutReason = cutReason
  }

  /// A history as it was read from its file.
  public init(_ history: History) {
    self.init(operations: history.operations, names: history.names, dropped: history.dropped)
    if case .cut(let offset, let reason) = history.end {
      cutReason = "the history stops at byte \(offset): \(reason)"
    }
  }

  /// Whether absence from the history proves absence from the drill.
  var isComplete: Bool { dropped == 0 && cutReason == nil }
}

/// One fault of the drill, as the journal has it. Times are nanoseconds on the recorder's clock.
public struct FaultInterval: Sendable, Hashable, Codable {
  /// The fault's id in the scenario.
  public var id: String
  /// What kind of fault it is, such as `partition`.
  public var kind: String
  /// When it was armed.
  public var armed: Int64
  /// When it was first proven to bite. `nil`: never.
  public var provenSince: Int64?
  /// When it was taken away. `nil`: it was not.
  public var disarmed: Int64?
  /// When it was verified to be gone. `nil`: it was not.
  public var verifiedGone: Int64?
  /// Packets that something happened to, by the kernel's counters without our own probes: dropped by a cut, met by others.
  /// Of a fault inside a node: how often it did something to it.
  public var packetsDropped: UInt64
  /// Ordered pairs that a probe found unreachable while it was in force, as `east→eu`.
  public var brokenPairs: [String]
  /// Whether it came and went between ``provenSince`` and ``disarmed``, so that the pairs were not broken all the time;
  /// `nil`: it did not.
  public var comesAndGoes: Bool?

  /// A fault's interval.
  public init(
    id: String, kind: String, armed: Int64, provenSince: Int64? = nil, disarmed: Int64? = nil,
    verifiedGone: Int64? = nil, packetsDropped: UInt64 = 0, brokenPairs: [String] = [], comesAndGoes: Bool? = nil
  ) {
    self.id = id
    self.kind = kind
    self.armed = armed
    self.provenSince = provenSince
    self.disarmed = disarmed
    self.verifiedGone = verifiedGone
    self.packetsDropped = packetsDropped
    self.brokenPairs = brokenPairs
    self.comesAndGoes = comesAndGoes
  }

  /// Whether faults of that kind are inside nodes: what is counted of them are no packets.
  public static func isInside(_ kind: String) -> Bool { ["process", "clock", "node-clock", "disk"].contains(kind) }

  /// Why this fault proves nothing; `nil` when it was in force and bit.
  var vacuity: String? {
    if provenSince == nil { return "fault '\(id)' was never proven to be in force" }
    if packetsDropped == 0 { return "fault '\(id)' \(Self.isInside(kind) ? "never bit" : "met no packet")" }
    return nil
  }
}

/// When what happened, in nanoseconds on the recorder's clock. `nil`: it did not happen, or nobody saw it.
public struct Milestones: Sendable, Hashable, Codable {
  /// The baseline began.
  public var baselineStart: Int64?
  /// The steady state was confirmed.
  public var baselineEnd: Int64?
  /// The fault was proven to be in force.
  public var faultInForce: Int64?
  /// The old leader was lost to the survivors: the fault began to bite. `nil` stands for ``faultInForce``.
  public var leaderLost: Int64?
  /// A survivor first noticed.
  public var survivorsNoticed: Int64?
  /// The new token was granted.
  public var tokenGranted: Int64?
  /// The survivor's store was known to be sealed with the new token. This is the promotion.
  public var newStoreSealed: Int64?
  /// The old store was known to be read-only.
  public var oldStoreDemoted: Int64?
  /// The fault was known to be gone.
  public var healed: Int64?
  /// The first write was acknowledged under the new token.
  public var firstAcknowledgedWrite: Int64?
  /// The workload had stopped and the dumps were taken.
  public var quiescent: Int64?

  /// A drill in which nothing has happened yet.
  public init(
    baselineStart: Int64? = nil, baselineEnd: Int64? = nil, faultInForce: Int64? = nil, leaderLost: Int64? = nil,
    survivorsNoticed: Int64? = nil, tokenGranted: Int64? = nil, newStoreSealed: Int64? = nil,
    oldStoreDemoted: Int64? = nil, healed: Int64? = nil, firstAcknowledgedWrite: Int64? = nil, quiescent: Int64? = nil
  ) {
    self.baselineStart = baselineStart
    self.baselineEnd = baselineEnd
    self.faultInForce = faultInForce
    self.leaderLost = leaderLost
    self.survivorsNoticed = survivorsNoticed
    self.tokenGranted = tokenGranted
    self.newStoreSealed = newStoreSealed
    self.oldStoreDemoted = oldStoreDemoted
    self.healed = healed
    self.firstAcknowledgedWrite = firstAcknowledgedWrite
    self.quiescent = quiescent
  }

  /// The moment from which recovery is counted.
  var loss: Int64? { leaderLost ?? faultInForce }
}

/// One way in which a mirror carries events.
public struct MirrorDirection: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The store whose own events are carried.
  public var from: String
  /// The store that receives them.
  public var to: String

  /// The direction from one store to another.
  public init(from: String, to: String) {
    self.from = from
    self.to = to
  }

  /// `east→eu`.
  public var description: String { "\(from)→\(to)" }
}

/// A consumer group and the store it reads.
public struct ConsumerRole: Sendable, Hashable, Codable, CustomStringConvertible {
  /// The group.
  public var group: String
  /// The store.
  public var store: String

  /// A group that reads from a store.
  public init(group: String, store: String) {
    self.group = group
    self.store = store
  }

  /// `billing-eu on eu`.
  public var description: String { "\(group) on \(store)" }
}

/// Which part each store plays. Stores are called as their regions are.
public struct Roles: Sendable, Hashable, Codable {
  /// The store that has write authority in normal times.
  public var primary: String
  /// The store that is promoted.
  public var survivor: String
  /// Every store with a log.
  public var stores: [String]
  /// The stores that a token guards, on each of which stale tokens must be tried.
  public var guarded: [String]
  /// The directions in which the mirrors run.
  public var mirrors: [MirrorDirection]
  /// The consumer groups that must make progress.
  public var consumers: [ConsumerRole]
  /// What guards stand before, beside the stores; `nil`: nothing.
  public var surfaces: [GuardSurface]?

  /// The parts. `guarded` defaults to every store.
  public init(
    primary: String, survivor: String, stores: [String], guarded: [String]? = nil, mirrors: [MirrorDirection],
    consumers: [ConsumerRole], surfaces: [GuardSurface]? = nil
  ) {
    self.surfaces = surfaces
    self.primary = primary
    self.survivor = survivor
    self.stores = stores
    self.guarded = guarded ?? stores
    self.mirrors = mirrors
    self.consumers = consumers
  }
}

/// What the stack under drill permits by design, and how it refuses. A verdict prints the permissions that it used.
public struct Contract: Sendable, Hashable, Codable {
  /// Something that would be an anomaly elsewhere and is none here.
  public enum Permission: String, Sendable, Hashable, Codable, CaseIterable {
    /// An event of the old reign may reach the survivor's log after the new reign has begun to write: replication is
    /// asynchronous. Such an event stands behind newer events of its aggregate there. It is counted in the RPO.
    case lateEventsBehindNewReign = "late-events-behind-new-reign"
  }

  /// The permissions.
  public var permits: [Permission]
  /// The rows of the taxonomy that are none here.
  public var permissions: Permissions
  /// The outcome codes with which a fence refuses. Any other failure, such as an unreachable store, refutes nothing.
  public var refusalCodes: [String]
  /// The outcome codes with which a projection refuses an event that it has applied already.
  public var redeliveryCodes: [String]

  /// A contract.
  public init(
    permits: [Permission], permissions: Permissions = .none, refusalCodes: [String], redeliveryCodes: [String]
  ) {
    self.permits = permits
    self.permissions = permissions
    self.refusalCodes = refusalCodes
    self.redeliveryCodes = redeliveryCodes
  }

  /// Decodes a contract; one that says nothing of ``permissions`` permits no row.
  public init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    self.init(
      permits: try container.decode([Permission].self, forKey: .permits),
      permissions: try container.decodeIfPresent(Permissions.self, forKey: .permissions) ?? .none,
      refusalCodes: try container.decode([String].self, forKey: .refusalCodes),
      redeliveryCodes: try container.decode([String].self, forKey: .redeliveryCodes))
  }

  /// PostgreSQL event stores, mirrored asynchronously by logical replication, fenced by tokens from etcd. `BS409`: not the
  /// fence's token. `BS423`: read-only.
  public static let postgresEtcd = Contract(
    permits: [.lateEventsBehindNewReign], refusalCodes: ["BS409", "BS423"], redeliveryCodes: ["already-applied"])

  /// Kafka clusters, mirrored by MirrorMaker 2, fenced by access rules that name the token's holder and by producer epochs.
  /// `_FENCED`, `PRODUCER_FENCED` and `INVALID_PRODUCER_EPOCH`: another producer has the transactional id.
  public static let kafka = Contract(
    permits: [.lateEventsBehindNewReign],
    refusalCodes: ["_FENCED", "PRODUCER_FENCED", "INVALID_PRODUCER_EPOCH", "TOPIC_AUTHORIZATION_FAILED"],
    redeliveryCodes: ["already-applied"])
}

/// What the drill demands. Durations are nanoseconds.
public struct Objectives: Sendable, Hashable, Codable {
  /// The time to live of the leader's lease.
  public var leaseTTL: Int64
  /// What an election may take beyond the lease.
  public var electionMargin: Int64
  /// How long the coordination service's own election may take.
  public var coordinatorElection: Int64
  /// After the heal, the longest time until the mirrors have caught up.
  public var mirrorCatchUp: Int64
  /// The age up to which an event that is not mirrored yet is no lag.
  public var freshness: Int64
  /// The longest RPO. `nil`: it is measured, not limited.
  public var recoveryPoint: Int64?
  /// After the heal, the longest time until the steady state holds again. `nil`: nobody asks.
  public var steadyRecovery: Int64?

  /// The demands. Defaults are those of the recovery checklist: 5 min to catch up, 2 s of freshness, 2 s of margin; and
  /// etcd's own election time-out of 1 s, twice.
  public init(
    leaseTTL: Int64, electionMargin: Int64 = 2_000_000_000, coordinatorElection: Int64 = 2_000_000_000,
    mirrorCatchUp: Int64 = 300_000_000_000, freshness: Int64 = 2_000_000_000, recoveryPoint: Int64? = nil
  ) {
    self.leaseTTL = leaseTTL
    self.electionMargin = electionMargin
    self.coordinatorElection = coordinatorElection
    self.mirrorCatchUp = mirrorCatchUp
    self.freshness = freshness
    self.recoveryPoint = recoveryPoint
  }
}
