internal import Dispatch
internal import Faults
internal import Glibc
internal import Support
internal import Synchronization

/// The process that was started for an agent, and the messages to it and from it.
final class AgentLink: Sendable {
  let node: String
  let timebase: Timebase
  let clock: any Clock<Duration>
  private let child: ChildProcess
  private let log: String
  private let silence: Int64
  private let report: @Sendable (AgentNews) -> Void
  private let state: Mutex<State>
  private let pipe: FramePipe
  // proof: set up in init, then only cancelled, which libdispatch allows from any thread
  private nonisolated(unsafe) let heart: any DispatchSourceTimer
  /// What belongs to the beginning and the end of the service, in order.
  private let greetings: AsyncStream<AgentMessage>
  private let greeted: AsyncStream<AgentMessage>.Continuation

  private struct State {
    var reader = FrameReader()
    var lastID: UInt64 = 0
    var waiting: [UInt64: CheckedContinuation<AgentReply, any Error>] = [:]
    var pings: [UInt64: Int64] = [:]
    var offset: RemoteClock?
    var heardAt: Int64
    var loss: AgentLost?
    var isServing = false
    var isClosed = false
  }

  /// How often the agent is told that we are there.
  private static let heartbeat: Duration = .milliseconds(500)

  /// Starts the command.
  ///
  /// - Throws: ``AgentLost``; nothing runs then.
  init(
    _ order: AgentOrder, command: [String], environment: [String: String], log: String, timebase: Timebase,
    clock: any Clock<Duration>, report: @escaping @Sendable (AgentNews) -> Void
  ) throws(AgentLost) {
    node = order.node
    self.timebase = timebase
    self.clock = clock
    self.log = log
    self.report = report
    silence = order.leaseNanoseconds
    state = Mutex(State(heardAt: timebase.monotonic()))
    (greetings, greeted) = AsyncStream.makeStream(of: AgentMessage.self)
    let ends: (input: Int32, output: Int32)
    do { (child, ends) = try Self.start(command, environment, log) } catch {
      throw AgentLost(node: order.node, why: "'\(command.joined(separator: " "))' cannot be started: \(error)")
    }
    do { pipe = try FramePipe(owning: ends.output, ends.input, name: order.node) } catch {
      kill(-child.identity.pid, SIGKILL)
      throw AgentLost(node: order.node, why: "\(error)")
    }
    heart = DispatchSource.makeTimerSource(queue: DispatchQueue(label: "heart of \(order.node)"))
    pipe.start { [weak self] in self?.take($0) }
    heart.setEventHandler { [weak self] in self?.beat() }
    heart.schedule(deadline: .now(), repeating: .milliseconds(Int(Self.heartbeat.milliseconds)))
    heart.activate()
  }

  deinit {
    heart.cancel()
  }

  private static func start(
    _ command: [String], _ environment: [String: String], _ log: String
  ) throws -> (ChildProcess, (input: Int32, output: Int32)) {
    guard let path = command.first else { throw SystemError("execve", "a command without a word", number: ENOENT) }
    // No child of ours gets more than the three descriptors it is given, so these need no flag of their own.
    var toChild: [Int32] = [-1, -1]
    var fromChild: [Int32] = [-1, -1]
    guard Glibc.pipe(&toChild) == 0 else { throw SystemError("pipe") }
    guard Glibc.pipe(&fromChild) == 0 else {
      let error = SystemError("pipe")
      for end in toChild { Glibc.close(end) }
      throw error
    }
    // Ours alone, so that nobody else's writes are changed by it.
    _ = fcntl(toChild[1], F_SETFL, O_NONBLOCK)
    var request = ProcessRequest(path, Array(command.dropFirst()))
    request.environment = environment
    request.logPath = log
    request.standardInput = toChild[0]
    request.standardOutput = fromChild[1]
    let result = Result { try ChildProcess(request) }
    // The other ends are the child's alone: only so does its death close them.
    Glibc.close(toChild[0])
    Glibc.close(fromChild[1])
    switch result {
    case .success(let child): return (child, (input: toChild[1], output: fromChild[0]))
    case .failure(let error):
      Glibc.close(toChild[1])
      Glibc.close(fromChild[0])
      throw error
    }
  }

  /// Why the agent is lost; `nil`: it is there.
  var loss: AgentLost? { state.withLock(\.loss) }

  /// The last that it said to people; empty for nothing.
  var lastWords: String {
    guard let bytes = try? readFile(log, limit: 1 << 20) else { return "" }  // a log is a help, never a need
    let lines = String(decoding: bytes.suffix(2000), as: UTF8.self).split(separator: "\n").suffix(3)
    return lines.joined(separator: " | ")
  }

  // MARK: Beginning and end

  /// Says who we are and what we want, and hears whether it is served.
  func greet(as program: ProgramIdentity, _ order: AgentOrder) async throws -> AgentIsReady {
    var messages = greetings.makeAsyncIterator()
    func next() async throws -> AgentMessage {
      if let message = await messages.next() { return message }
      try Task.checkCancellation()
      throw loss ?? AgentLost(node: node, why: "it ended")
    }
    guard case .hello(let other) = try await next() else { throw foreign("it did not say who it is") }
    try send(.hello(program))
    if let why = other.disagreement(with: program) {
      throw foreign("\(why); put the same blackstart on both machines. Nothing was changed there")
    }
    try send(.begin(order))
    switch try await next() {
    case .ready(let ready):
      state.withLock { $0.isServing = true }
      // One reading of its clock before anything is dated by it.
      while state.withLock({ $0.offset == nil && $0.loss == nil }) { try await clock.sleep(for: .milliseconds(5)) }
      if let loss { throw loss }
      return ready
    case .refused(let why): throw foreign(why)
    default: throw foreign("it says something else than whether it serves")
    }
  }

