/// What a person wants drilled: a whole scenario file as a value. It says nothing of kernels and addresses; that is the
/// ``Plan``'s part.
public struct Scenario: Sendable, Hashable, Codable {
  /// The version of the language this tool reads.
  public static let apiVersion = "blackstart/v1"

  /// Name, purpose, owners.
  public var metadata: Metadata
  /// The seed of every random choice in the drill.
  public var seed: UInt64
  /// The regions and what stands in them.
  public var topology: Topology
  /// Who owns writes, topic by topic, in every phase.
  public var ownership: [Ownership]
  /// The system that is drilled.
  public var stack: StackSettings
  /// The load that runs through it.
  public var workload: WorkloadPlan
  /// What must hold before anything is injected.
  public var steadyState: SteadyState
  /// The disturbances, in the order of the file.
  public var timeline: [TimelineEntry]
  /// How long the run waits for the system to come back.
  public var recovery: Recovery
  /// The properties that are judged.
  public var checklist: [ChecklistEntry]
  /// What ends the drill early.
  public var abort: [AbortCondition]
  /// What the drill may never exceed.
  public var safety: Safety

  /// A scenario from its parts.
  public init(
    metadata: Metadata, seed: UInt64, topology: Topology, ownership: [Ownership], stack: StackSettings,
    workload: WorkloadPlan, steadyState: SteadyState, timeline: [TimelineEntry], recovery: Recovery,
    checklist: [ChecklistEntry], abort: [AbortCondition], safety: Safety
  ) {
    self.metadata = metadata
    self.seed = seed
    self.topology = topology
    self.ownership = ownership
    self.stack = stack
    self.workload = workload
    self.steadyState = steadyState
    self.timeline = timeline
    self.recovery = recovery
    self.checklist = checklist
    self.abort = abort
    self.safety = safety
  }

  /// The region that owns all writes in the normal phase.
  public var primary: String { ownership[0].normal }
  /// The region that owns all writes after a failover.
  public var survivor: String { ownership[0].failover }
}

/// What a scenario is called and for whom it is.
public struct Metadata: Sendable, Hashable, Codable {
  /// A name that may stand in file names.
  public var name: String
  /// What the drill shows, in a sentence or two.
  public var description: String
  /// The teams that answer for it.
  public var owners: [String]
  /// Words to find it by.
  public var tags: [String]
  /// Rows of the domain table (docs/domain.md) that it covers.
  public var domain: [Int]

  /// Metadata from its parts.
  public init(name: String, description: String = "", owners: [String] = [], tags: [String] = [], domain: [Int] = []) {
    self.name = name
    self.description = description
    self.owners = owners
    self.tags = tags
    self.domain = domain
  }
}
