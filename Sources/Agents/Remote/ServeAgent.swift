internal import Faults
internal import Netlink
public import Support
internal import Synchronization

/// Why an agent process ended its service.
public enum AgentEnd: Sendable, Hashable, CustomStringConvertible {
  /// The controller needs nothing more.
  case goodbye
  /// The controller's end of the stream is closed, or whoever started this process has stopped it.
  case inputEnded
  /// The controller has not said a word for longer than its lease.
  case silent
  /// It did not serve at all: why.
  case refused(String)
  /// What came was no message.
  case broken(FrameError)

  /// For people.
  public var description: String {
    switch self {
    case .goodbye: "the controller is done"
    case .inputEnded: "the controller is gone, or this process was stopped"
    case .silent: "the controller is silent for longer than its lease"
    case .refused(let why): why
    case .broken(let error): "the controller's message is none: \(error)"
    }
  }
}

/// Serves one node over a pair of descriptors, until the controller says that it is done, is gone, or is silent for longer than
/// its lease. Then all faults end, and what is left of them is looked for.
public struct AgentService: Sendable {
  /// Where requests come from.
  let input: Int32
  /// Where answers go to; nothing else may be written there.
  let output: Int32
  /// Who we are.
  let program: ProgramIdentity
  /// What we say of ourselves when we serve.
  let ready: AgentIsReady
  let timebase: Timebase
  let clock: any Clock<Duration>
  /// Opens the node that a controller orders.
  let open: @Sendable (AgentOrder, _ send: @escaping @Sendable (AgentMessage) -> Void) throws -> ServedNode

  /// How long a controller may take to say who it is and what it wants.
  static let greeting: Duration = .seconds(20)

  /// A service from its parts.
  public init(
    input: Int32, output: Int32, program: ProgramIdentity, ready: AgentIsReady, timebase: Timebase = .system,
    clock: any Clock<Duration> = ContinuousClock(),
    open: @escaping @Sendable (AgentOrder, _ send: @escaping @Sendable (AgentMessage) -> Void) throws -> ServedNode
  ) {
    self.input = input
    self.output = output
    self.program = program
    self.ready = ready
    self.timebase = timebase
    self.clock = clock
    self.open = open
  }

  /// Serves.
  ///
  /// - Returns: why it ended, and what is left on the node, in words.
  public func run() async -> (end: AgentEnd, left: [String]) {
    let (chunks, continuation) = AsyncStream.makeStream(of: FramePipe.Received.self)
    let pipe: FramePipe
    do throws(SystemError) { pipe = try FramePipe(input: input, output: output, name: "agent") } catch {
      return (.refused("\(error)"), [])
    }
    pipe.start { continuation.yield($0) }
    let session = Session(service: self, pipe: pipe)
    session.send(.hello(program))
    let end = await withTaskGroup(of: AgentEnd?.self) { group in
      group.addTask(name: "requests") { await session.listen(to: chunks) }
      group.addTask(name: "lease") { await session.awaitSilence() }
      defer { group.cancelAll() }
      return await group.next() ?? nil
    }
    pipe.stop()
    let left = await session.close()
    if end == .goodbye { session.send(.closed(left: left)) }
    await session.drain()
    return (end ?? .inputEnded, left)
  }
}

/// One controller's service.
private final class Session: Sendable {
  private let service: AgentService
  private let pipe: FramePipe
  private let state: Mutex<State>

  private struct State {
    var heardAt: Int64
    var lease: Int64
    var node: ServedNode?
    /// What was found left when the node was closed; `nil`: it is not closed yet.
    var left: [String]?
    var isGreeted = false
  }

  init(service: AgentService, pipe: FramePipe) {
    self.service = service
    self.pipe = pipe
    state = Mutex(State(heardAt: service.timebase.monotonic(), lease: AgentService.greeting.nanoseconds))
  }

  func send(_ message: AgentMessage) {
    do throws(FrameError) { pipe.send(try framed(message)) } catch {
      // Only an answer can be so long; its asker must hear of it.
      guard case .reply(let id, _) = message else { return }
      send(.failed(id: id, .other("its answer cannot be sent: \(error)")))
    }
  }

  /// Waits a moment for what is not written yet: a controller that does not read must not keep this process.
  func drain() async {
    for _ in 0..<100 where !pipe.isDrained {
      do { try await service.clock.sleep(for: .milliseconds(10)) } catch { return }
    }
  }

  /// Ends all faults and looks what is left. Nothing can be held afterwards.
  func close() async -> [String] {
    guard let node = state.withLock(\.node) else { return [] }
    let known = state.withLock(\.left)
    if let known { return known }
    let left = await shielded { await node.end() }
    state.withLock { $0.left = left }
    return left
  }

