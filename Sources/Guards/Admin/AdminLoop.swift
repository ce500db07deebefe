internal import CKernel
internal import Glibc
internal import KafkaWire
internal import Support
internal import Synchronization

/// Serves connections on one thread with one poller. Everything in it belongs to that thread, but for ``stop()`` and
/// ``deliver(_:to:)``.
final class AdminLoop {
  /// A request that waits for its judgement.
  struct Question: Sendable {
    var loop: Int
    var connection: UInt64
    var question: GuardQuestion
    /// A rule by which it was refused already: it is to be written down only.
    var rule: GuardRule?
  }

  /// What comes from other threads.
  final class Mailbox: Sendable {
    private let state = Mutex<(judged: [(UInt64, GuardDecision)], isStopped: Bool)>(([], false))
    let bell: Descriptor

    init() throws(SystemError) {
      let number = bs_eventfd()
      guard number >= 0 else { throw SystemError("eventfd") }
      bell = Descriptor(number)
    }

    func deliver(_ decision: GuardDecision, to connection: UInt64) {
      state.withLock { $0.judged.append((connection, decision)) }
      ring()
    }

    func stop() {
      state.withLock { $0.isStopped = true }
      ring()
    }

    func take() -> (judged: [(UInt64, GuardDecision)], isStopped: Bool) {
      var count: UInt64 = 0
      _ = Glibc.read(bell.number, &count, 8)
      return state.withLock { state in
        defer { state.judged = [] }
        return state
      }
    }

    private func ring() {
      var one: UInt64 = 1
      _ = Glibc.write(bell.number, &one, 8)
    }
  }

  static let connectLimit: Int64 = 5_000_000_000
  static let firstRequestLimit: Int64 = 30_000_000_000

  private let number: Int
  private let mailbox: Mailbox
  private let listeners: [(route: AdminRoute, socket: Descriptor)]
  private let policy: AdminPolicy
  private let tls: GuardTLS?
  private let most: Int
  private let ask: @Sendable (Question) -> Void
  let report: @Sendable (String) -> Void
  private let timebase: Timebase
  private let poller: Descriptor
  private var connections: [UInt64: AdminConnection] = [:]
  private var nextID: UInt64 = 1 << 16
  private var pipes: [Pipe] = []
  private var isFull = false
  private(set) var now: Int64
  /// Where bytes are read; in use only between a read and the next one.
  private(set) var scratch = [UInt8](repeating: 0, count: 256 << 10)

  private static let bellTag: UInt64 = 1
  private static let pipeBytes = 1 << 20
  private static let sparePipes = 16

  init(
    number: Int, mailbox: Mailbox, listeners: [(route: AdminRoute, socket: Descriptor)], policy: AdminPolicy,
    tls: GuardTLS?, most: Int, timebase: Timebase, ask: @escaping @Sendable (Question) -> Void,
    report: @escaping @Sendable (String) -> Void
  ) throws(SystemError) {
    self.number = number
    self.mailbox = mailbox
    self.listeners = listeners
    self.policy = policy
    self.tls = tls
    self.most = most
    self.timebase = timebase
    self.ask = ask
    self.report = report
    now = timebase.monotonic()
    let poller = bs_poller()
    guard poller >= 0 else { throw SystemError("epoll_create1") }
    self.poller = Descriptor(poller)
    guard bs_watch(poller, mailbox.bell.number, UInt32(BS_READABLE), Self.bellTag, 0) == 0 else {
      throw SystemError("epoll_ctl", "eventfd")
    }
    try listen()
  }

  /// Serves until it is stopped. Blocks its thread.
  func run() throws(SystemError) {
    blockBrokenPipeSignal()
    var found = [bs_ready](repeating: bs_ready(), count: 64)
    var nextSweep = now
    while true {
      let count = bs_await(poller.number, 1000, &found, 64)
      guard count >= 0 else { throw SystemError("epoll_wait") }
      now = timebase.monotonic()
      for ready in found.prefix(Int(count)) {
        if ready.tag == Self.bellTag {
          let (judged, isStopped) = mailbox.take()
          if isStopped { return }
          for (id, decision) in judged { with(id) { $0.judged(decision, self) } }
        } else if ready.tag < 1 << 17 {
          accept(listeners[Int(ready.tag >> 1) - 1])
        } else {
          with(ready.tag >> 1) { $0.handle(ready.events, isBroker: ready.tag & 1 == 1, self) }
        }
      }
      if now >= nextSweep {
        sweep()
        nextSweep = now + 1_000_000_000
      }
    }
  }

  // MARK: for connections

  /// Reads into ``scratch``; as `recv` returns.
  func read(_ channel: Channel) -> Int { channel.read(into: &scratch) }

