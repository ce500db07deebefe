internal import Support

/// One step of a runbook, as structured work: it owns everything it starts.
public struct RunbookStep: Sendable, Hashable, Codable {
  /// Its name; unique among the steps of runbook and failback.
  public var id: String
  /// Who decides that it may begin.
  public var decides: Decider
  /// The steps that must be done before; the one before it in the file unless something else is said. Empty: none.
  public var after: [String]
  /// What must hold before it begins; waited for at most as long as ``timeout``.
  public var precondition: Condition?
  /// What it does.
  public var action: RunbookAction
  /// What must hold afterwards. Without a quantifier: at some moment before ``timeout`` is over.
  public var verify: Condition?
  /// What takes it back. `nil`: nothing has to be, or nothing can be.
  public var undo: RunbookAction?
  /// The longest it may take, each attempt for itself: precondition, action and verification together.
  @DurationText public var timeout: Duration
  /// How often it is tried again.
  public var retries: Retries?
  /// What must hold, after it is verified, before any other step begins; if it does not, the step has failed.
  public var gate: Condition?

  /// Who decides that a step may begin.
  public enum Decider: Sendable, Hashable, Codable {
    /// The tool, as soon as the preconditions hold.
    case tool
    /// A person, by name.
    case person(String)
    /// Whoever has this role.
    case role(String)
  }

  /// How often something is tried again.
  public struct Retries: Sendable, Hashable, Codable {
    /// Attempts after the first.
    public var times: Int
    /// From the end of one attempt to the beginning of the next.
    @DurationText public var every: Duration

    /// Retries from their parts.
    public init(times: Int, every: Duration) {
      self.times = times
      self.every = every
    }
  }

  /// A step from its parts.
  public init(
    id: String, decides: Decider = .tool, after: [String] = [], precondition: Condition? = nil, action: RunbookAction,
    verify: Condition? = nil, undo: RunbookAction? = nil, timeout: Duration, retries: Retries? = nil,
    gate: Condition? = nil
  ) {
    self.id = id
    self.decides = decides
    self.after = after
    self.precondition = precondition
    self.action = action
    self.verify = verify
    self.undo = undo
    self.timeout = timeout
    self.retries = retries
    self.gate = gate
  }

  /// The longest it may take with all its attempts.
  public var longest: Duration {
    guard let retries else { return timeout }
    return timeout * (retries.times + 1) + retries.every * retries.times
  }
}

extension RunbookStep.Decider: CustomStringConvertible {
  /// `the tool`, `alice`, `the incident commander`.
  public var description: String {
    switch self {
    case .tool: "the tool"
    case .person(let name): name
    case .role(let role): "the \(role)"
    }
  }
}
