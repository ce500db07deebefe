internal import CKernel
internal import Glibc
internal import KafkaWire
internal import Support

/// One client's connection and the one to the broker behind it. Belongs to its loop's thread.
final class AdminConnection {
  /// What its loop shall do for it.
  enum Wish {
    case judge(RequestHeader, RequestScanner.Reason)
    case end(GuardRule, RequestHeader?, String)
  }

  /// What it waits for before it reads on from the client.
  private enum Standing: Equatable {
    case connecting
    case open
    /// A judgement.
    case judging
    /// All answers before this one.
    case settling(answer: [UInt8])
    /// The client has said all it wanted to.
    case clientDone
  }

  let id: UInt64
  let peer: String
  let route: AdminRoute
  private let client: Channel
  private let broker: Channel
  private var hasReachedBroker = false
  private var standing = Standing.connecting
  private var requests: RequestScanner
  private var responses = ResponseScanner()
  private var expected = ExpectedAnswers()
  /// Bytes read from the client behind a request that is not settled yet.
  private var backlog: [UInt8] = []
  private var toBroker = Outgoing()
  private var toClient = Outgoing()
  private var watchedClient: UInt32 = 0
  private var watchedBroker: UInt32 = 0
  private var hasShutBroker = false
  private(set) var isOver = false
  /// When it must have got further; `nil` for never.
  private(set) var deadline: Int64?

  private static let mostExpected = 65_536
  /// How often one side is read from before it is the others' turn.
  private static let rounds = 8
  /// From how many bytes on the rest of a request or response is moved inside the kernel.
  private static let leastSpliced = 128 << 10

  init(
    id: UInt64, peer: String, route: AdminRoute, client: Channel, broker: Channel, policy: AdminPolicy, now: Int64
  ) {
    self.id = id
    self.peer = peer
    self.route = route
    self.client = client
    self.broker = broker
    requests = RequestScanner(policy)
    deadline = now + AdminLoop.connectLimit
  }

  // MARK: events

  /// Begins to wait for the broker, and for the client where it has to speak first for both to go on.
  func begin(_ poller: Int32) { watch(poller) }

  /// Handles what the poller found, and returns what the loop has to do for it.
  func handle(_ events: UInt32, isBroker: Bool, _ loop: AdminLoop) -> Wish? {
    if standing == .connecting { return open(isBroker: isBroker, loop) }
    // Under TLS a read may have waited for room to write, and a write for something to read.
    let isReadable = events & ~Self.writable != 0 || !(isBroker ? broker : client).isPlain
    let isWritable = events & Self.writable != 0 || !(isBroker ? broker : client).isPlain
    if isBroker {
      if isWritable { flush(&toBroker, broker, loop) }
      if isReadable, let wish = readBroker(loop) { return wish }
    } else {
      if isWritable { flush(&toClient, client, loop) }
      if isReadable, let wish = readClient(loop) { return wish }
    }
    return settle()
  }

  /// Goes on with what comes before the first request: reaching the broker, and TLS on either side.
  private func open(isBroker: Bool, _ loop: AdminLoop) -> Wish? {
    if isBroker && !hasReachedBroker {
      let error = bs_socket_error(broker.number)
      guard error == 0 else {
        loop.report("cannot reach the broker \(route.broker): \(errnoText(error))")
        isOver = true
        return nil
      }
      hasReachedBroker = true
    }
    switch (isBroker ? broker : client).open() {
    case .done: break
    case .waits: return nil
    case .closed:
      if isBroker { loop.report("the broker \(route.broker) closed the connection in the middle of TLS's handshake") }
      isOver = true
      return nil
    case .failed(let why):
      if !isBroker { return .end(.tlsFailed, nil, "TLS: \(why)") }
      loop.report("cannot speak TLS with the broker \(route.broker): \(why)")
      isOver = true
      return nil
    }
    guard hasReachedBroker, client.isReady, broker.isReady else { return nil }
    standing = .open
    deadline = loop.now + AdminLoop.firstRequestLimit
    return nil
  }

  /// Goes on after the judgement that it wished for.
  func judged(_ decision: GuardDecision, _ loop: AdminLoop) -> Wish? {
    guard standing == .judging else { return nil }
    standing = .open
    if decision.isAllowed {
      requests.allow()
    } else if case .end(let rule, let header, let what) = requests.refuse(decision.rule) {
      return .end(rule, header, what)
    }
    deadline = nil
    return resume()
  }

