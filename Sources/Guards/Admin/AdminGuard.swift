internal import Glibc
public import Support

/// Where a guard listens, and the broker behind that.
public struct AdminRoute: Sendable, Hashable {
  /// The address that the broker advertises.
  public var listen: Endpoint
  /// Where the broker itself listens.
  public var broker: Endpoint
  /// The broker's host as it was given, which its certificate must bear where TLS is spoken with it.
  let name: String

  /// A route.
  public init(listen: Endpoint, broker: Endpoint) {
    self.init(listen: listen, broker: broker, name: broker.host)
  }

  fileprivate init(listen: Endpoint, broker: Endpoint, name: String) {
    self.listen = listen
    self.broker = broker
    self.name = name
  }
}

/// A TCP proxy in front of Kafka brokers that lets administration pass only with the current fencing token in the client id.
///
/// It reads the headers of requests and nothing else; everything that it lets pass reaches the broker, and the client, byte for
/// byte as it was sent. A refused request is answered in its own version with CLUSTER_AUTHORIZATION_FAILED, in its turn.
public struct AdminGuard: Sendable {
  /// Where it listens; a port that was 0 is the one that the kernel chose.
  public let routes: [AdminRoute]
  private let sockets: [Descriptor]
  private let policy: AdminPolicy
  private let tls: GuardTLS?
  private let authority: TokenAuthority
  private let threads: Int
  private let mostConnections: Int
  private let networkNamespace: Int32?
  private let timebase: Timebase
  private let report: @Sendable (String) -> Void

  /// Listens; serves nobody before ``run()``.
  ///
  /// - Parameters:
  ///   - tls: with clients, brokers or both; `nil`: all speak in clear.
  ///   - threads: over which connections are spread.
  ///   - mostConnections: of one thread; more wait until some end.
  ///   - networkNamespace: descriptor of the namespace to listen and connect in; it must stay open.
  ///   - report: told of what an operator should know; called on the guard's threads.
  /// - Throws: ``Problem`` when a name cannot be resolved or an address not be listened on; nothing listens then.
  public init(
    routes: [AdminRoute], policy: AdminPolicy = AdminPolicy(), tls: GuardTLS? = nil, authority: TokenAuthority,
    threads: Int = 2, mostConnections: Int = 2000, networkNamespace: Int32? = nil, timebase: Timebase = .system,
    report: @escaping @Sendable (String) -> Void
  ) async throws {
    self.policy = policy
    self.tls = tls
    self.authority = authority
    self.threads = threads
    self.mostConnections = mostConnections
    self.networkNamespace = networkNamespace
    self.timebase = timebase
    self.report = report
    (self.routes, sockets) = try await onOwnThread("listen", networkNamespace: networkNamespace) {
      var bound: [AdminRoute] = []
      var sockets: [Descriptor] = []
      for route in routes {
        let broker = try route.broker.resolved()
        try tls?.check(broker)
        let socket = try route.listen.resolved().listen()
        bound.append(AdminRoute(listen: route.listen.bound(socket), broker: broker, name: route.name))
        sockets.append(socket)
      }
      return (bound, sockets)
    }
  }

  /// Serves until cancelled; then every connection is closed at once.
  ///
  /// - Throws: `SystemError` when the kernel refuses what it needs.
  public func run() async throws {
    let (questions, source) = AsyncStream.makeStream(of: AdminLoop.Question.self)
    var mailboxes: [AdminLoop.Mailbox] = []
    for _ in 0..<threads { mailboxes.append(try AdminLoop.Mailbox()) }
    let boxes = mailboxes
    try await withTaskCancellationHandler {
      try await withThrowingDiscardingTaskGroup { group in
        for number in 0..<threads {
          group.addTask(name: "admin-guard") {
            // However one thread ends, the others end too.
            defer {
              for box in boxes { box.stop() }
              source.finish()
            }
            try await onOwnThread("admin-guard", networkNamespace: networkNamespace) {
              try AdminLoop(
                number: number, mailbox: boxes[number], listeners: Array(zip(routes, sockets).map { ($0, $1) }),
                policy: policy, tls: tls, most: mostConnections, timebase: timebase, ask: { source.yield($0) },
                report: report
              ).run()
            }
          }
        }
        // At most one question a connection is under way.
        for await asked in questions {
          group.addTask(name: "judge") { await answer(asked, boxes) }
        }
      }
    } onCancel: {
      for box in boxes { box.stop() }
    }
  }

  private func answer(_ asked: AdminLoop.Question, _ boxes: [AdminLoop.Mailbox]) async {
    let decision =
      if let rule = asked.rule {
        await authority.refuse(asked.question, rule)
      } else {
        await authority.judge(asked.question)
      }
    boxes[asked.loop].deliver(decision, to: asked.connection)
  }
}
