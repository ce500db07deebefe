internal import Support

/// One client's connection to the registry guard, on a thread of its own.
actor RegistryConnection {
  private nonisolated let executor: ThreadExecutor
  private let stream: HTTPStream
  private let peer: String
  private let settings: RegistrySettings
  private let rules: RegistryRules
  private let authority: TokenAuthority
  private let timebase: Timebase
  private let report: @Sendable (String) -> Void
  private var upstream: RegistryUpstream

  /// The connection's own thread.
  nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  init(
    _ socket: Descriptor, peer: String, settings: RegistrySettings, tls: GuardTLS?, authority: TokenAuthority,
    bell: StopBell, networkNamespace: Int32?, timebase: Timebase, report: @escaping @Sendable (String) -> Void
  ) throws(SystemError) {
    stream = HTTPStream(socket, try tls?.session(withClientOn: socket), bell, timebase)
    self.peer = peer
    self.settings = settings
    self.report = report
    rules = RegistryRules(bases: settings.bases, servesMode: settings.servesMode)
    self.authority = authority
    self.timebase = timebase
    upstream = RegistryUpstream(settings: settings, tls: tls, bell: bell, timebase: timebase)
    executor = try ThreadExecutor(name: "registry-guard", networkNamespace: networkNamespace)
  }

  deinit { executor.stop() }

  private enum Failure: Error {
    /// The client's bytes are no request.
    case defect(HTTPDefect)
    /// The client is gone or too slow, or the guard ends.
    case stream(StreamFailure)
  }

  private struct Request {
    var head: HTTPRequestHead
    var body: [UInt8]
    var keepsAlive: Bool
  }

  /// Serves requests one after the other, to the end of the connection.
  func serve() async {
    blockBrokenPipeSignal()  // of this connection's own thread
    do throws(StreamFailure) { try stream.shakeHands(until: after(settings.limits.head)) } catch {
      if case .insecure(let why) = error {
        _ = await authority.refuse(question("TLS: \(why)", .absent), .tlsFailed)
        report("\(peer): connection closed: TLS: \(why)")
      }
      return
    }
    var stands = true
    while stands {
      do throws(Failure) {
        guard let request = try receive() else { return }
        stands = try await answer(request)
      } catch {
        switch error {
        case .defect(let defect):
          _ = await authority.refuse(question("HTTP request", .absent), .malformedRequest)
          let answer = RegistryAnswer(defect.status, defect.what, rule: .malformedRequest)
          do throws(StreamFailure) { try stream.send(answer.bytes(keepsAlive: false), until: after(.seconds(5))) } catch
          { return }
        case .stream: return
        }
        stands = false
      }
    }
    stream.finish(until: after(.seconds(1)))
  }

  // MARK: receiving

  /// The next request; `nil` when the client has closed between two of them, or has been silent for too long.
  private func receive() throws(Failure) -> Request? {
    let limits = settings.limits
    if stream.buffer.isEmpty {
      do throws(StreamFailure) {
        guard try stream.fill(until: after(limits.idle)) else { return nil }
      } catch { return nil }
    }
    let deadline = after(limits.head)
    var searched = 0
    let end: Int
    while true {
      if let found = headEnd(stream.buffer[...], from: searched) {
        end = found
        break
      }
      guard stream.buffer.count <= limits.headBytes else { throw .defect(HTTPDefect(431, "a head that is too large")) }
      searched = stream.buffer.count
      try fill(until: deadline)
    }
    guard end <= limits.headBytes else { throw .defect(HTTPDefect(431, "a head that is too large")) }
    let head: HTTPRequestHead
    let framing: HTTPFraming
    do throws(HTTPDefect) {
      head = try HTTPRequestHead(stream.buffer[..<end])
      framing = try head.body
    } catch { throw .defect(error) }
    stream.buffer.removeFirst(end)
    if case .length(let length) = framing, length > limits.bodyBytes {
      throw .defect(HTTPDefect(413, "a body of more than \(limits.bodyBytes) bytes"))
    }
    let expectations = head.fields.all("expect")
    if !expectations.isEmpty {
      guard expectations.count == 1, expectations[0].lowercased() == "100-continue" else {
        throw .defect(HTTPDefect(417, "an expectation other than 100-continue"))
      }
      if framing != .none && stream.buffer.isEmpty && head.minorVersion == 1 {
        try send(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
      }
    }
    let body = try body(framing, until: after(limits.body))
    // Requests sent ahead are not read: between two readers of one stream lies the room for smuggling.
    return Request(head: head, body: body, keepsAlive: head.keepsAlive && stream.buffer.isEmpty)
  }

  private func body(_ framing: HTTPFraming, until deadline: Int64) throws(Failure) -> [UInt8] {
    switch framing {
    case .none, .untilClose: return []
    case .length(let length):
      while stream.buffer.count < length { try fill(until: deadline) }
      defer { stream.buffer.removeFirst(length) }
      return Array(stream.buffer.prefix(length))
    case .chunked:
      var decoder = ChunkDecoder()
      var body: [UInt8] = []
      while true {
        do throws(HTTPDefect) {
          let (data, used) = try decoder.take(stream.buffer[...])
          stream.buffer.removeFirst(used)
          body += data
        } catch { throw .defect(error) }
        guard body.count <= settings.limits.bodyBytes else {
          throw .defect(HTTPDefect(413, "a body of more than \(settings.limits.bodyBytes) bytes"))
        }
        if decoder.isDone { return body }
        try fill(until: deadline)
      }
    }
  }

  private func fill(until deadline: Int64) throws(Failure) {
    do throws(StreamFailure) {
      guard try stream.fill(until: deadline) else { throw StreamFailure.closed }
    } catch {
      throw error == .timedOut ? .defect(HTTPDefect(408, "the request did not arrive in time")) : .stream(error)
    }
  }

  private func send(_ bytes: [UInt8]) throws(Failure) {
    do throws(StreamFailure) { try stream.send(bytes, until: after(settings.limits.answer)) } catch {
      throw .stream(error)
    }
  }

  // MARK: answering

  /// - Returns: whether the connection stands.
  private func answer(_ request: Request) async throws(Failure) -> Bool {
    let asked = "\(request.head.method) \(request.head.target)"
    let presented = PresentedToken(request.head.fields.all("x-fencing-token"))
    switch rules.kind(request.head) {
    case .read: return try forward(request, isRead: true)
    case .write:
      let decision = await authority.judge(question(asked, presented), canBeFrozen: true)
      guard decision.isAllowed else { return try reply(RegistryAnswer(refused: decision), request) }
      return try forward(request, isRead: false)
    case .mode(let ofSubject): return try reply(await mode(request, asked, presented, ofSubject), request)
    }
  }

  private func mode(
    _ request: Request, _ asked: String, _ presented: PresentedToken, _ ofSubject: Bool
  ) async -> RegistryAnswer {
    switch request.head.method {
    case "GET", "HEAD": return RegistryAnswer(["mode": .string(await authority.isFrozen ? "READONLY" : "READWRITE")])
    case "PUT":
      let decision = await authority.judge(question(asked, presented))
      guard decision.isAllowed else { return RegistryAnswer(refused: decision) }
      if ofSubject { return RegistryAnswer(422, "The guard freezes the whole registry, not single subjects.") }
      let wanted: String?
      do { wanted = try decodeJSON(JSONValue.self, from: request.body)["mode"]?.string } catch { wanted = nil }
      guard let wanted, ["READONLY", "READWRITE"].contains(wanted) else {
        return RegistryAnswer(422, "The mode must be READONLY or READWRITE.")
      }
      do { try await authority.freeze(wanted == "READONLY") } catch {
        return RegistryAnswer(503, "The mode could not be kept: \(error). It is as it was.")
      }
      return RegistryAnswer(["mode": .string(wanted)])
    default: return RegistryAnswer(405, "The guard's mode takes GET and PUT.")
    }
  }

  private func question(_ asked: String, _ presented: PresentedToken) -> GuardQuestion {
    GuardQuestion(origin: "registry", client: peer, asked: asked, presented: presented)
  }

  private func reply(_ answer: RegistryAnswer, _ request: Request) throws(Failure) -> Bool {
    try send(answer.bytes(keepsAlive: request.keepsAlive, isHead: request.head.method == "HEAD"))
    return request.keepsAlive
  }

  // MARK: forwarding

  private func forward(_ request: Request, isRead: Bool) throws(Failure) -> Bool {
    let bytes = passedOn(request.head, request.body, to: settings.upstream)
    let deadline = after(settings.limits.answer)
    let link: HTTPStream
    let head: HTTPResponseHead
    do throws(StreamFailure) {
      (link, head) = try upstream.exchange(bytes, isRead: isRead, until: deadline)
    } catch {
      if error == .stopped { throw .stream(error) }
      return try reply(unavailable(error, isRead: isRead), request)
    }
    let framing: HTTPFraming
    do throws(HTTPDefect) {
      if head.status == 101 { throw HTTPDefect(502, "the registry wants to switch protocols") }
      framing = try head.body(answering: request.head.method)
    } catch {
      return try reply(RegistryAnswer(502, "The registry's answer cannot be passed on: \(error.what)."), request)
    }
    let isChunked = framing == .chunked || framing == .untilClose
    let keepsAlive = request.keepsAlive && (request.head.minorVersion == 1 || !isChunked)
    try send(passedBack(head, to: request.head, framing, keepsAlive: keepsAlive))
    do throws(StreamFailure) {
      try passBody(framing, link, asChunks: isChunked && request.head.minorVersion == 1, until: deadline)
    } catch {
      // The head has left: a body that ends too early is all that can still say so.
      return false
    }
    if head.keepsAlive && framing != .untilClose && link.buffer.isEmpty { upstream.keep(link) }
    return keepsAlive
  }

  private func unavailable(_ failure: StreamFailure, isRead: Bool) -> RegistryAnswer {
    let outcome = isRead ? "" : " Whether it took effect is not known if the connection had stood."
    switch failure {
    case .timedOut:
      return RegistryAnswer(504, "The registry at \(settings.upstream) does not answer in time.\(outcome)")
    case .closed: return RegistryAnswer(502, "The registry at \(settings.upstream) closed the connection.\(outcome)")
    case .failed(let number):
      return RegistryAnswer(502, "The registry at \(settings.upstream) cannot be reached: \(errnoText(number)).")
    case .insecure(let why):
      report("no TLS with the registry at \(settings.upstream): \(why)")
      return RegistryAnswer(502, "The guard and the registry do not come to terms over TLS.\(outcome)")
    case .stopped: return RegistryAnswer(503, "The guard ends.")
    }
  }

  private func passBody(
    _ framing: HTTPFraming, _ link: HTTPStream, asChunks: Bool, until deadline: Int64
  ) throws(StreamFailure) {
    func pass(_ data: [UInt8]) throws(StreamFailure) {
      if data.isEmpty { return }
      let head = asChunks ? Array("\(String(data.count, radix: 16))\r\n".utf8) : []
      try stream.send(head + data + (asChunks ? [0x0d, 0x0a] : []), until: deadline)
    }
    switch framing {
    case .none: return
    case .length(var left):
      while left > 0 {
        if link.buffer.isEmpty, try !link.fill(until: deadline) { throw .closed }
        let data = Array(link.buffer.prefix(left))
        link.buffer.removeFirst(data.count)
        left -= data.count
        try pass(data)
      }
      return
    case .chunked:
      var decoder = ChunkDecoder()
      while !decoder.isDone {
        if link.buffer.isEmpty, try !link.fill(until: deadline) { throw .closed }
        let data: [UInt8]
        do throws(HTTPDefect) {
          let taken = try decoder.take(link.buffer[...])
          data = taken.data
          link.buffer.removeFirst(taken.used)
        } catch { throw .closed }
        try pass(data)
      }
    case .untilClose:
      repeat {
        let data = link.buffer
        link.buffer = []
        try pass(data)
      } while try link.fill(until: deadline)
    }
    if asChunks { try stream.send(Array("0\r\n\r\n".utf8), until: deadline) }
  }

  private func after(_ time: Duration) -> Int64 { timebase.monotonic() + time.nanoseconds }
}
