public import Faults
public import Stacks
public import Support

/// What a lab needs of the machine it is made on.
public struct LabSurroundings: Sendable {
  /// The tool's own directory; the lab's data and records go below `labs`, the database template below `cache`.
  public var stateDirectory: String
  /// Where the servers' logs go; kept when the lab goes down. Made if it is not there.
  public var logsDirectory: String
  /// The `blackstart` executable: a control plane is this program with the command `control-plane CONFIGURATION`.
  public var program: String
  /// Also gets what the lab makes: the journal of the run. `nil` for none.
  public var journal: Journal?
  /// The clocks of the run.
  public var timebase: Timebase
  /// The clock that limits count on.
  public var clock: any Clock<Duration>
  /// What the control planes are made to do wrong; `nil` for nothing.
  public var controlPlanePlant: ControlPlaneConfiguration.Plant?
  /// What the guards are made to do wrong.
  public var guardPlants = GuardPlants()
  /// What prepares stores for faults of files; `nil` where no fault needs it.
  public var disks: LabDisks?
  /// What faults change in control groups of the servers: each gets one of its own for that. Empty: none is made.
  public var groups: Set<OwnedGroups.Use> = []
  /// Stops the making of a lab after an entry of its undo journal, as a kill would; for tests.
  var checkpoint: @Sendable (UndoEntry) throws -> Void = { _ in }

  /// The machine's own clocks and `/var/lib/blackstart`, unless told otherwise.
  public init(
    stateDirectory: String = Self.defaultStateDirectory, logsDirectory: String, program: String,
    journal: Journal? = nil, timebase: Timebase = .system, clock: any Clock<Duration> = ContinuousClock(),
    controlPlanePlant: ControlPlaneConfiguration.Plant? = nil
  ) {
    self.stateDirectory = stateDirectory
    self.logsDirectory = logsDirectory
    self.program = program
    self.journal = journal
    self.timebase = timebase
    self.clock = clock
    self.controlPlanePlant = controlPlanePlant
  }

  /// Mistakes in what fences the registries and the brokers' administration, for drills.
  public struct GuardPlants: Sendable, Hashable {
    /// Admin guards let everything pass.
    public var adminGuardsPass = false
    /// Registry guards compare tokens as text.
    public var registryGuardsCompareText = false
    /// Registries are reached past their guards, from everywhere.
    public var registriesAreOpen = false

    /// None.
    public init() {}
  }

  /// Where labs are kept unless told otherwise.
  public static let defaultStateDirectory = "/var/lib/blackstart"
}
