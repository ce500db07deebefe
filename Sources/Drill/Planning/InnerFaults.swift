internal import Faults
internal import PassThrough
internal import Scenarios
internal import Support

extension PlannedFault {
  /// The faults inside nodes that make this one, one on each node; empty for a fault on the network.
  ///
  /// - Parameters:
  ///   - topology: the nodes: it is inside every one of its region.
  ///   - run: the run's short id.
  func innerFaults(in topology: Topology, seed: UInt64, run: String) -> [InnerFault] {
    let timing = Fault.Timing(lease: lease, heartbeat: heartbeat, silence: elementTimeout)
    var random = SeededRandom(seed: seed, for: "fault \(id)")
    return entry.fault.inside.flatMap { inside in
      topology.nodes(of: inside.region).map { node in
        InnerFault(
          id: id, run: run, node: node, effect: inside.effect, processes: inside.processes, timing: timing,
          seed: random.next())
      }
    }
  }
}

/// What happens inside one node.
struct InsideNode: Sendable {
  var region: String
  var effect: InnerFault.Effect
  /// `nil` for an effect that says itself what it is about.
  var processes: ProcessSelector?
}

extension FaultSpecification {
  /// What happens inside nodes; empty for a fault on the network.
  var inside: [InsideNode] {
    switch self {
    case .process(let process): [process.inside]
    case .clock(let clock): [clock.inside]
    case .nodeClock(let clock): [clock.inside]
    case .disk(let disk): [disk.inside]
    case .partition, .network, .killConnections, .answers: []
    }
  }

  /// The region whose store must be prepared for it before it is started; `nil` if none.
  var preparedRegion: String? {
    guard case .disk(let disk) = self, case .files = disk.effect else { return nil }
    return disk.region
  }

  /// What it changes in control groups of the lab's servers, which must be of their own for that; `nil` for nothing.
  var groupUse: OwnedGroups.Use? {
    switch self {
    case .process(let fault):
      switch fault.action {
      case .throttle: .processor
      case .squeeze: .memory
      case .pause(.freezer): .freezer
      case .kill, .terminate, .restartLoop, .pause: nil
      }
    case .disk(let fault): if case .limit = fault.effect { .disk } else { nil }
    case .partition, .network, .killConnections, .answers, .clock, .nodeClock: nil
    }
  }

  /// The servers that it ends on purpose, or may end.
  var endings: [(region: String, server: ProcessFault.Server?, restart: Duration?, clocks: TimeOffsets?)] {
    if case .disk(let disk) = self, disk.mayEndServers { return [(disk.region, .store, disk.restart, nil)] }
    guard case .process(let process) = self, process.action.endsProcesses else { return [] }
    let clocks = process.restartClocks?.timeOffsets
    if case .role(let role) = process.processes, role != .all {
      return [(process.region, role, process.restart, clocks)]
    }
    return [(process.region, nil, process.restart, clocks)]
  }
}

extension ProcessFault {
  fileprivate var inside: InsideNode {
    InsideNode(
      region: region, effect: .processes(disturbance),
      processes: ProcessSelector(processes.choice, includesDescendants: includesDescendants))
  }

  private var disturbance: ProcessDisturbance {
    switch action {
    case .kill: .kill
    case .terminate(let grace): .terminate(graceMilliseconds: grace.milliseconds)
    case .restartLoop(let every): .restartLoop(everyMilliseconds: every.milliseconds)
    case .pause(let way):
      .pause(
        way.map { way in
          switch way {
          case .trace: .trace
          case .freezer: .freezer
          case .stop: .stop
          }
        })
    case .throttle(let share): .throttle(processorPermille: UInt32(clamping: Int(share.fraction * 1000 + 0.5)))
    case .squeeze(let size): .squeeze(memoryBytes: UInt64(size.bytes))
    }
  }
}

extension ProcessFault.Selection {
  fileprivate var choice: ProcessSelector.Choice {
    switch self {
    case .role(.all): .everything
    case .role(let role): .role(role.rawValue)
    case .name(let name): .name(name)
    case .port(let port): .port(port)
    case .unit(let unit): .unit(unit)
    case .cgroup(let path): .cgroup(path)
    case .pid(let pid): .pid(pid)
    }
  }
}

