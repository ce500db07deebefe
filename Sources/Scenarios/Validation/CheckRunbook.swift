internal import Support

extension Checking {
  mutating func checkRunbooks() {
    var ids: [(id: String, path: String)] = []
    for (section, runbook) in runbooks {
      if runbook.steps.isEmpty { error("\(section).steps", "has no step", fix: "add a step, or leave \(section) out") }
      ids += runbook.steps.enumerated().map { ($1.id, "\(section).steps[\($0)].id") }
    }
    unique(ids.map(\.id), "the step", fix: "rename one of the two") { ids[$0].path }
  }

  mutating func check(_ step: RunbookStep, at path: String) {
    let own = path.hasPrefix("failback") ? scenario.failback : scenario.runbook
    for (index, id) in step.after.enumerated() {
      let place = "\(path).after[\(index)]"
      if id == step.id {
        error(place, "the step '\(id)' would wait for itself", fix: "leave it out")
      } else if own?.step(id) == nil {
        error(place, "there is no step \(quoted(id)) here", fix: known(id, own?.steps.map(\.id) ?? [], "steps"))
      }
    }
    check(step.action, at: "\(path).do")
    if let undo = step.undo { check(undo, at: "\(path).undo") }
    for (key, condition) in [("precondition", step.precondition), ("verify", step.verify), ("gate", step.gate)] {
      if let condition { check(condition, at: "\(path).\(key)") }
    }
    checkTimes(of: step, at: path)
    if step.verify == nil, !step.action.isItsOwnProof {
      warning(
        path, "nothing verifies that '\(step.id)' did what it should: whoever runs it would have to guess",
        fix: "add verify, such as verify: { metric: leader, is: \(scenario.survivor), eventually: 20s }")
    }
    if step.undo == nil, own?.onFailure == .undo, step.action.needsUndo {
      warning(
        path, "'\(step.id)' has no undo: when a later step fails, what it did stays",
        fix: "add undo, or onFailure: stop")
    }
  }

  /// What a step cannot do in its time.
  private mutating func checkTimes(of step: RunbookStep, at path: String) {
    let waits: [(String, Duration)] = [
      ("precondition", step.precondition?.quantifier?.duration), ("do", step.action.leastDuration),
      ("verify", step.verify?.quantifier?.duration),
    ].compactMap { key, time in time.map { (key, $0) } }
    let sum = waits.reduce(Duration.zero) { $0 + $1.1 }
    guard sum > step.timeout else { return }
    let parts = waits.map { "\($0.0) \($0.1.text)" }.joined(separator: " + ")
    error(
      "\(path).timeout", "\(step.timeout.text) is too short for \(parts)", fix: "at least \(sum.text)")
  }

  private mutating func check(_ action: RunbookAction, at path: String) {
    let place = "\(path).\(action.verb.rawValue)"
    if !scenario.stack.kind.isDriven, !action.isOfAnySystem {
      error(
        place, "we have no hand on an external system that could do this",
        fix: "say how it is done there: a command, an http call, or a person's approval")
      return
    }
    switch action {
    case .pauseMirror(let link), .resumeMirror(let link): checkEnds(link.from, link.to, at: place)
    case .fenceRegion(let region): self.region(region.region, with: .store, at: "\(place).region")
    case .promote(let region), .demote(let region), .transferLeadership(let region):
      self.region(region.region, with: .control, at: "\(place).region")
    case .repointProducers(let move):
      region(move.to, with: .store, at: "\(place).to")
      check(move.names, among: scenario.workload.producers.map(\.name), "producers", at: "\(place).names")
    case .pauseProducers(let members), .resumeProducers(let members):
      check(members.names, among: scenario.workload.producers.map(\.name), "producers", at: "\(place).names")
    case .pauseConsumers(let members), .resumeConsumers(let members):
      check(members.names, among: scenario.workload.consumers.map(\.name), "consumers", at: "\(place).names")
    case .exportOffsets(let offsets), .importOffsets(let offsets):
      region(offsets.region, with: .store, at: "\(place).region")
      check(offsets.names, among: scenario.workload.consumers.map(\.name), "consumers", at: "\(place).names")
    case .verifyParity(let parity), .reconcile(let parity):
      for (index, name) in parity.regions.enumerated() { region(name, with: .store, at: "\(place).regions[\(index)]") }
      if parity.regions.count == 1 { error("\(place).regions", "one store cannot be compared with itself") }
    case .shiftTraffic(let shift):
      checkEnds(shift.from, shift.to, at: place)
      if let gate = shift.gate { check(gate, at: "\(place).gate") }
      if shift.gate == nil {
        warning(place, "no gate judges the stages: traffic moves on whatever happens", fix: "add gate")
      }
    case .repointOutbox(let move): checkOutbox(move.to, at: place, "to")
    case .reEmitOutbox(let source): checkOutbox(source.region, at: place, "region")
    case .command(let call): check(call, at: place)
    case .http(let call): check(call, at: place)
    case .kafka(let action): check(action, at: place)
    case .approval, .wait: break
    }
  }

  mutating func checkEnds(_ from: String, _ to: String, at place: String) {
    region(from, with: .store, at: "\(place).from")
    region(to, with: .store, at: "\(place).to")
    if from == to { error("\(place).to", "'\(to)' cannot be its own other side", fix: "name another region") }
  }

  private mutating func checkOutbox(_ store: String, at place: String, _ key: String) {
    region(store, with: .store, at: "\(place).\(key)")
    if scenario.stack.outbox == nil {
      error(place, "the store has no outbox", fix: "add stack.outbox: {}")
    }
  }

  private mutating func check(_ names: [String], among all: [String], _ what: String, at place: String) {
    for (index, name) in names.enumerated() where !all.contains(name) {
      error("\(place)[\(index)]", "there is no \(what.dropLast()) \(quoted(name))", fix: known(name, all, what))
    }
  }
}

extension RunbookAction {
  /// Whether its own outcome says that it did what it should.
  fileprivate var isItsOwnProof: Bool {
    switch self {
    // Verbs of the stack are done when its own servers have confirmed them.
    case .command, .http, .pauseProducers, .resumeProducers: false
    default: true
    }
  }

  /// Whether something stays that a later failure should take back.
  fileprivate var needsUndo: Bool {
    switch self {
    case .verifyParity, .approval, .wait, .exportOffsets, .reconcile, .shiftTraffic, .command, .http, .fenceRegion:
      false
    case .resumeMirror, .resumeProducers, .resumeConsumers, .importOffsets, .repointOutbox, .reEmitOutbox: false
    case .pauseMirror, .promote, .demote, .transferLeadership, .repointProducers, .pauseProducers, .pauseConsumers: true
    case .kafka(let action): action.needsUndo
    }
  }

  /// The least time that it takes; `nil` where that cannot be said.
  var leastDuration: Duration? {
    switch self {
    case .wait(let pause): pause.duration
    case .shiftTraffic(let shift): shift.duration
    case .kafka(.mirrorStatus(let check)): check.within
    default: nil
    }
  }
}

extension RunbookAction {
  /// Whether it needs nothing of the stack under drill.
  fileprivate var isOfAnySystem: Bool {
    switch self {
    case .command, .http, .approval, .wait: true
    default: false
    }
  }
}
