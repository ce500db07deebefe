internal import Support

/// The course of a runbook, apart from all input and output: which command comes after which answer.
///
/// There is one command at a time, and each gets one answer, given when the work behind it has ended with everything that
/// it started. So when the machine finishes, nothing is left running, whatever happened before.
///
/// What goes wrong, or is cancelled, sends it back: steps that were begun are undone in reverse order, down to the last
/// step that changed something and has no undo. What stands then has a name (``SafeState``).
public struct RunbookMachine: Sendable, Hashable {
  /// What the machine knows of a step.
  public struct Step: Sendable, Hashable {
    /// Its id.
    public var id: String
    /// Whether a person decides that it is done.
    public var needsApproval: Bool
    /// Whether something must hold before it is done.
    public var hasPrecondition: Bool
    /// Whether something must hold after it was done.
    public var hasVerification: Bool
    /// Whether something must hold before the next step is taken.
    public var hasGate: Bool
    /// Whether its action changes something.
    public var changes: Bool
    /// Whether it can be undone.
    public var isUndoable: Bool
    /// How often its action is tried in all, at least once.
    public var attempts: Int

    /// A step from its parts.
    public init(
      _ id: String, needsApproval: Bool = false, hasPrecondition: Bool = false, hasVerification: Bool = false,
      hasGate: Bool = false, changes: Bool = true, isUndoable: Bool = false, attempts: Int = 1
    ) {
      self.id = id
      self.needsApproval = needsApproval
      self.hasPrecondition = hasPrecondition
      self.hasVerification = hasVerification
      self.hasGate = hasGate
      self.changes = changes
      self.isUndoable = isUndoable
      self.attempts = max(1, attempts)
    }
  }

  /// What is to be done for the step of an index.
  public enum Command: Sendable, Hashable {
    /// Ask whoever decides.
    case approve(Int)
    /// Wait for its precondition.
    case check(Int)
    /// Do it, for the n-th time from 1.
    case act(Int, attempt: Int)
    /// Wait for its verification.
    case verify(Int)
    /// Wait before the next attempt.
    case rest(Int, before: Int)
    /// Wait for its gate.
    case passGate(Int)
    /// Take it back.
    case undo(Int)
    /// It is over.
    case finish(RunbookEnd)
  }

  /// How a command ended.
  public enum Answer: Sendable, Hashable {
    /// As it should.
    case succeeded
    /// Not, and why. `final`: another attempt is not to be made, for the step's time is over or somebody said no.
    case failed(String, final: Bool)
    /// Somebody wants the runbook to end. What the command had done by then is not known.
    case cancelled
  }

  private enum State: Sendable, Hashable {
    case idle
    case waiting(Command)
    case finished
  }

  /// Why it goes back.
  private struct Retreat: Sendable, Hashable {
    var step: String
    var why: String
    var wasCancelled: Bool
  }

  /// The steps.
  public let steps: [Step]
  private let undoes: Bool
  private var state = State.idle
  private var attempt = 1
  /// Steps whose action has begun and that were not undone, in order.
  private var begun: [Int] = []
  /// Steps that are done and verified.
  private var done: Set<Int> = []
  private var undone: [String] = []
  private var failures: [String] = []
  private var retreat: Retreat?

  /// A runbook of which nothing is done yet.
  ///
  /// - Parameter undoes: whether a step that failed for good sends it back; if not, everything is left as it stands. A
  ///   cancellation sends it back in any case.
  public init(_ steps: [Step], undoes: Bool = true) {
    self.steps = steps
    self.undoes = undoes
  }

  /// Takes in how the last command ended, and says what comes next. The first call says how the start goes.
  public mutating func handle(_ answer: Answer) -> Command {
    let next: Command
    switch state {
    case .idle:
      next = answer == .succeeded ? enter(0) : goBack(at: 0, answer)
    case .waiting(let command):
      next = after(command, answer)
    case .finished:
      preconditionFailure("\(answer) after the end of the runbook")
    }
    if case .finish = next { state = .finished } else { state = .waiting(next) }
    return next
  }

