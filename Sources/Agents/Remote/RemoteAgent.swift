internal import Dispatch
public import Faults
internal import Glibc
public import Support
internal import Synchronization

/// The agent of another machine, through the standard input and output of a command that was started for it.
///
/// Its end, in whatever way, and its silence end all faults there: the agent sees to that, and where it cannot, its kernel does.
public final class RemoteAgent: Agent {
  /// The node's name.
  public var node: String { order.node }
  /// What the agent says of itself.
  public let ready: AgentIsReady
  private let order: AgentOrder
  private let link: AgentLink

  private init(order: AgentOrder, ready: AgentIsReady, link: AgentLink) {
    self.order = order
    self.ready = ready
    self.link = link
  }

  /// Starts the command and comes to terms with the agent.
  ///
  /// - Parameters:
  ///   - order: what is wanted of it.
  ///   - command: what starts it: the path of the program and its arguments. No shell sees it.
  ///   - environment: the command's whole environment.
  ///   - log: the file that takes what it says to people, on standard error.
  ///   - program: who we are.
  ///   - limit: how long all of it may take.
  ///   - report: called with what happens to held faults, in our time, and with the loss of the agent; it must not block.
  /// - Throws: ``AgentLost`` with why there is none; nothing runs then, and nothing was changed there.
  public static func connect(
    _ order: AgentOrder, command: [String], environment: [String: String], log: String, program: ProgramIdentity,
    within limit: Duration = .seconds(20), timebase: Timebase = .system, clock: any Clock<Duration> = ContinuousClock(),
    report: @escaping @Sendable (AgentNews) -> Void
  ) async throws -> RemoteAgent {
    let link = try AgentLink(
      order, command: command, environment: environment, log: log, timebase: timebase, clock: clock, report: report)
    do {
      let ready = try await withDeadline(limit, clock: clock, "the agent of \(order.node)") {
        try await link.greet(as: program, order)
      }
      return RemoteAgent(order: order, ready: ready, link: link)
    } catch {
      await link.abandon("\(error)")
      if let loss = error as? AgentLost { throw loss }
      if error is CancellationError { throw error }
      throw AgentLost(node: order.node, why: "\(error)", said: link.lastWords)
    }
  }

  /// Does what is asked and says what came of it, in our time.
  ///
  /// - Throws: `FaultError`, ``AgentFailure``, ``AgentLost``, or `DeadlineExceeded`.
  public func perform(_ request: AgentRequest) async throws -> AgentReply {
    let link = link
    return try await withDeadline(request.limit, clock: link.clock, "\(request.words) on \(node)") {
      try await link.exchange(request)
    }
  }

  /// Why it is lost; `nil`: it is there.
  public var loss: AgentLost? { link.loss }

  /// Ends all faults there and lets it go. Runs to its end also when the caller is cancelled.
  ///
  /// - Returns: what is left on the node, in words; empty when nothing is.
  /// - Throws: ``AgentLost`` when it cannot be asked any more.
  public func close() async throws -> [String] {
    let link = link
    return try await shieldedThrowing { try await link.close() }
  }
}

/// What a controller hears from an agent without having asked.
public enum AgentNews: Sendable {
  /// Something happened to a held fault, in our time.
  case fault(FaultEvent)
  /// Something happened to what outlives the agent, in words.
  case note(String)
  /// It is lost.
  case lost(AgentLost)
}

/// That an agent cannot be had, or not any more.
public struct AgentLost: Error, Sendable, Hashable, CustomStringConvertible {
  /// The node.
  public var node: String
  /// Why.
  public var why: String
  /// The last that it, or the command that starts it, said to people; empty for nothing.
  public var said: String

  /// A loss.
  public init(node: String, why: String, said: String = "") {
    self.node = node
    self.why = why
    self.said = said
  }

  /// One line, and what was said.
  public var description: String {
    "there is no agent of '\(node)': \(why)" + (said.isEmpty ? "" : "; it said: \(said)")
  }
}

extension AgentRequest {
  /// How long its answer may take. Names are resolved there before a fault is made, which takes the longest.
  fileprivate var limit: Duration {
    switch self {
    case .clock, .count: .seconds(3)
    case .arm, .armInner, .changes, .disarm, .snapshot, .profile, .innerProfile, .remains, .takeBack: .seconds(15)
    // The host keeps the question's own time; what is added is for the end of it, and for the way there and back.
    case .ask(let question): question.timeout + .milliseconds(250) + .seconds(2)
    }
  }

  fileprivate var words: String {
    switch self {
    case .arm(let fault): "arming \(fault.id)"
    case .armInner(let fault): "arming \(fault.id)"
    case .changes(let fault): "looking at what \(fault.id) would change"
    case .count(let fault): "counting \(fault)"
    case .disarm(let fault): "disarming \(fault)"
    case .snapshot: "the snapshot"
    case .profile: "the profile"
    case .innerProfile: "the profile of processes"
    case .clock: "the clock"
    case .remains: "what is left"
    case .ask: "a question asked"
    case .takeBack: "taking back what is left"
    }
  }
}
