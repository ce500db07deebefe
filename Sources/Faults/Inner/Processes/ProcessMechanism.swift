internal import Support

extension ProcessDisturbance {
  /// One example of each kind, for `doctor`.
  static let examples: [(String, ProcessDisturbance)] = [
    ("killed processes", .kill), ("terminated processes", .terminate(graceMilliseconds: 1_000)),
    ("restart loops", .restartLoop(everyMilliseconds: 1_000)), ("pauses by ptrace", .pause(.trace)),
    ("pauses by freezer", .pause(.freezer)), ("pauses by SIGSTOP", .pause(.stop)),
    ("throttled processor", .throttle(processorPermille: 100)), ("memory pressure", .squeeze(memoryBytes: 64 << 20)),
  ]

  /// The mechanism for it on a node that is there. Looks, and changes nothing.
  func mechanism(_ order: InnerOrder) throws -> any Mechanism {
    let choice = try plan(order.fault, on: InnerProfile()).mechanisms[0]
    switch self {
    case .kill: return try ProcessEnding(order, choice, graceMilliseconds: nil)
    case .terminate(let grace): return try ProcessEnding(order, choice, graceMilliseconds: grace)
    case .restartLoop(let every): return try RestartLoop(order, choice, everyMilliseconds: every)
    case .pause:
      switch choice.mechanism {
      case .freezer: return try FreezerPause(order, choice)
      case .traceStop: return try TracePause(order, choice)
      default: return try SignalPause(order, choice)
      }
    case .throttle(let share): return try ControlGroupLimit.processor(order, choice, processorPermille: share)
    case .squeeze(let bytes): return try ControlGroupLimit.memory(order, choice, bytes: bytes)
    }
  }

  /// How it is made on a node with these abilities. Pure.
  ///
  /// - Throws: ``FaultError`` (unsupported) when such a node cannot have it.
  func plan(_ fault: InnerFault, on node: InnerProfile) throws(FaultError) -> InnerFaultPlan {
    let whom = fault.processes.map { "\($0)" } ?? "nothing"
    func need(_ abilities: InnerProfile.Ability..., or what: String) throws(FaultError) -> InnerProfile.Ability {
      if let found = abilities.first(where: node.has) { return found }
      let why = abilities.compactMap { node.whyNot($0) }.joined(separator: "; ")
      throw FaultError(.unsupported("\(what): \(why)"), fault: fault.id, node: fault.node)
    }
    _ = try need(.pidfd, or: "processes cannot be held so that a reused number is never hit")
    let nothing = "nothing stays that could be undone; whoever supervises the process starts it again"
    switch self {
    case .kill:
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "end", mechanism: .signal, why: "SIGKILL through a process descriptor never hits another process",
            accuracy: "gone within 0.2 ms on an idle machine")
        ], changes: ["SIGKILL to \(whom), held by process descriptors"], undo: nothing)
    case .terminate(let grace):
      let time = Duration.milliseconds(grace).brief
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "end", mechanism: .signal, why: "SIGTERM lets it end in its own order",
            accuracy: "gone when it wants, at the latest \(time) after it was asked")
        ], changes: ["SIGTERM to \(whom), held by process descriptors; SIGKILL to what is left after \(time)"],
        undo: nothing)
    case .restartLoop(let every):
      let time = Duration.milliseconds(every).brief
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "end", mechanism: .signal, why: "each one that comes back is found anew and held by a descriptor",
            accuracy: "looked for every \(time)")
        ], changes: ["SIGKILL to \(whom), at once and every \(time) if back"], undo: nothing)
    case .pause(let way): return try planPause(way, fault, whom, on: node)
    case .throttle(let share):
      let ability = try need(.cpuMax, .cpuQuota, or: "no processor controller")
      let value = ability == .cpuMax ? "cpu.max" : "cpu.cfs_quota_us"
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "processor", mechanism: .processorLimit, why: "\(value) of the control group that they are alone in",
            accuracy: "in periods of 100 ms: \(fixed(Double(share) / 10, 1)) ms of running, then none until the next")
        ], changes: ["\(value) of the control group of \(whom): \(share * 100) of 100000 µs"],
        undo: "write the old value back into \(value)",
        limits: ["a process that is in the root group, or shares its group with others, is refused"])
    case .squeeze(let bytes):
      _ = try need(
        .memoryHigh, or: "no memory controller of version 2 (that of version 1 kills where this one slows down)")
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "memory", mechanism: .memoryHigh, why: "above memory.high processes are slowed down, never killed",
            accuracy: "soft: they may use more while what is reclaimed is not enough")
        ], changes: ["memory.high of the control group of \(whom): \(bytes)"],
        undo: "write the old value back into memory.high",
        limits: ["a process that is in the root group, or shares its group with others, is refused"])
    }
  }

  private func planPause(
    _ wanted: Pause?, _ fault: InnerFault, _ whom: String, on node: InnerProfile
  ) throws(FaultError) -> InnerFaultPlan {
    // What is long, or may grow while it stands still, is better held by what needs no thread of ours.
    let isLarge = fault.processes?.includesDescendants ?? false || fault.timing.leaseMilliseconds > 300_000
    switch wanted ?? (node.has(.tracing) && !isLarge ? .trace : .stop) {
    case .trace:
      if let why = node.whyNot(.tracing) {
        throw FaultError(.unsupported("no ptrace: \(why)"), fault: fault.id, node: fault.node)
      }
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "pause", mechanism: .traceStop, why: "it ends with its tracer, however that ends",
            accuracy: "some 100 µs and 15 µs a thread; their parents see nothing")
        ], changes: ["ptrace stop of every thread of \(whom)"], undo: "nothing stays: end the process that holds it",
        limits: ["a process that a debugger holds, or of 32 bits, is refused; no debugger can be attached meanwhile"])
    case .freezer:
      guard node.has(.freezer2) || node.has(.freezer1) else {
        throw FaultError(
          .unsupported("no freezer: \(node.whyNot(.freezer2) ?? ""); \(node.whyNot(.freezer1) ?? "")"), fault: fault.id,
          node: fault.node)
      }
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "pause", mechanism: .freezer, why: "the whole control group stands still, what it forks included",
            accuracy: "some 50 µs, under load some ms; their parents see nothing")
        ], changes: ["the freezer of the control group of \(whom): frozen"],
        undo: "write the old value back into cgroup.freeze or freezer.state",
        limits: ["a process that is in the root group, or shares its group with others, is refused"])
    case .stop:
      return InnerFaultPlan(
        mechanisms: [
          .init(
            part: "pause", mechanism: .stopSignal, why: "needs nothing but signals, however many processes there are",
            accuracy: "some 15 µs, under load some ms; their parents see it, and anybody's SIGCONT ends it")
        ], changes: ["SIGSTOP to \(whom), held by process descriptors"], undo: "kill -CONT PID of each",
        limits: ["processes that they start before they are stopped go on; the coverage says so"])
    }
  }
}