  private mutating func after(_ command: Command, _ answer: Answer) -> Command {
    switch (command, answer) {
    case (.approve(let index), .succeeded): return prepare(index)
    case (.check(let index), .succeeded): return act(index, 1)
    case (.act(let index, _), .succeeded): return steps[index].hasVerification ? .verify(index) : gate(index)
    case (.verify(let index), .succeeded): return gate(index)
    case (.passGate(let index), .succeeded): return enter(index + 1)
    case (.rest(let index, let number), .succeeded): return act(index, number)
    case (.act(let index, _), .failed(_, final: false)) where attempt < steps[index].attempts:
      return .rest(index, before: attempt + 1)
    case (.verify(let index), .failed(_, final: false)) where attempt < steps[index].attempts:
      return .rest(index, before: attempt + 1)
    case (.undo(let index), .succeeded):
      undone.append(steps[index].id)
      begun.removeLast()
      return undoNext()
    case (.undo(let index), _):
      // Undoing runs where cancellation does not reach it; whatever came instead of success is a failure.
      if case .failed(let why, _) = answer {
        failures.append("\(steps[index].id): \(why)")
      } else {
        failures.append("\(steps[index].id): its undo was interrupted")
      }
      begun.removeLast()
      return undoNext()
    case (.approve(let index), _), (.check(let index), _), (.act(let index, _), _), (.verify(let index), _),
      (.rest(let index, _), _), (.passGate(let index), _):
      return goBack(at: index, answer)
    case (.finish, _):
      preconditionFailure("\(answer) to the end of the runbook")
    }
  }

  private mutating func enter(_ index: Int) -> Command {
    guard index < steps.count else { return .finish(.completed) }
    return steps[index].needsApproval ? .approve(index) : prepare(index)
  }

  private mutating func prepare(_ index: Int) -> Command {
    steps[index].hasPrecondition ? .check(index) : act(index, 1)
  }

  private mutating func act(_ index: Int, _ number: Int) -> Command {
    attempt = number
    if begun.last != index { begun.append(index) }
    return .act(index, attempt: number)
  }

  private mutating func gate(_ index: Int) -> Command {
    done.insert(index)
    return steps[index].hasGate ? .passGate(index) : enter(index + 1)
  }

  private mutating func goBack(at index: Int, _ answer: Answer) -> Command {
    let why: String
    if case .failed(let text, _) = answer { why = text } else { why = "cancelled" }
    retreat = Retreat(step: steps.isEmpty ? "" : steps[index].id, why: why, wasCancelled: answer == .cancelled)
    return undoNext()
  }

  private mutating func undoNext() -> Command {
    if let retreat, !undoes, !retreat.wasCancelled {
      return .finish(
        .stopped(
          at: retreat.step, why: retreat.why, cancelled: false, undone: [], state: .left(at: retreat.step)))
    }
    while let index = begun.last {
      if steps[index].isUndoable { return .undo(index) }
      // What changed nothing is not in the way of what lies before it.
      guard !steps[index].changes else { break }
      begun.removeLast()
    }
    guard let retreat else { preconditionFailure("undoing without a reason: \(self)") }
    let state: SafeState =
      !failures.isEmpty
      ? .unsafe(failures)
      : begun.last.map { done.contains($0) ? .standing(after: steps[$0].id) : .left(at: steps[$0].id) } ?? .asBefore
    return .finish(
      .stopped(
        at: retreat.step, why: retreat.why, cancelled: retreat.wasCancelled, undone: undone, state: state))
  }
}

/// How a runbook ended.
public enum RunbookEnd: Sendable, Hashable {
  /// Every step is done and verified.
  case completed
  /// It went back from a step.
  case stopped(at: String, why: String, cancelled: Bool, undone: [String], state: SafeState)
}

/// What stands when a runbook was left early.
public enum SafeState: Sendable, Hashable, Codable, CustomStringConvertible {
  /// Everything that was begun was taken back.
  case asBefore
  /// Everything after this step was taken back; the step itself cannot be.
  case standing(after: String)
  /// This step was begun, failed or was cancelled, and cannot be taken back, or is not to be; what came before it is done,
  /// what came after it never began.
  case left(at: String)
  /// Something could not be taken back: the steps, each with the reason.
  case unsafe([String])

  /// Whether nothing hangs in the air.
  public var isSafe: Bool {
    if case .unsafe = self { return false }
    return true
  }

  /// `as before the runbook`, `standing after promote`.
  public var description: String {
    switch self {
    case .asBefore: "as before the runbook"
    case .standing(let step): "standing after \(step)"
    case .left(let step): "left at \(step)"
    case .unsafe(let failures): "NOT SAFE, could not be undone: \(failures.joined(separator: "; "))"
    }
  }
}
