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
  /// The variables with the values that were used.
  public var variables: [Variable]
  /// Where secrets are to be had.
  public var secrets: [Secret]
  /// The questions that are asked all through the drill.
  public var probes: [Probe]
  /// What must hold before anything is injected, throughout, and in the end.
  public var steadyState: SteadyState
  /// The disturbances and patterns of them, in the order of the file.
  public var timeline: [TimelineItem]
  /// The way over to the survivor; `nil`: the system finds it by itself.
  public var runbook: Runbook?
  /// The way back; `nil`: the drill ends before it.
  public var failback: Runbook?
  /// The messages that are due.
  public var communications: [Communication]
  /// How long the run waits for the system to come back.
  public var recovery: Recovery
  /// The properties that are judged.
  public var checklist: [ChecklistEntry]
  /// Anomalies that fail nothing here, each with its reason; `nil`: none.
  public var permittedAnomalies: [PermittedAnomaly]?
  /// What ends the drill early.
  public var abort: [AbortCondition]
  /// What the drill may never exceed.
  public var safety: Safety

  /// A scenario from its parts.
  public init(
    metadata: Metadata, seed: UInt64, topology: Topology, ownership: [Ownership], stack: StackSettings,
    workload: WorkloadPlan, variables: [Variable] = [], secrets: [Secret] = [], probes: [Probe] = [],
    steadyState: SteadyState, timeline: [TimelineItem], runbook: Runbook? = nil, failback: Runbook? = nil,
    communications: [Communication] = [], recovery: Recovery, checklist: [ChecklistEntry],
    permittedAnomalies: [PermittedAnomaly]? = nil, abort: [AbortCondition], safety: Safety
  ) {
    self.metadata = metadata
    self.seed = seed
    self.topology = topology
    self.ownership = ownership
    self.stack = stack
    self.workload = workload
    self.variables = variables
    self.secrets = secrets
    self.probes = probes
    self.steadyState = steadyState
    self.timeline = timeline
    self.runbook = runbook
    self.failback = failback
    self.communications = communications
    self.recovery = recovery
    self.checklist = checklist
    self.permittedAnomalies = permittedAnomalies
    self.abort = abort
    self.safety = safety
  }

  /// The region that owns all writes in the normal phase; of a system that nobody drives, the first one.
  public var primary: String { ownership.first?.normal ?? topology.regions.first?.name ?? "" }
  /// The region that owns all writes after a failover; of a system that nobody drives, the last one.
  public var survivor: String { ownership.first?.failover ?? topology.regions.last?.name ?? "" }
  /// All steps, of the runbook and of the failback.
  public var steps: [RunbookStep] { (runbook?.steps ?? []) + (failback?.steps ?? []) }
}
