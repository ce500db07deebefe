internal import Support

// Orders that are known to be wrong. A scenario that makes such a mistake on purpose says so, and is only warned.
extension Checking {
  mutating func checkKnownMistakes() {
    for (section, runbook) in runbooks { checkOrder(of: runbook, at: section) }
    checkFailback()
    checkResumption()
  }

  private mutating func checkOrder(of runbook: Runbook, at section: String) {
    let before = runbook.ancestors
    for (index, step) in runbook.steps.enumerated() {
      let path = "\(section).steps[\(index)].do"
      let earlier = runbook.steps.filter { before[step.id]?.contains($0.id) ?? false }
      switch step.action {
      case .repointProducers(let move):
        let isPaused = earlier.contains { $0.action.pausesMirror(to: move.to) }
        if !isPaused {
          known(
            .producersBeforeMirrors, path,
            "producers are sent to '\(move.to)' before the mirror to it is paused: old events would be applied behind new"
              + " ones", fix: "put a step with pause-mirror before it")
        }
      case .importOffsets(let offsets):
        let waits = (earlier + [step]).contains { $0.seesMirrorsCaughtUp(before: $0.id == step.id) }
        if !waits {
          known(
            .importWhileLagging, path,
            "positions are imported into '\(offsets.region)' and nothing before it says that the mirrors have caught up",
            fix: "add precondition: { metric: mirror-backlog, max: 0 }, or a step with verify-parity before it")
        }
        if !scenario.steps.contains(where: { $0.action.exports(offsets.snapshot) }) {
          error(
            "\(path).import-offsets.snapshot", "no step exports \(quoted(offsets.snapshot))",
            fix: "add a step with export-offsets")
        }
      case .kafka(let action): checkOrder(of: action, after: earlier, at: path)
      default: break
      }
    }
  }

  private mutating func checkFailback() {
    guard let runbook = scenario.runbook, scenario.failback == nil else { return }
    let moves = runbook.steps.firstIndex { step in
      switch step.action {
      case .promote, .transferLeadership: true
      default: false
      }
    }
    guard let moves else { return }
    known(
      .failoverWithoutFailback, "runbook.steps[\(moves)].do",
      "write authority moves and no failback says how it comes back", fix: "add failback", isError: false)
  }

  private mutating func checkResumption() {
    for (index, consumer) in scenario.workload.consumers.enumerated() where consumer.resume == .latest {
      let isCarried = scenario.steps.contains { step in
        guard case .importOffsets(let offsets) = step.action else { return false }
        return offsets.names.isEmpty || offsets.names.contains(consumer.name)
      }
      guard !isCarried else { continue }
      known(
        .latestWithoutCheckpoint, "workload.consumers[\(index)].resume",
        "'\(consumer.name)' begins at the end of a log in which it has no position, and no step brings its position over:"
          + " what was written meanwhile would be skipped",
        fix: "resume: checkpoint, or a step with import-offsets", isError: false)
    }
  }

  mutating func known(
    _ mistake: KnownMistake, _ path: String, _ what: String, fix: String, isError: Bool = true
  ) {
    if scenario.safety.accepted.contains(mistake) {
      note(path, "\(what) (accepted: \(mistake.rawValue))")
    } else if isError {
      error(path, what, fix: "\(fix); meant as it is: safety.accept: [\(mistake.rawValue)]")
    } else {
      warning(path, what, fix: "\(fix); meant as it is: safety.accept: [\(mistake.rawValue)]")
    }
  }
}

extension Runbook {
  /// For each step, all that must be done before it, directly or through others.
  fileprivate var ancestors: [String: Set<String>] {
    var result: [String: Set<String>] = [:]
    let byID = Dictionary(steps.map { ($0.id, $0) }, uniquingKeysWith: { one, _ in one })
    for step in steps {
      var found: Set<String> = []
      var open = step.after
      while let id = open.popLast() {
        if found.insert(id).inserted { open += byID[id]?.after ?? [] }
      }
      result[step.id] = found
    }
    return result
  }
}

extension RunbookStep {
  /// Whether it cannot be over, or as `before` says cannot begin, while a mirror lags.
  fileprivate func seesMirrorsCaughtUp(before: Bool) -> Bool {
    let conditions = before ? [precondition] : [precondition, verify, gate]
    let waits = conditions.contains { condition in
      switch condition?.subject {
      case .expectation(.mirrorLag(let limits)): limits.max != nil
      case .expectation(.mirrorBacklog(let limits)): limits.max != nil
      default: false
      }
    }
    if case .verifyParity = action { return true }
    return waits
  }
}

extension RunbookAction {
  fileprivate func pausesMirror(to region: String) -> Bool {
    switch self {
    case .pauseMirror(let link), .kafka(.stopMirror(let link)): link.to == region
    default: false
    }
  }

  fileprivate func exports(_ snapshot: String) -> Bool {
    guard case .exportOffsets(let offsets) = self else { return false }
    return offsets.snapshot == snapshot
  }
}