  /// Tells the poller what it waits for now. What is not waited for is not watched at all: a connection that broke would be told
  /// of again and again.
  func watch(_ poller: Int32) {
    if isOver { return }
    if standing == .connecting {
      watch(poller, client, &watchedClient, client.isReady ? 0 : client.events(reading: true, writing: false), id << 1)
      let wanted = hasReachedBroker ? broker.events(reading: true, writing: false) : Self.writable
      return watch(poller, broker, &watchedBroker, hasReachedBroker && broker.isReady ? 0 : wanted, id << 1 | 1)
    }
    let mayRead = standing == .open && toBroker.isEmpty && expected.count < Self.mostExpected
    watch(poller, client, &watchedClient, client.events(reading: mayRead, writing: !toClient.isEmpty), id << 1)
    watch(
      poller, broker, &watchedBroker, broker.events(reading: toClient.isEmpty, writing: !toBroker.isEmpty), id << 1 | 1)
  }

  private func watch(_ poller: Int32, _ channel: Channel, _ now: inout UInt32, _ wanted: UInt32, _ tag: UInt64) {
    if now == wanted { return }
    let result =
      now == 0
      ? bs_watch(poller, channel.number, wanted, tag, 0)
      : wanted == 0 ? bs_unwatch(poller, channel.number) : bs_rewatch(poller, channel.number, wanted, tag)
    if result != 0 { isOver = true }
    now = wanted
  }

  /// Marks it as over; its sockets close when nobody holds it any more.
  func end() { isOver = true }

  private var movesInKernel: Bool { client.isPlain && broker.isPlain }

  // MARK: client to broker

  private func readClient(_ loop: AdminLoop) -> Wish? {
    // A few rounds, then the others' turn.
    for _ in 0..<Self.rounds {
      guard standing == .open, toBroker.isEmpty, !isOver else { return nil }
      if movesInKernel, requests.passing >= Self.leastSpliced {
        switch splice(client, broker, requests.passing, &toBroker, loop) {
        case .moved(let count): requests.passed(count)
        case .nothing: return nil
        case .closed: return closedByClient()
        case .failed:
          isOver = true
          return nil
        }
        continue
      }
      let count = loop.read(client)
      if count == 0 { return closedByClient() }
      if count < 0 {
        if errno != EAGAIN && errno != EINTR { broke(client, "client \(peer)", loop) }
        return nil
      }
      if let wish = forward(loop.scratch[0..<count]) { return wish }
      if count < loop.scratch.count && client.isPlain { return nil }
    }
    return nil
  }

  private func closedByClient() -> Wish? {
    standing = .clientDone
    if toBroker.isEmpty { shutBroker() }
    return nil
  }

  /// Sends on what may go on, until the bytes are used up or something else comes first.
  private func forward(_ chunk: ArraySlice<UInt8>) -> Wish? {
    var rest = chunk
    while true {
      let step = requests.next(rest)
      expected.add(requests.takeExpected())
      switch step {
      case .pass(let held, let from, let count):
        deadline = nil
        // Requests that follow each other in one chunk leave with one call.
        var end = from + count
        var pause: RequestScanner.Step?
        if held.isEmpty {
          loop: while end < rest.count {
            let following = requests.next(rest.dropFirst(end))
            expected.add(requests.takeExpected())
            switch following {
            case .pass(let more, let start, let count) where more.isEmpty && start == 0: end += count
            default:
              pause = following
              break loop
            }
          }
          send(rest.prefix(end), &toBroker, broker)
        } else {
          send(held[...], &toBroker, broker)
          send(rest.dropFirst(from).prefix(count), &toBroker, broker)
        }
        rest = rest.dropFirst(end)
        if let pause {
          if let wish = take(pause, &rest) { return wish }
          if standing != .open { return nil }
        }
      default:
        if let wish = take(step, &rest) { return wish }
        if standing != .open { return nil }
      }
      if rest.isEmpty || isOver { return nil }
    }
  }