  /// Returns once nothing has been heard for the lease; `nil` when cancelled.
  func awaitSilence() async -> AgentEnd? {
    while true {
      let left = state.withLock { $0.heardAt + $0.lease } - service.timebase.monotonic()
      if left <= 0 { return .silent }
      // Not to the end: the lease may be another one by then.
      do { try await service.clock.sleep(for: .nanoseconds(min(left, 100_000_000))) } catch { return nil }
    }
  }

  /// Does what is asked until the stream is over; `nil` when cancelled.
  func listen(to chunks: AsyncStream<FramePipe.Received>) async -> AgentEnd? {
    await withDiscardingTaskGroup(returning: AgentEnd?.self) { group in
      var reader = FrameReader()
      var order = RequestOrder()
      var end: AgentEnd?
      for await chunk in chunks {
        guard case .bytes(let bytes) = chunk else {
          end = .inputEnded
          break
        }
        state.withLock { $0.heardAt = service.timebase.monotonic() }
        reader.take(bytes)
        do throws(FrameError) {
          while end == nil, let message = try reader.nextMessage(ControllerMessage.self) {
            end = take(message, &group, &order)
          }
        } catch {
          end = .broken(error)
        }
        if end != nil { break }
      }
      // Faults first: a request that is still under way may take its time, and comes to nothing then.
      _ = await close()
      // Nobody waits for what is still asked of others, and it may take its time.
      group.cancelAll()
      return end
    }
  }

  /// Takes one message; returns why it is the last one, if it is.
  private func take(
    _ message: ControllerMessage, _ group: inout DiscardingTaskGroup, _ order: inout RequestOrder
  ) -> AgentEnd? {
    switch message {
    case .hello(let controller):
      if let why = controller.disagreement(with: service.program) {
        return refuse("the controller does not fit: \(why)")
      }
      state.withLock { $0.isGreeted = true }
      return nil
    case .begin(let wanted): return begin(wanted)
    case .ping(let id):
      send(.pong(id: id, clock: service.timebase.monotonic()))
      return nil
    case .goodbye: return .goodbye
    case .ask(let id, let request):
      guard let node = state.withLock(\.node) else { return refuse("it was asked before it was told what to serve") }
      let turn = order.turn(for: request)
      group.addTask {
        await turn.begin()
        do { self.send(.reply(id: id, try await node.agent.perform(request))) } catch {
          self.send(.failed(id: id, AgentFailure(error)))
        }
        turn.end()
      }
      return nil
    }
  }

  private func begin(_ wanted: AgentOrder) -> AgentEnd? {
    let (isGreeted, isBegun) = state.withLock { ($0.isGreeted, $0.node != nil) }
    guard isGreeted, !isBegun else { return refuse("the controller's messages come in no order that means anything") }
    guard wanted.leaseNanoseconds > 0, wanted.leaseNanoseconds <= 3_600_000_000_000 else {
      return refuse("a lease of \(wanted.leaseNanoseconds) ns is none")
    }
    do {
      let node = try service.open(wanted) { [weak self] in self?.send($0) }
      state.withLock { state in
        state.node = node
        state.lease = wanted.leaseNanoseconds
      }
    } catch {
      return refuse("the node cannot be served: \(error)")
    }
    send(.ready(service.ready))
    return nil
  }

  private func refuse(_ why: String) -> AgentEnd {
    send(.refused(why))
    return .refused(why)
  }
}

/// In which order requests are done: those about one fault one after the other, as they came; all others side by side.
private struct RequestOrder {
  private var last: [String: AsyncStream<Never>] = [:]

  /// One request's turn.
  struct Turn: Sendable {
    fileprivate let before: AsyncStream<Never>?
    fileprivate let done: AsyncStream<Never>.Continuation?

    /// Waits for the request before.
    func begin() async {
      guard let before else { return }
      // A cancelled wait is over at once; then the node is closed, and refuses whatever is asked.
      for await _ in before {}
    }

    func end() { done?.finish() }
  }

  mutating func turn(for request: AgentRequest) -> Turn {
    guard let fault = request.fault else { return Turn(before: nil, done: nil) }
    let (stream, done) = AsyncStream.makeStream(of: Never.self)
    return Turn(before: last.updateValue(stream, forKey: fault), done: done)
  }
}

extension AgentRequest {
  /// The fault that it is about.
  fileprivate var fault: String? {
    switch self {
    case .arm(let fault): fault.id
    case .armInner(let fault), .changes(let fault): fault.id
    case .count(let fault), .disarm(let fault): fault
    case .snapshot, .profile, .innerProfile, .clock, .remains, .ask, .takeBack: nil
    }
  }
}
