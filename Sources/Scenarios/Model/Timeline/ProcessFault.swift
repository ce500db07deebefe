internal import Support

/// What happens to processes of a region, in a scenario's words.
public struct ProcessFault: Sendable, Hashable, Codable {
  /// Where.
  public var region: String
  /// To which processes.
  public var processes: Selection
  /// Whether all that descend from them are meant too.
  public var includesDescendants: Bool
  /// What happens.
  public var action: Action
  /// How long after its end a server of the lab is started again; `nil` for never. Only for what ends processes.
  @DurationText public var restart: Duration?
  /// How its monotonic and boot clocks differ once it is started again; `nil`: as before.
  public var restartClocks: ClockOffsets?

  /// A disturbance of processes from its parts.
  public init(
    region: String, processes: Selection, includesDescendants: Bool, action: Action, restart: Duration? = nil,
    restartClocks: ClockOffsets? = nil
  ) {
    self.restartClocks = restartClocks
    self.region = region
    self.processes = processes
    self.includesDescendants = includesDescendants
    self.action = action
    self.restart = restart
  }

  /// How the processes are found in the region.
  public enum Selection: Sendable, Hashable, Codable {
    /// By the server they play in the lab.
    case role(Server)
    /// By the name of their command or program.
    case name(String)
    /// By the TCP port they listen on.
    case port(UInt16)
    /// By their systemd unit.
    case unit(String)
    /// By their control group.
    case cgroup(String)
    /// By number.
    case pid(Int32)
  }

  /// The servers of a lab.
  public enum Server: String, Sendable, Hashable, Codable, CaseIterable {
    /// The PostgreSQL event store, all of its processes.
    case store
    /// A member of the etcd quorum.
    case etcd
    /// The control-plane process.
    case controlPlane = "control-plane"
    /// The Kafka broker beside a store.
    case broker
    /// The Kafka Connect worker that mirrors other regions' topics into the broker beside it.
    case mirror
    /// The schema registry of a stack that has one.
    case registry
    /// The guard before it.
    case registryGuard = "registry-guard"
    /// The guard before the Kafka broker.
    case adminGuard = "admin-guard"
    /// Every process of the region.
    case all

    /// The region's role that brings it along; `nil` for what every region has.
    public var role: Role? {
      switch self {
      case .store, .broker, .mirror: .store
      case .etcd: .quorum
      case .controlPlane: .control
      case .registry, .registryGuard, .adminGuard: .store
      case .all: nil
      }
    }

    /// Whether only a stack with Kafka has it.
    public var isOfKafka: Bool {
      switch self {
      case .broker, .mirror, .registry, .registryGuard, .adminGuard: true
      case .store, .etcd, .controlPlane, .all: false
      }
    }
  }

  /// What happens to them.
  public enum Action: Sendable, Hashable, Codable {
    /// SIGKILL, once.
    case kill
    /// SIGTERM, and SIGKILL after the grace.
    case terminate(grace: Duration)
    /// SIGKILL, and again whenever they are back, looked for every so often.
    case restartLoop(every: Duration)
    /// They stand still; `nil` leaves it to the node how.
    case pause(Pause?)
    /// They get no more of a processor.
    case throttle(Percentage)
    /// They get no more memory without being slowed down.
    case squeeze(ByteSize)

    /// The names in a scenario.
    public enum Kind: String, Sendable, Hashable, Codable, CaseIterable {
      /// See ``ProcessFault/Action/kill``.
      case kill
      /// See ``ProcessFault/Action/terminate(grace:)``.
      case terminate
      /// See ``ProcessFault/Action/restartLoop(every:)``.
      case restartLoop = "restart-loop"
      /// See ``ProcessFault/Action/pause(_:)``.
      case pause
      /// See ``ProcessFault/Action/throttle(_:)``.
      case throttle
      /// See ``ProcessFault/Action/squeeze(_:)``.
      case squeeze
    }

    /// Whether processes end by it.
    public var endsProcesses: Bool {
      switch self {
      case .kill, .terminate, .restartLoop: true
      case .pause, .throttle, .squeeze: false
      }
    }
  }

  /// How processes are made to stand still.
  public enum Pause: String, Sendable, Hashable, Codable, CaseIterable {
    /// ptrace.
    case trace
    /// The freezer of their control group.
    case freezer
    /// SIGSTOP.
    case stop
  }
}

extension ProcessFault: CustomStringConvertible {
  /// `kills the store in eu; it is started again 3s later`.
  public var description: String {
    let what =
      switch action {
      case .kill: "kills \(processes)"
      case .terminate(let grace): "asks \(processes) to end, and kills after \(grace.text)"
      case .restartLoop(let every): "kills \(processes), and again every \(every.text) if back"
      case .pause(let way): "pauses \(processes)" + (way.map { " by \($0.rawValue)" } ?? "")
      case .throttle(let share): "gives \(processes) at most \(share) of a processor"
      case .squeeze(let size): "slows \(processes) down above \(size) of memory"
      }
    let whole = includesDescendants ? " with all descendants" : ""
    let after = !action.endsProcesses ? "" : restart.map { "; started again \($0.text) later" } ?? "; not started again"
    let clocks = restartClocks.map { " with other clocks (\($0))" } ?? ""
    return "\(what)\(whole) in \(region)\(after)\(clocks)"
  }
}

extension ProcessFault.Selection: CustomStringConvertible {
  /// `the store`, `processes called etcd`.
  public var description: String {
    switch self {
    case .role(.all): "every process"
    case .role(let server): "the \(server.rawValue)"
    case .name(let name): "processes called \(name)"
    case .port(let port): "the process on TCP port \(port)"
    case .unit(let unit): "processes of unit \(unit)"
    case .cgroup(let path): "processes of control group \(path)"
    case .pid(let pid): "pid \(pid)"
    }
  }
}
