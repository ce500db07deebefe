internal import Agents
internal import Faults
internal import Scenarios
internal import Support
internal import Synchronization

/// The agent of a host. When it is lost, another is started in its place, for one thing only: to take back what it may have left,
/// and to see that it is gone. Nothing new is made through that one.
final class HostAgent: Agent {
  let node: String
  private let run: String
  private let lease: Duration
  private let timebase: Timebase
  private let clock: any Clock<Duration>
  private let stateDirectory: String
  private let connect: @Sendable (_ limit: Duration) async throws -> RemoteAgent
  private let tell: @Sendable (String) async -> Void
  private let state: Mutex<State>

  private struct State {
    var current: RemoteAgent
    /// Whether the first one was lost and this is who took its place.
    var isSuccessor = false
    /// Whether anything was asked that changes the node.
    var hasArmed = false
    /// Why no other agent was to be had, once that is so.
    var failure: Problem?
    /// Until when another agent is waited for (ns, monotonic); `nil`: none was lost yet.
    var deadline: Int64?
  }

  /// How much longer than its lease a fault is given to be gone: its kernel's own time, and a guardian's.
  private static let reserve: Duration = .seconds(5)
  /// How long one more agent may take once all of that is over: whoever asks again shall not wait as long again.
  private static let lastTry: Duration = .seconds(2)

  /// An agent that is there, and how another one is had within a limit.
  ///
  /// - Parameter tell: hears what another one took back, in words.
  init(
    _ agent: RemoteAgent, run: String, lease: Duration, timebase: Timebase, clock: any Clock<Duration>,
    connect: @escaping @Sendable (_ limit: Duration) async throws -> RemoteAgent,
    tell: @escaping @Sendable (String) async -> Void
  ) {
    node = agent.node
    stateDirectory = agent.ready.stateDirectory
    self.run = run
    self.lease = lease
    self.timebase = timebase
    self.clock = clock
    self.connect = connect
    self.tell = tell
    state = Mutex(State(current: agent))
  }

  func perform(_ request: AgentRequest) async throws -> AgentReply {
    let current = state.withLock { state in
      if request.changesTheNode { state.hasArmed = true }
      return state.current
    }
    do { return try await current.perform(request) } catch let loss as AgentLost {
      // A fault that was lost with its agent is not made again: what follows is not the drill that was planned.
      guard request.belongsToTheEnd else { throw loss }
      return try await successor(of: loss).perform(request)
    }
  }

  /// Lets the agent go, once it is verified that nothing of ours is left on the host.
  ///
  /// - Throws: ``Problem`` (recoveryIncomplete) with what may be left, and what to do about it there.
  func close() async throws {
    let (current, hasArmed) = state.withLock { ($0.current, $0.hasArmed) }
    var left: [String]
    do { left = try await current.close() } catch let loss as AgentLost {
      guard hasArmed else { return }  // it has changed nothing
      left = try await successor(of: loss).close()
    } catch {
      throw remains("whether its faults are gone is not known: \(error)")
    }
    guard left.isEmpty else { throw remains("left there: \(left.joined(separator: "; "))") }
  }

  /// Whoever takes the place of an agent that is lost, once nothing of that one is left.
  private func successor(of loss: AgentLost) async throws -> RemoteAgent {
    if let known = state.withLock({ $0.isSuccessor ? $0.current : nil }), known.loss == nil { return known }
    let latest = timebase.monotonic() + (lease + Self.reserve).nanoseconds
    let deadline = state.withLock { state in
      state.deadline = state.deadline ?? latest
      return state.deadline ?? latest
    }
    let next = try await another(until: deadline, loss)
    while true {
      // Of an agent that lives, and of a guardian that is at work, it takes nothing back: then it is asked again.
      guard case .tookBack(let succession) = try await next.perform(.takeBack(run: run)) else { throw anotherQuestion }
      for line in succession.done { await tell("another agent of \(node): \(line)") }
      guard case .remains(let left) = try await next.perform(.remains(run: run)) else { throw anotherQuestion }
      if left.isEmpty { break }
      guard timebase.monotonic() < deadline else {
        let failures = succession.left.map { "; it could not be taken back: \($0)" }.joined()
        throw remains("\(loss). Left there: \(left.joined(separator: "; "))\(failures)")
      }
      try await clock.sleep(for: .milliseconds(100))
    }
    return state.withLock { state in
      (state.current, state.isSuccessor) = (next, true)
      return next
    }
  }

  /// Another agent on that host. The way there may come back only when the fault that cut it has ended.
  private func another(until deadline: Int64, _ loss: AgentLost) async throws -> RemoteAgent {
    while true {
      // A command that hangs, as ssh does where nobody answers, takes all the time there is.
      let left = Duration.nanoseconds(deadline - timebase.monotonic())
      do { return try await connect(max(left, Self.lastTry)) } catch let error as AgentLost {
        guard timebase.monotonic() < deadline else {
          let failure = remains(
            "\(loss), and then: \(error). What is on it ends by itself, \(lease.text) after its agent last heard of us at the "
              + "latest; that it has is not known")
          throw state.withLock { state in
            // Told in the same words to whoever asks again.
            let first = state.failure ?? failure
            state.failure = first
            return first
          }
        }
      }
      try await clock.sleep(for: .milliseconds(200))
    }
  }

  private var anotherQuestion: Problem { remains("it answers another question than it was asked") }

  private func remains(_ what: String) -> Problem {
    Problem(
      .recoveryIncomplete, at: "host \(node)", what,
      fix:
        "on \(node): blackstart recover --list --state \(stateDirectory) shows what is left; without --list it removes that"
    )
  }
}

extension AgentRequest {
  /// Whether it may be asked of somebody who has armed nothing.
  fileprivate var belongsToTheEnd: Bool {
    switch self {
    case .disarm, .snapshot, .remains, .takeBack: true
    case .arm, .armInner, .changes, .count, .profile, .innerProfile, .clock, .ask: false
    }
  }

  fileprivate var changesTheNode: Bool {
    switch self {
    case .arm, .armInner: true
    default: false
    }
  }
}
