internal import Scenarios
internal import Support

/// Takes a runbook through its machine: does what each command says, and tells how it went.
///
/// Steps run one after the other in this task and own everything they start, so a command that has been answered has left
/// nothing running. Taking steps back runs where cancellation does not reach it.
struct RunbookRunner: Sendable {
  let run: DrillRun
  /// `runbook` or `failback`.
  let name: String
  let runbook: Runbook
  let tool: StackOperator

  private var steps: [RunbookStep] { runbook.steps.inOrder }

  /// Does the runbook from its first step; returns what stands in the end.
  ///
  /// - Parameter trigger: what made it begin.
  func perform(trigger: String) async throws -> RunbookEnd {
    let steps = steps
    try await run.journal.record(RunbookStarted(runbook: name, steps: steps.map(\.id), trigger: trigger))
    var machine = RunbookMachine(steps.map(\.machineStep), undoes: runbook.onFailure == .undo)
    var course = Course()
    var command = machine.handle(Task.isCancelled ? .cancelled : .succeeded)
    while true {
      if case .finish(let end) = command {
        try await conclude(end)
        return end
      }
      let answer: RunbookMachine.Answer
      (answer, course) = await answered(command, steps, course)
      command = machine.handle(answer)
    }
  }

  /// What is remembered from one command to the next.
  private struct Course: Sendable {
    /// When the attempt under way is over (ns).
    var deadline: Int64 = 0
    var attempt = 1
  }

  private func answered(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ course: Course
  ) async -> (RunbookMachine.Answer, Course) {
    if case .undo = command {
      return await shielded { await self.attempt(command, steps, course) }
    }
    return await attempt(command, steps, course)
  }

  private func attempt(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ course: Course
  ) async -> (RunbookMachine.Answer, Course) {
    var course = course
    do {
      try await carryOut(command, steps, &course)
      return (.succeeded, course)
    } catch is CancellationError {
      await say(command, steps, .failed, course, "cancelled")
      return (.cancelled, course)
    } catch let limit as DeadlineExceeded {
      await say(command, steps, .failed, course, limit.description)
      return (.failed(limit.description, final: false), course)
    } catch {
      // A call that was interrupted by our own end says so in its own way.
      let isCancelled = Task.isCancelled
      await say(command, steps, .failed, course, isCancelled ? "cancelled" : "\(error)")
      return (isCancelled ? .cancelled : .failed("\(error)", final: command.isFinalWhenItFails), course)
    }
  }

  private func carryOut(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ course: inout Course
  ) async throws {
    switch command {
    case .approve(let index):
      let step = steps[index]
      await say(command, steps, .approving, course, "\(step.decides)")
      let prompt = "\(name) step \(step.id): \(step.action.verb.rawValue)"
      try Task.checkCancellation()
      let answer = try await withDeadline(step.timeout, clock: run.clock, "the decision about \(step.id)") {
        try await Approver(run: run).ask(prompt, by: step.decides, step: step.id)
      }
      await say(command, steps, .approving, course, answer)
    case .check(let index):
      course.deadline = run.timebase.monotonic() + steps[index].timeout.nanoseconds
      await say(command, steps, .checking, course, steps[index].precondition.map { "\($0)" })
      try await expect(steps[index].precondition, "precondition", within: left(course))
    case .act(let index, let attempt):
      let step = steps[index]
      if attempt > 1 || step.precondition == nil {
        course.deadline = run.timebase.monotonic() + step.timeout.nanoseconds
      }
      course.attempt = attempt
      try Task.checkCancellation()
      try await run.confirm("\(name) step \(step.id): \(step.action.verb.rawValue)")
      try await record(command, steps, .acting, course, nil)
      run.view.note(step: step.id, .begun, at: run.timebase.monotonic())
      let found = try await withDeadline(left(course), clock: run.clock, "step \(step.id)") {
        try await tool.perform(step.action, for: step.id)
      }
      if step.verify == nil {
        try await finish(command, steps, course, found)
      } else {
        await say(command, steps, .verifying, course, found)
      }
    case .verify(let index):
      try await expect(steps[index].verify, "verification", within: left(course))
      try await finish(command, steps, course, steps[index].verify.map { "\($0)" })
    case .passGate(let index):
      await say(command, steps, .gating, course, steps[index].gate.map { "\($0)" })
      try await expect(steps[index].gate, "gate", within: steps[index].timeout)
    case .rest(let index, _):
      await say(command, steps, .resting, course, nil)
      try await run.clock.sleep(for: steps[index].retries?.every ?? .zero)
    case .undo(let index):
      let step = steps[index]
      guard let undo = step.undo else { preconditionFailure("\(step.id) has no undo") }
      await say(command, steps, .undoing, course, undo.verb.rawValue)
      let found = try await withDeadline(step.timeout, clock: run.clock, "undo of \(step.id)") {
        try await tool.perform(undo, for: step.id, isUndo: true)
      }
      run.view.note(step: step.id, .undone, at: run.timebase.monotonic())
      await say(command, steps, .undone, course, found)
    case .finish: preconditionFailure("the end is nothing to carry out")
    }
  }

