public import Checks
internal import Glibc
public import Scenarios
public import Stacks
public import Support

/// What is to be run, and with what.
public struct DrillRequest: Sendable {
  /// The scenario's files, byte for byte; `nil` when only its plan is at hand.
  public var sources: ScenarioSources?
  /// The plan to execute.
  public var plan: Plan
  /// How the stack is made wrong on purpose; empty in an honest drill.
  public var plants: [StackPlant]
  /// Where the evidence goes; made for this run.
  public var directory: RunDirectory
  /// Where labs keep their state and their undo journals.
  public var stateDirectory: String
  /// This program's own executable: control planes are started from it.
  public var program: String
  /// Leave the lab standing when the run has ended.
  public var keepsLab: Bool
  /// How far the run goes.
  public var mode: RunMode
  /// How much faster than real time passes for communications; 1 is real time.
  public var speed: Double
  /// Asked before each step that changes something, with what is about to be done; returns when it may be. Throws to stop.
  public var confirm: (@Sendable (String) async throws -> Void)?
  /// Asks whoever sits at the terminal a question that a step of a runbook puts to a person; `nil`: nobody does, and the
  /// answer comes through the run directory (`blackstart approve`).
  public var approve: (@Sendable (String) async throws -> Bool)?
  /// The recorder's clocks.
  public var timebase: Timebase
  /// For waiting.
  public var clock: any Clock<Duration>
  /// The name of this run's lab and the part of it in the names of kernel objects. Drawn from the directory and the moment, so
  /// that of two runs neither takes the other's lab for its own, also where their directories have the same name.
  public let runID: String
  /// Called with each journal record once it is on disk: the live view.
  public var observer: @Sendable (JournalRecord) -> Void

  /// A run of `plan`.
  public init(
    sources: ScenarioSources?, plan: Plan, plants: [StackPlant] = [], directory: RunDirectory, stateDirectory: String,
    program: String, keepsLab: Bool = false, mode: RunMode = .full, speed: Double = 1,
    confirm: (@Sendable (String) async throws -> Void)? = nil,
    approve: (@Sendable (String) async throws -> Bool)? = nil, timebase: Timebase = .system,
    clock: any Clock<Duration> = ContinuousClock(), observer: @escaping @Sendable (JournalRecord) -> Void = { _ in }
  ) {
    self.sources = sources
    self.plan = plan
    self.plants = plants
    self.directory = directory
    self.stateDirectory = stateDirectory
    self.program = program
    self.keepsLab = keepsLab
    self.mode = mode
    self.speed = speed
    self.confirm = confirm
    self.approve = approve
    self.timebase = timebase
    self.clock = clock
    self.observer = observer
    runID = "r" + String(sha256(Array("\(directory.path) \(timebase.wall()) \(getpid())".utf8)).prefix(8))
  }
}

/// How a run ended.
public struct DrillOutcome: Sendable {
  /// The exit code, unless a signal ended it.
  public var code: ExitCode
  /// The verdict, judged from the files; `nil` when they cannot be read.
  public var verdict: DrillVerdict?
  /// Why the run left its plan; `nil` if it did not.
  public var problem: Problem?
}
