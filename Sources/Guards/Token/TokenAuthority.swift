public import Support

/// Where the current token comes from.
public protocol TokenSource: Sendable {
  /// Names the authority, so that the state kept for one is not taken for another's: `etcd /blackstart/lab/writer`.
  var name: String { get }

  /// Asks which reign is. It must be the truth at some moment after the call: with etcd a linearizable read. It must end by itself
  /// within a second or so, also when nobody answers.
  func current() async throws -> TokenReading
}

/// Decides for all guards of a process, asks the authority, keeps the highest token, and writes every decision down before it
/// takes effect.
///
/// The authority is asked anew for each request that could pass, and one answer serves all requests that came before it was
/// asked for; so a request never passes on the strength of a reign that had ended before it arrived, unless the authority is
/// silent: then its last answer stands for `maximumAge`, and after that everything is refused. Runs on a thread of its own,
/// because it waits for the disk.
public actor TokenAuthority {
  private nonisolated let executor: ThreadExecutor
  private let source: any TokenSource
  private let timebase: Timebase
  private let pollInterval: Duration
  private let report: @Sendable (String) -> Void
  private let log: DecisionLog
  private var state: GuardState
  private var fence: TokenFence
  private var isRunning = false
  private var isSilent = false
  private var waiting: [(since: Int64, continuation: CheckedContinuation<Void, Never>)] = []
  private let kicks: AsyncStream<Void>
  private let kick: AsyncStream<Void>.Continuation

  /// Its own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Opens state and log.
  ///
  /// - Parameters:
  ///   - directory: of the state, for this process alone.
  ///   - logPath: of the decision log; `nil` for `decisions.jsonl` in the directory.
  ///   - maximumAge: for how long the authority's last answer stands when it answers no more; zero for not at all.
  ///   - pollInterval: how often it is asked when nobody wants to pass, so that the highest token is learnt early.
  ///   - isFrozen: `true` freezes it now; `false` leaves it as it was.
  ///   - report: told of what an operator should know; called on this actor's thread.
  /// - Throws: ``Problem`` or `SystemError` when state or log cannot be used.
  public init(
    source: any TokenSource, directory: String, logPath: String? = nil, maximumAge: Duration = .seconds(2),
    pollInterval: Duration = .milliseconds(500), isFrozen: Bool = false, plant: GuardPlant? = nil,
    timebase: Timebase = .system, report: @escaping @Sendable (String) -> Void
  ) throws {
    self.source = source
    self.timebase = timebase
    self.pollInterval = pollInterval
    self.report = report
    state = try GuardState(directory: directory, authority: source.name)
    log = try DecisionLog(logPath ?? "\(directory)/decisions.jsonl")
    if isFrozen { try state.keep(isFrozen: true) }
    fence = TokenFence(highest: state.highest, maximumAge: maximumAge, plant: plant)
    (kicks, kick) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
    executor = try ThreadExecutor(name: "token")
  }

  deinit { executor.stop() }

  /// Asks the authority again and again, until cancelled; so requests share its answers, and a higher token is kept early.
  public func run() async {
    isRunning = true
    kick.yield()
    await withDiscardingTaskGroup { group in
      group.addTask(name: "ticks") { [pollInterval, kick] in
        while !Task.isCancelled {
          do { try await ContinuousClock().sleep(for: pollInterval) } catch { break }
          kick.yield()
        }
      }
      for await _ in kicks {
        if Task.isCancelled { break }
        await ask()
      }
      group.cancelAll()
    }
    isRunning = false
    release(before: .max)
  }

  /// Whether a request may pass. The decision is in the log when this returns.
  ///
  /// - Parameter canBeFrozen: whether this is something that the freeze mode holds up.
  public func judge(_ question: GuardQuestion, canBeFrozen: Bool = false) async -> GuardDecision {
    if canBeFrozen && state.isFrozen { return record(question, .refused(.frozen)) }
    if fence.verdictWithoutAsking(question.presented) == nil { await freshReading() }
    if canBeFrozen && state.isFrozen { return record(question, .refused(.frozen)) }
    return record(question, fence.judge(question.presented, at: timebase.monotonic()))
  }

  /// Writes down what was refused before any token was looked at.
  public func refuse(_ question: GuardQuestion, _ rule: GuardRule) -> GuardDecision {
    record(question, .refused(rule))
  }

  /// Writes down what was let pass without regard to its token.
  public func pass(_ question: GuardQuestion, _ rule: GuardRule) -> GuardDecision {
    record(question, .allowed(rule))
  }

  /// Whether it holds up what can be frozen.
  public var isFrozen: Bool { state.isFrozen }

  /// Freezes or thaws; it is on disk when this returns.
  public func freeze(_ isFrozen: Bool) throws {
    try state.keep(isFrozen: isFrozen)
    report(isFrozen ? "frozen: no write passes" : "thawed: writes pass with the current token")
  }

  /// The highest token seen so far.
  public var highest: FencingToken? { fence.highest }

  private func record(_ question: GuardQuestion, _ verdict: TokenVerdict) -> GuardDecision {
    var current: Int64?
    if case .held(let token, _) = fence.reading { current = token.value }
    var decision = GuardDecision(
      time: timestamp(timebase.wall()), monotonic: timebase.monotonic(), origin: question.origin,
      client: question.client, asked: String(question.asked.prefix(512)),
      clientID: question.clientID.map { String($0.prefix(256)) }, token: question.presented.text,
      isAllowed: verdict.isAllowed, rule: verdict.rule, current: current, highest: fence.highest?.value)
    do { try log.append(decision) } catch {
      // What is not written down does not happen.
      report("a decision could not be written down, so it is refused: \(error)")
      decision.isAllowed = false
      decision.rule = .notRecorded
    }
    return decision
  }

  /// Returns when the authority was asked after now and has answered, or failed to.
  private func freshReading() async {
    // Before it runs, nobody else would ask.
    guard isRunning else { return await ask() }
    let since = timebase.monotonic()
    await withCheckedContinuation { continuation in
      waiting.append((since, continuation))
      kick.yield()
    }
  }

  private func ask() async {
    let askedAt = timebase.monotonic()
    do {
      let reading = try await source.current()
      if let higher = fence.rise(by: reading) {
        try state.keep(higher)
        report("the highest token is now \(higher)")
      }
      fence.note(reading, askedAt: askedAt)
      if isSilent { report("the authority answers again") }
      isSilent = false
    } catch {
      if !isSilent && !Task.isCancelled {
        report("the authority does not answer, or its answer cannot be kept: \(error)")
        isSilent = true
      }
    }
    release(before: askedAt)
    if !waiting.isEmpty { kick.yield() }
  }

  private func release(before askedAt: Int64) {
    let served = waiting.filter { $0.since <= askedAt }
    waiting.removeAll { $0.since <= askedAt }
    for waiter in served { waiter.continuation.resume() }
  }
}
