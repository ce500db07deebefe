internal import CKernel
internal import Glibc
public import Support
internal import Synchronization

/// How large and how slow requests to a registry may be.
public struct RegistryLimits: Sendable, Hashable {
  /// First line and fields.
  public var headBytes = 32 << 10
  /// Body of a request; it is read whole before anything of it goes on.
  public var bodyBytes = 4 << 20
  /// Silence between two requests of one connection.
  public var idle: Duration = .seconds(60)
  /// From a request's first byte to the end of its fields.
  public var head: Duration = .seconds(10)
  /// From there to the end of its body.
  public var body: Duration = .seconds(30)
  /// Connecting to the registry.
  public var connect: Duration = .seconds(2)
  /// From sending a request on to the end of its answer.
  public var answer: Duration = .seconds(30)
  /// Connections at once; more are answered 503.
  public var connections = 200

  /// The limits by default.
  public init() {}
}

/// Where a registry guard stands.
public struct RegistrySettings: Sendable, Hashable {
  /// Where it listens.
  public var listen: Endpoint
  /// The registry.
  public var upstream: Endpoint
  /// The registry's host as it was given, which its certificate must bear where TLS is spoken with it.
  private(set) var upstreamName: String
  /// Under which paths the Confluent API stands; the empty one is the root.
  public var bases: [String]
  /// Whether the guard answers `/mode` itself. Where the registry has that, leave it to the registry.
  public var servesMode: Bool
  /// How large and how slow.
  public var limits: RegistryLimits

  /// Settings; without `bases` those of Confluent's and Apicurio's registries.
  public init(
    listen: Endpoint, upstream: Endpoint, bases: [String]? = nil, servesMode: Bool = true,
    limits: RegistryLimits = RegistryLimits()
  ) {
    self.listen = listen
    self.upstream = upstream
    upstreamName = upstream.host
    self.bases = bases ?? RegistryRules.usualBases
    self.servesMode = servesMode
    self.limits = limits
  }
}

/// A reverse proxy in front of a schema registry that lets writes pass only with the current `X-Fencing-Token`.
public struct RegistryGuard: Sendable {
  /// Where it listens; a port that was 0 is the one that the kernel chose.
  public let endpoint: Endpoint
  private let settings: RegistrySettings
  private let tls: GuardTLS?
  private let socket: Descriptor
  private let authority: TokenAuthority
  private let networkNamespace: Int32?
  private let timebase: Timebase
  private let report: @Sendable (String) -> Void

  /// How many connections are open.
  private final class Count: Sendable {
    let open = Atomic(0)
  }

  private struct Client: Sendable {
    var socket: Descriptor
    var peer: String
  }

  /// Listens; serves nobody before ``run()``.
  ///
  /// - Parameters:
  ///   - tls: with clients, the registry or both; `nil`: all speak in clear.
  ///   - networkNamespace: descriptor of the namespace to listen and connect in; it must stay open.
  ///   - report: told of what an operator should know; called on the guard's threads.
  /// - Throws: ``Problem`` when a name cannot be resolved or the address not be listened on; nothing listens then.
  public init(
    _ settings: RegistrySettings, tls: GuardTLS? = nil, authority: TokenAuthority, networkNamespace: Int32? = nil,
    timebase: Timebase = .system, report: @escaping @Sendable (String) -> Void
  ) async throws {
    self.tls = tls
    self.authority = authority
    self.networkNamespace = networkNamespace
    self.timebase = timebase
    self.report = report
    var resolved = settings
    (socket, endpoint, resolved.upstream) = try await onOwnThread("listen", networkNamespace: networkNamespace) {
      let upstream = try settings.upstream.resolved()
      try tls?.check(upstream)
      let socket = try settings.listen.resolved().listen()
      return (socket, settings.listen.bound(socket), upstream)
    }
    self.settings = resolved
  }

  /// Serves until cancelled; then every connection is closed at once.
  ///
  /// - Throws: `SystemError` when the kernel refuses what it needs.
  public func run() async throws {
    let bell = try StopBell()
    let (clients, source) = AsyncStream.makeStream(of: Client.self)
    let count = Count()
    // The connections' own thread ends with them, which must not be hurried by cancellation: the bell ends them.
    try await withTaskCancellationHandler {
      try await withThrowingDiscardingTaskGroup { group in
        group.addTask(name: "accept") {
          defer { source.finish() }
          try await onOwnThread("accept") { try accept(into: source, count, bell) }
        }
        for await client in clients {
          group.addTask(name: "connection") {
            defer { count.open.subtract(1, ordering: .relaxed) }
            do throws(SystemError) {
              let connection = try RegistryConnection(
                client.socket, peer: client.peer, settings: settings, tls: tls, authority: authority,
                bell: bell, networkNamespace: networkNamespace, timebase: timebase, report: report)
              await connection.serve()
            } catch {
              report("a connection could not be served: \(error)")
            }
          }
        }
      }
    } onCancel: {
      bell.ring()
    }
  }

  private func accept(
    into clients: AsyncStream<Client>.Continuation, _ count: Count, _ bell: StopBell
  ) throws {
    var entries = [socket.number, bell.descriptor.number].map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    while true {
      if poll(&entries, 2, -1) < 0 && errno != EINTR { throw SystemError("poll") }
      if entries[1].revents != 0 { return }
      var peer = [CChar](repeating: 0, count: 80)
      let number = bs_accept(socket.number, &peer, Int32(peer.count))
      guard number >= 0 else {
        if errno == EMFILE || errno == ENFILE {
          report("no descriptor for another connection: \(errnoText(errno)); tried again in a second")
          _ = poll(&entries[1], 1, 1000)
        }
        continue
      }
      let client = Client(
        socket: Descriptor(number),
        peer: String(decoding: peer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self))
      if count.open.load(ordering: .relaxed) >= settings.limits.connections {
        if tls?.listens == true { continue }  // an answer in clear would be none
        let answer = RegistryAnswer(503, "The guard serves \(settings.limits.connections) connections already.")
        let bytes = answer.bytes(keepsAlive: false)
        // Fits the empty buffer of a new socket.
        _ = send(number, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        continue
      }
      count.open.add(1, ordering: .relaxed)
      clients.yield(client)
    }
  }
}