  /// Ends all faults and the process; says what is left there.
  func close() async throws -> [String] {
    let isFirst = state.withLock { state in
      defer { state.isClosed = true }
      return !state.isClosed
    }
    if let loss { throw loss }
    guard isFirst else { throw AgentLost(node: node, why: "it was let go") }
    try send(.goodbye)
    let left = try await withDeadline(.seconds(15), clock: clock, "the end of the agent of \(node)") {
      () async throws -> [String] in
      for await message in self.greetings {
        if case .closed(let left) = message { return left }
      }
      throw self.loss ?? AgentLost(node: self.node, why: "it ended before it said what is left")
    }
    await end()
    return left
  }

  /// Gives the agent up, whatever it does.
  func abandon(_ why: String) async {
    state.withLock { $0.isClosed = true }
    lose(why)
    await end()
  }

  private func foreign(_ why: String) -> AgentLost { AgentLost(node: node, why: why, said: lastWords) }

  /// Ends the process, with all of the group that it leads.
  private func end() async {
    heart.cancel()
    pipe.stop()
    let gone = try? await withDeadline(.seconds(2), clock: clock, "") { await self.child.wait() }
    if gone == nil { killGroup() }
    await shielded { _ = await self.child.wait() }
    killGroup()
  }

  /// Whoever is left of the group; with nobody left this finds none.
  private func killGroup() { kill(-child.identity.pid, SIGKILL) }

  // MARK: Requests

  /// Sends a request and waits for its answer.
  func exchange(_ request: AgentRequest) async throws -> AgentReply {
    let id = state.withLock { state in
      state.lastID += 1
      return state.lastID
    }
    let bytes = try framed(ControllerMessage.ask(id: id, request))
    return try await withTaskCancellationHandler {
      try await withCheckedThrowingContinuation { continuation in
        let refusal: (any Error)? = state.withLock { state in
          if let loss = state.loss { return loss }
          if state.isClosed { return AgentLost(node: node, why: "it was let go") }
          if Task.isCancelled { return CancellationError() }
          state.waiting[id] = continuation
          return nil
        }
        if let refusal { return continuation.resume(throwing: refusal) }
        pipe.send(bytes)
      }
    } onCancel: {
      state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
    }
  }

  private func send(_ message: ControllerMessage) throws(FrameError) { pipe.send(try framed(message)) }

  // MARK: What comes

  /// Tells the agent that we are there, and looks whether it is.
  private func beat() {
    let now = timebase.monotonic()
    let (id, isSilent, isServing) = state.withLock { state in
      state.lastID += 1
      state.pings[state.lastID] = now
      return (state.lastID, now - state.heardAt > silence, state.isServing)
    }
    guard isServing else { return }
    if let failure = pipe.failure { return lose("nothing can be sent to it: \(failure)") }
    if isSilent { return lose("it has not said a word for \(Duration.nanoseconds(silence).brief)") }
    do { try send(.ping(id: id)) } catch { lose("\(error)") }
  }

  /// Called on the reading queue.
  private func take(_ received: FramePipe.Received) {
    switch received {
    case .end(let why): lose(why ?? "its stream has ended")
    case .bytes(let bytes):
      do {
        let messages = try state.withLock { state -> [AgentMessage] in
          state.heardAt = timebase.monotonic()
          state.reader.take(bytes)
          var messages: [AgentMessage] = []
          while let message = try state.reader.nextMessage(AgentMessage.self) { messages.append(message) }
          return messages
        }
        for message in messages { take(message) }
      } catch {
        lose("\(error)")
      }
    }
  }

  private func take(_ message: AgentMessage) {
    switch message {
    case .hello, .refused, .ready, .closed: greeted.yield(message)
    case .reply(let id, let reply):
      let (continuation, offset) = state.withLock { ($0.waiting.removeValue(forKey: id), $0.offset) }
      guard let offset else { return lose("it answers before its clock is known") }
      continuation?.resume(returning: reply.translated(by: offset))
    case .failed(let id, let failure):
      let continuation = state.withLock { $0.waiting.removeValue(forKey: id) }
      if case .fault(let error) = failure {
        continuation?.resume(throwing: error)
      } else {
        continuation?.resume(throwing: failure)
      }
    case .pong(let id, let answered):
      let now = timebase.monotonic()
      state.withLock { state in
        guard let sent = state.pings.removeValue(forKey: id) else { return }
        state.pings = state.pings.filter { $0.key > id }
        if state.offset == nil {
          state.offset = RemoteClock(sent: sent, answered: answered, received: now)
        } else {
          state.offset?.take(sent: sent, answered: answered, received: now)
        }
      }
    case .event(let event):
      guard let offset = state.withLock(\.offset) else { return }
      report(.fault(event.translated(by: offset)))
    case .note(let text): report(.note(text))
    }
  }

  /// The agent is lost: whoever waits for it hears so, and its process is ended, which its own end takes for our death.
  private func lose(_ why: String) {
    let loss = AgentLost(node: node, why: why, said: lastWords)
    let (waiting, isNews) = state.withLock { state -> ([CheckedContinuation<AgentReply, any Error>], Bool) in
      guard state.loss == nil else { return ([], false) }
      state.loss = loss
      defer { state.waiting = [:] }
      return (Array(state.waiting.values), state.isServing && !state.isClosed)
    }
    for continuation in waiting { continuation.resume(throwing: loss) }
    greeted.finish()
    heart.cancel()
    pipe.stop()
    killGroup()
    if isNews { report(.lost(loss)) }
  }
}