extension DiskFault {
  fileprivate var inside: InsideNode {
    let chosen = ProcessSelector(processes.choice, includesDescendants: includesDescendants)
    switch effect {
    case .calls(let late):
      let latency = CallLatency(
        Set(late.calls.map(\.operation)), FileLatency(late.delay, jitter: late.jitter),
        probability: late.probability.fraction)
      return InsideNode(region: region, effect: .disk(.calls(latency)), processes: chosen)
    case .files(let files):
      let rules = files.files.map { pattern in
        FileRule(
          paths: PathPattern(pattern), operations: Set(files.operations.map(\.operation)),
          probability: files.probability.fraction, effect: files.effect.effect)
      }
      let damage = if case .torn = files.effect { true } else { false }
      return InsideNode(
        region: region, effect: .disk(.files(DirectoryRules("store", rules, permitsDamage: damage))), processes: nil)
    case .limit(let limit):
      let most = DiskLimit(
        "region", readBytes: limit.readBytes.map { UInt64($0.bytes) },
        writeBytes: limit.writeBytes.map { UInt64($0.bytes) },
        reads: limit.reads.map { UInt64($0) }, writes: limit.writes.map { UInt64($0) })
      return InsideNode(region: region, effect: .disk(.limit(most)), processes: chosen)
    }
  }
}

extension LateCalls.Call {
  fileprivate var operation: FileOperation {
    switch self {
    case .fsync: .fsync
    case .fdatasync: .fdatasync
    case .read: .read
    case .write: .write
    }
  }
}

extension DisturbedFiles.Operation {
  fileprivate var operation: FileOperation {
    switch self {
    case .read: .read
    case .write: .write
    case .extend: .extend
    case .fsync: .fsync
    case .fdatasync: .fdatasync
    case .open: .open
    case .create: .create
    case .lookup: .lookup
    case .getattr: .getattr
    case .setattr: .setattr
    case .truncate: .truncate
    case .fallocate: .fallocate
    case .rename: .rename
    case .unlink: .unlink
    case .link: .link
    case .symlink: .symlink
    case .mkdir: .mkdir
    case .rmdir: .rmdir
    case .readdir: .readdir
    case .statfs: .statfs
    case .getxattr: .getxattr
    case .setxattr: .setxattr
    }
  }
}

extension DisturbedFiles.Effect {
  fileprivate var effect: FileEffect {
    switch self {
    case .late(let time): .latency(FileLatency(time.delay, jitter: time.jitter))
    case .fails(let failure): .fail(failure.error)
    case .torn(.success): .tornWrite(reports: .success)
    case .torn(.error): .tornWrite(reports: .inputOutputError)
    case .unsynced: .unsynced
    }
  }
}

extension DisturbedFiles.Failure {
  fileprivate var error: FileError {
    switch self {
    case .inputOutput: .inputOutput
    case .noSpace: .noSpace
    case .readOnly: .readOnly
    case .quota: .quota
    case .access: .access
    case .notFound: .notFound
    case .tooManyFiles: .tooManyFiles
    case .stale: .stale
    case .timedOut: .timedOut
    }
  }
}

extension ClockFault {
  fileprivate var inside: InsideNode {
    let skew = ClockSkew(
      offsetNanoseconds: offset.nanoseconds, driftPartsPerBillion: drift.partsPerBillion,
      clocks: Set(clocks.map(\.skewed)))
    return InsideNode(
      region: region, effect: .clock(skew),
      processes: ProcessSelector(processes.choice, includesDescendants: includesDescendants))
  }
}

extension NodeClockFault {
  fileprivate var inside: InsideNode {
    let change = NodeClockChange(offsetNanoseconds: offset.nanoseconds, driftPartsPerBillion: drift.partsPerBillion)
    return InsideNode(region: region, effect: .nodeClock(change), processes: nil)
  }
}

extension ClockFault.Clock {
  fileprivate var skewed: SkewedClock {
    switch self {
    case .realtime: .realtime
    case .tai: .tai
    case .monotonic: .monotonic
    case .boottime: .boottime
    }
  }
}

extension PlannedObjects {
  /// What `fault` makes inside a node like this.
  init(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) {
    let plan = try InnerFaultPlan(fault, on: node)
    self.init(
      node: fault.node, mechanisms: plan.mechanisms.map(\.description),
      changes: plan.changes + plan.limits.map { "limit: \($0)" }, undo: plan.undo)
  }
}