  /// Does what a step asks for that passes nothing on.
  private func take(_ step: RequestScanner.Step, _ rest: inout ArraySlice<UInt8>) -> Wish? {
    switch step {
    case .pass(let held, let from, let count):
      // A request that began in the chunk before: only possible as the first step, which the caller handles.
      send(held[...], &toBroker, broker)
      send(rest.dropFirst(from).prefix(count), &toBroker, broker)
      rest = rest.dropFirst(from + count)
    case .take(let count): rest = rest.dropFirst(count)
    case .ask(let header, let why, let count):
      backlog = Array(rest.dropFirst(count))
      rest = []
      standing = .judging
      return .judge(header, why)
    case .answer(let answer, let count):
      rest = rest.dropFirst(count)
      if canSettle {
        send(answer[...], &toClient, client)
      } else {
        backlog = Array(rest)
        rest = []
        standing = .settling(answer: answer)
      }
    case .end(let rule, let header, let what): return .end(rule, header, what)
    }
    return nil
  }

  private func resume() -> Wish? {
    let bytes = backlog
    backlog = []
    return forward(bytes[...])
  }

  /// Whether an answer of ours may leave now: all before it have, and the client takes them.
  private var canSettle: Bool { expected.count == 0 && responses.isBetween && toClient.isEmpty }

  /// Sends the answer that waits, once it may leave.
  private func settle() -> Wish? {
    guard case .settling(let answer) = standing, canSettle, !isOver else { return nil }
    standing = .open
    send(answer[...], &toClient, client)
    return resume()
  }

  // MARK: broker to client

  private func readBroker(_ loop: AdminLoop) -> Wish? {
    for _ in 0..<Self.rounds {
      guard toClient.isEmpty, !isOver else { return nil }
      if movesInKernel, responses.passing >= Self.leastSpliced {
        switch splice(broker, client, responses.passing, &toClient, loop) {
        case .moved(let count): responses.passed(count)
        case .nothing: return nil
        case .closed, .failed:
          isOver = true
          return nil
        }
        continue
      }
      let count = loop.read(broker)
      if count == 0 {
        client.shutWriting()
        isOver = true
        return nil
      }
      if count < 0 {
        if errno != EAGAIN && errno != EINTR { broke(broker, "broker \(route.broker)", loop) }
        return nil
      }
      let bytes = loop.scratch[0..<count]
      do throws(ResponseScanner.Malformed) {
        for id in try responses.scan(bytes) where !expected.settle(id) {
          return .end(.malformedRequest, nil, "the broker answers a request that was not sent, \(id)")
        }
      } catch {
        return .end(.malformedRequest, nil, "the broker sent a response of \(error.size) bytes")
      }
      send(bytes, &toClient, client)
      if count < loop.scratch.count && broker.isPlain { return nil }
    }
    return nil
  }

  private func broke(_ channel: Channel, _ name: String, _ loop: AdminLoop) {
    isOver = true
    if let why = channel.failure { loop.report("TLS with the \(name) broke: \(why)") }
  }

  private func shutBroker() {
    if hasShutBroker { return }
    hasShutBroker = true
    broker.shutWriting()
  }

  // MARK: bytes

  private func send(_ bytes: ArraySlice<UInt8>, _ outgoing: inout Outgoing, _ to: Channel) {
    if !outgoing.send(bytes, to) { isOver = true }
  }

  private func flush(_ outgoing: inout Outgoing, _ to: Channel, _ loop: AdminLoop) {
    if !outgoing.flush(to) { isOver = true }
    if let pipe = outgoing.takeEmptyPipe() { loop.givePipe(pipe) }
    if to === broker && outgoing.isEmpty && standing == .clientDone { shutBroker() }
  }

  private enum Spliced {
    case moved(Int)
    case nothing
    case closed
    case failed
  }

  private func splice(
    _ from: Channel, _ to: Channel, _ most: Int, _ outgoing: inout Outgoing, _ loop: AdminLoop
  ) -> Spliced {
    guard let pipe = loop.takePipe() else { return .failed }
    let moved = bs_splice(from.number, pipe.entrance.number, min(most, pipe.capacity))
    if moved <= 0 {
      let number = errno
      loop.givePipe(pipe)
      if moved == 0 { return .closed }
      return number == EAGAIN || number == EINTR ? .nothing : .failed
    }
    outgoing.hold(pipe, moved)
    flush(&outgoing, to, loop)
    return .moved(moved)
  }

  private static let writable = UInt32(BS_WRITABLE)
}
