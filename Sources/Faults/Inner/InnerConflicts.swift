internal import Support

extension InnerFault {
  /// Why these two cannot be in force at one time in one node; `nil` when nothing is known against it. Pure: what is found
  /// out only when processes are looked at is refused when it is armed.
  ///
  /// A process has one tracer at most. Pauses by ptrace and late system calls keep theirs, and a skew of clocks needs one at its
  /// beginning and at its end, and whenever a new process comes.
  public static func conflict(_ one: InnerFault, _ other: InnerFault, on node: InnerProfile) -> String? {
    guard one.node == other.node, let processes = one.processes, let others = other.processes,
      processes.surelyMeets(others), let first = one.needOfTracer(on: node), let second = other.needOfTracer(on: node)
    else { return nil }
    return "\(first) and \(second) both have to trace \(processes), and a process has one tracer at most"
  }

  /// What of it traces processes, in words; `nil` if nothing does.
  private func needOfTracer(on node: InnerProfile) -> String? {
    guard let mechanisms = try? InnerFaultPlan(self, on: node).mechanisms else { return nil }  // refused anyway
    for choice in mechanisms {
      switch choice.mechanism {
      case .traceStop: return "a pause by ptrace"
      case .traceCalls: return "late system calls"
      case .clockStub: return "a skew of clocks"
      default: continue
      }
    }
    return nil
  }
}

extension ProcessSelector {
  /// Whether at least one process is meant by both, whatever runs. Two different properties may still mean one process.
  func surelyMeets(_ other: ProcessSelector) -> Bool {
    switch (choice, other.choice) {
    case (.everything, _), (_, .everything): true
    case (.process(let process), .pid(let pid)), (.pid(let pid), .process(let process)): process.pid == pid
    default: choice == other.choice
    }
  }
}