  func takePipe() -> Pipe? {
    if let pipe = pipes.popLast() { return pipe }
    do throws(SystemError) { return try Pipe(bytes: Self.pipeBytes) } catch {
      report("no pipe for a large request: \(error)")
      return nil
    }
  }

  func givePipe(_ pipe: Pipe) {
    if pipes.count < Self.sparePipes { pipes.append(pipe) }
  }

  // MARK: its own

  private func listen() throws(SystemError) {
    for (index, listener) in listeners.enumerated() {
      let tag = UInt64(index + 1) << 1
      guard bs_watch(poller.number, listener.socket.number, UInt32(BS_READABLE), tag, 1) == 0 else {
        throw SystemError("epoll_ctl", "\(listener.route.listen)")
      }
    }
  }

  private func accept(_ listener: (route: AdminRoute, socket: Descriptor)) {
    // A few at a time, then the connections' turn.
    for _ in 0..<16 {
      if connections.count >= most {
        // Those that wait are taken when others have ended; the kernel keeps them until then.
        if !isFull { report("\(most) connections are open; no more are taken until some end") }
        return pause()
      }
      var peer = [CChar](repeating: 0, count: 80)
      let number = bs_accept(listener.socket.number, &peer, Int32(peer.count))
      if number < 0 {
        if errno == EMFILE || errno == ENFILE {
          report("no descriptor for another connection: \(errnoText(errno)); tried again within a second")
          pause()
        }
        return
      }
      let client = Descriptor(number)
      guard let broker = listener.route.broker.beginConnecting() else {
        report("cannot reach the broker \(listener.route.broker): \(errnoText(errno))")
        continue
      }
      _ = bs_tune(client.number)
      _ = bs_tune(broker.number)
      let name = String(decoding: peer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
      let ends: (client: Channel, broker: Channel)
      do throws(SystemError) {
        ends = (
          Channel(client, try tls?.session(withClientOn: client)),
          Channel(broker, try tls?.session(withUpstream: listener.route.name, on: broker))
        )
      } catch {
        report("no TLS for \(name): \(error)")
        continue
      }
      let connection = AdminConnection(
        id: nextID, peer: name, route: listener.route, client: ends.client, broker: ends.broker, policy: policy,
        now: now)
      connections[nextID] = connection
      nextID += 1
      connection.begin(poller.number)
      if connection.isOver { remove(connection) }
    }
  }

  /// Takes no more connections; the kernel keeps those that come.
  private func pause() {
    isFull = true
    for listener in listeners { _ = bs_unwatch(poller.number, listener.socket.number) }
  }

  private func resumeIfPossible() {
    guard isFull, connections.count < most else { return }
    isFull = false
    do throws(SystemError) { try listen() } catch { report("cannot take connections any more: \(error)") }
  }

  private func with(_ id: UInt64, _ body: (AdminConnection) -> AdminConnection.Wish?) {
    guard let connection = connections[id] else { return }
    switch body(connection) {
    case nil: break
    case .judge(let header, let reason): askAbout(connection, header, reason)
    case .end(let rule, let header, let what):
      report("\(connection.peer): connection closed: \(what)")
      ask(Question(loop: number, connection: id, question: question(connection, header, what), rule: rule))
      connection.end()
    }
    if !connection.isOver { connection.watch(poller.number) }
    if connection.isOver { remove(connection) }
  }

  private func askAbout(
    _ connection: AdminConnection, _ header: RequestHeader, _ reason: RequestScanner.Reason
  ) {
    let question = question(connection, header, "")
    // Without the token these are refused by what they are, not by what they carry.
    let rule: GuardRule? =
      if question.presented != .absent {
        nil
      } else {
        switch reason {
        case .administration: nil
        case .unknownRequest: .unknownRequest
        case .unknownVersion: .unknownVersion
        }
      }
    ask(Question(loop: number, connection: connection.id, question: question, rule: rule))
  }

  private func question(_ connection: AdminConnection, _ header: RequestHeader?, _ what: String) -> GuardQuestion {
    let asked = header.map { header in
      "\(RequestKind.of(header.apiKey)?.name ?? "request \(header.apiKey)") \(header.apiVersion)"
    }
    return GuardQuestion(
      origin: "admin", client: connection.peer, asked: asked ?? what,
      presented: PresentedToken(clientID: header?.clientID), clientID: header?.clientID)
  }

  private func remove(_ connection: AdminConnection) {
    connections[connection.id] = nil
    if connections.count == most - 1 { resumeIfPossible() }
  }

  private func sweep() {
    resumeIfPossible()
    for connection in connections.values {
      if let deadline = connection.deadline, now >= deadline { remove(connection) }
    }
  }
}
