internal import Glibc
public import Support

/// One connection to PostgreSQL, on a thread of its own and, if asked, inside a network namespace.
///
/// libpq runs non-blocking, so every call ends by its deadline and at once when its task is cancelled. After either the
/// state of the connection is unknown: it is closed, and ``open(within:)`` makes a new one. Calls of several tasks
/// queue up, and a call's deadline counts from its turn: give each worker a connection of its own.
public actor PostgresConnection {
  /// The server and the role.
  public nonisolated let address: PostgresAddress
  private nonisolated let executor: ThreadExecutor
  private let name: String
  private let timebase: Timebase
  private let wake: Wake
  private var link: PQLink?

  /// The connection's own thread.
  public nonisolated var unownedExecutor: UnownedSerialExecutor { executor.asUnownedSerialExecutor() }

  /// Starts the thread; connects nowhere yet.
  ///
  /// - Parameters:
  ///   - name: shown by the server as `application_name` and by `ps -T` as the thread's name.
  ///   - networkNamespace: descriptor of the namespace in which the socket opens; it may be closed afterwards.
  /// - Throws: ``SystemError`` when the thread cannot be made or may not enter the namespace.
  public init(
    _ address: PostgresAddress, name: String, networkNamespace: Int32? = nil, timebase: Timebase = .system
  ) throws(SystemError) {
    self.address = address
    self.name = name
    self.timebase = timebase
    wake = try Wake()
    executor = try ThreadExecutor(name: name, networkNamespace: networkNamespace)
  }

  /// Whether statements can be sent. A path that died unseen still counts as open.
  public var isOpen: Bool { link != nil }

  /// Connects and logs in; an open connection is closed first.
  ///
  /// - Throws: ``PostgresError/unreachable(_:_:)``, ``PostgresError/timedOut(_:after:sent:)`` or
  ///   ``PostgresError/cancelled(_:sent:)``; the connection is closed then.
  public func open(within limit: Duration = .seconds(1)) async throws(PostgresError) {
    link = nil
    let deadline = timebase.monotonic() + limit.nanoseconds
    try await interruptible { () throws(PostgresError) in
      guard let link = PQLink(parameters: address.parameters(applicationName: name)) else {
        throw .unreachable(address, "libpq is out of memory")
      }
      // Before the first step the socket waits for its connection, which shows as writable.
      var step = PQLink.Step.write
      while true {
        switch step {
        case .failed(let why): throw .unreachable(address, why)
        case .done:
          self.link = link
          return
        case .read, .write:
          guard link.descriptor >= 0 else { throw .unreachable(address, link.errorText) }
          try settle(link, step == .read ? POLLIN : POLLOUT, until: deadline, limit, sent: false)
          step = link.advanceConnect()
        }
      }
    }
  }

  /// Closes the connection without waiting for the server. Closing a closed one is fine.
  public func close() {
    link = nil
  }

  /// Runs one statement and returns its rows, every value as PostgreSQL's text.
  ///
  /// - Parameters:
  ///   - sql: one statement with `$1…` for the parameters.
  ///   - parameters: bound, never spliced into the text; `nil` is NULL.
  ///   - limit: the longest it may take.
  /// - Throws: ``PostgresError``; ask ``PostgresError/isUnknownOutcome`` whether it may have taken effect.
  @discardableResult
  public func query(
    _ sql: String, _ parameters: [String?] = [], within limit: Duration = .seconds(1)
  ) async throws(PostgresError) -> [[String?]] {
    try await exchange(limit) { (link) throws(PostgresError) in
      // A text of PostgreSQL cannot hold the character 0, and a C string would end there unseen.
      if parameters.contains(where: { $0?.utf8.contains(0) ?? false }) {
        throw .server(
          PostgresServerError(sqlState: "22021", severity: "ERROR", message: "a parameter holds the character 0"))
      }
      return link.send(sql, parameters)
    }
  }

  /// Runs statements that take no parameters, as one transaction; their rows are dropped.
  ///
  /// - Throws: ``PostgresError``; none of the statements took effect unless it says unknown.
  public func execute(script: String, within limit: Duration = .seconds(5)) async throws(PostgresError) {
    _ = try await exchange(limit) { $0.send(script: script) }
  }

  /// What the server keeps of a password (`SCRAM-SHA-256$…`), computed here.
  func verifier(password: String, user: String) throws(PostgresError) -> String {
    guard let link else { throw .closed(address) }
    guard let text = link.encrypted(password: password, user: user) else { throw .malformed(link.errorText) }
    return text
  }

  private func exchange(
    _ limit: Duration, _ send: (PQLink) throws(PostgresError) -> Bool
  ) async throws(PostgresError) -> [[String?]] {
    let deadline = timebase.monotonic() + limit.nanoseconds
    return try await interruptible { () throws(PostgresError) in
      guard let link else { throw .closed(address) }
      guard try send(link) else {
        self.link = nil
        throw .lost(address, link.errorText, sent: false)
      }
      do throws(PostgresError) {
        try flush(link, until: deadline, limit)
        return try collect(link, until: deadline, limit)
      } catch {
        // A refusal leaves the connection in order; after anything else its state is unknown.
        if case .server(let refusal) = error, refusal.severity == "ERROR", !link.isBroken { throw error }
        self.link = nil
        throw error
      }
    }
  }

  private func flush(_ link: PQLink, until deadline: Int64, _ limit: Duration) throws(PostgresError) {
    while true {
      switch link.flush() {
      case .done: return
      case .failed(let why): throw .lost(address, why, sent: true)
      case .read, .write:
        // Reading meanwhile keeps two full socket buffers from waiting for each other.
        try settle(link, POLLIN | POLLOUT, until: deadline, limit, sent: true)
        if case .failed(let why) = link.receive() { throw .lost(address, why, sent: true) }
      }
    }
  }

  /// Reads results to the last; of several errors the first is the cause.
  private func collect(
    _ link: PQLink, until deadline: Int64, _ limit: Duration
  ) throws(PostgresError) -> [[String?]] {
    var rows: [[String?]] = []
    var refusal: PostgresServerError?
    while true {
      switch link.receive() {
      case .failed(let why):
        // What the server said before it hung up tells more than the hang-up.
        while case .refused(let error)? = link.nextAnswer() { refusal = refusal ?? error }
        if let refusal { throw .server(refusal) }
        throw .lost(address, why, sent: true)
      case .read, .write:
        try settle(link, POLLIN, until: deadline, limit, sent: true)
      case .done:
        switch link.nextAnswer() {
        case nil:
          if let refusal { throw .server(refusal) }
          return rows
        case .rows(let some): rows += some
        case .refused(let error): refusal = refusal ?? error
        case .broken(let why):
          if let refusal { throw .server(refusal) }
          throw .lost(address, why, sent: true)
        }
      }
    }
  }

  private func settle(
    _ link: PQLink, _ events: Int32, until deadline: Int64, _ limit: Duration, sent: Bool
  ) throws(PostgresError) {
    while true {
      switch wait(link.descriptor, events, wake: wake, until: deadline, timebase) {
      case .ready: return
      case .timedOut: throw .timedOut(address, after: limit, sent: sent)
      case .woken:
        wake.drain()
        // The signal of an earlier call's cancellation may arrive late; it is not about this one.
        if Task.isCancelled { throw .cancelled(address, sent: sent) }
      }
    }
  }

  private func interruptible<T: Sendable>(
    _ body: () throws(PostgresError) -> T
  ) async throws(PostgresError) -> T {
    let wake = wake
    // The handler's rethrow forgets the type of the error, so it travels as a value.
    let result: Result<T, PostgresError> = await withTaskCancellationHandler {
      if Task.isCancelled { return .failure(.cancelled(address, sent: false)) }
      do throws(PostgresError) { return .success(try body()) } catch { return .failure(error) }
    } onCancel: {
      wake.signal()
    }
    return try result.get()
  }
}