  private func finish(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ course: Course, _ detail: String?
  ) async throws {
    guard let step = command.index.map({ steps[$0] }) else { return }
    try await record(command, steps, .done, course, detail)
    run.view.note(step: step.id, .done, at: run.timebase.monotonic())
  }

  private func left(_ course: Course) -> Duration {
    .nanoseconds(max(1_000_000, course.deadline - run.timebase.monotonic()))
  }

  private func expect(_ condition: Condition?, _ what: String, within limit: Duration) async throws {
    guard let condition else { return }
    switch try await run.judge(condition, within: limit) {
    case .met, .open: return
    case .missed(let seen): throw StepFailure("\(what) not met: \(condition) (\(seen))")
    case .noData(let why): throw StepFailure("\(what) cannot be told: \(condition) (\(why))")
    }
  }

  private func record(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ state: StepChanged.State, _ course: Course,
    _ detail: String?
  ) async throws {
    guard let step = command.index.map({ steps[$0] }) else { return }
    try await run.journal.record(
      StepChanged(
        runbook: name, step: step.id, verb: step.action.verb.rawValue, state: state, attempt: course.attempt,
        detail: detail))
    if state == .failed { run.view.note(step: step.id, .failed, at: run.timebase.monotonic()) }
  }

  /// Records what must not keep the runbook from going on, or back.
  private func say(
    _ command: RunbookMachine.Command, _ steps: [RunbookStep], _ state: StepChanged.State, _ course: Course,
    _ detail: String?
  ) async {
    guard let step = command.index.map({ steps[$0] }) else { return }
    await run.recordIfPossible(
      StepChanged(
        runbook: name, step: step.id, verb: step.action.verb.rawValue, state: state, attempt: course.attempt,
        detail: detail))
    if state == .failed { run.view.note(step: step.id, .failed, at: run.timebase.monotonic()) }
  }

  private func conclude(_ end: RunbookEnd) async throws {
    let event: RunbookEnded
    switch end {
    case .completed:
      event = RunbookEnded(runbook: name, isComplete: true, state: "complete", isSafe: true, undone: [])
    case .stopped(let step, let why, _, let undone, let state):
      event = RunbookEnded(
        runbook: name, isComplete: false, leftAt: step, why: why, state: state.description, isSafe: state.isSafe,
        undone: undone)
    }
    await run.recordIfPossible(event)
    try Task.checkCancellation()
  }
}

extension RunbookMachine.Command {
  /// The step it is for.
  var index: Int? {
    switch self {
    case .approve(let index), .check(let index), .act(let index, _), .verify(let index), .rest(let index, _),
      .passGate(let index), .undo(let index):
      index
    case .finish: nil
    }
  }

  /// Whether another attempt would be of no use: somebody said no, or it was waited for as long as it may be.
  fileprivate var isFinalWhenItFails: Bool {
    switch self {
    case .approve, .check, .passGate: true
    case .act, .verify, .rest, .undo, .finish: false
    }
  }
}

extension RunbookStep {
  /// What the machine knows of it.
  var machineStep: RunbookMachine.Step {
    RunbookMachine.Step(
      id, needsApproval: decides != .tool, hasPrecondition: precondition != nil, hasVerification: verify != nil,
      hasGate: gate != nil, changes: action.changesSomething, isUndoable: undo != nil,
      attempts: 1 + (retries?.times ?? 0))
  }
}

extension RunbookAction {
  /// Whether anything is different afterwards.
  var changesSomething: Bool {
    switch self {
    case .verifyParity, .reconcile, .exportOffsets, .approval, .wait: false
    case .kafka(let action): action.changesSomething
    default: true
    }
  }
}

extension [RunbookStep] {
  /// Each after those that it must come after, otherwise in the order of the file.
  var inOrder: [RunbookStep] {
    var left = self
    var ordered: [RunbookStep] = []
    while !left.isEmpty {
      let done = Set(ordered.map(\.id))
      // A circle is refused by validate; should one come here, the file's order stands.
      let next = left.firstIndex { $0.after.allSatisfy(done.contains) } ?? left.startIndex
      ordered.append(left.remove(at: next))
    }
    return ordered
  }
}
