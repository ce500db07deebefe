internal import Netlink
internal import Stacks
internal import Support

/// The outbox of a lab's event stores, and what carries it to Kafka.
public struct OutboxLabSettings: Sendable, Hashable, Codable {
  /// Whether rows stay in the outbox once they are written.
  public var keepsRows: Bool

  /// An outbox whose rows are kept, or not.
  public init(keepsRows: Bool = true) { self.keepsRows = keepsRows }

  /// The topic that rows of events are carried to.
  public static let topic = "outbox.orders"
  /// The topic that barriers are carried to.
  public static let barriers = "outbox.barrier"
}

/// Lets the connector of the outbox run in a lab that comes up.
struct OutboxAssembly: Sendable {
  let specification: LabSpecification
  let paths: LabPaths
  let password: String
  let readiness: Readiness

  /// Where the connector's plugin is; must be right before anything is made.
  ///
  /// - Returns: `nil` for a lab without an outbox.
  static func check(
    _ specification: LabSpecification, environment: (String) -> String? = environmentVariable
  ) throws -> ConnectPlugins? {
    specification.kafka?.outbox == nil ? nil : try ConnectPlugins.locate(environment: environment)
  }

  /// Gives a store its outbox, and the first writer's the replication slot: from here on no row is without a reader.
  func provision(_ store: EventStore, of region: String, origins: [String]) async throws {
    guard let settings = specification.kafka?.outbox else { return }
    try await store.provisionOutbox(origins: origins, keepsRows: settings.keepsRows)
    if region == specification.preferredWriter { try await store.makeOutboxSlot() }
  }

  /// Writes down the password where the worker finds it, before the worker starts.
  static func writeSecret(_ password: String, at file: String) throws {
    try writeFile(file, Array("\(OutboxCapture.secret)=\(password)\n".utf8), mode: 0o600)
  }

  /// Starts the connector that reads the first writer's store; returns when it reads.
  func start(_ region: RegionHandle, servers: [LabServer]) async throws {
    guard let endpoint = region.connectEndpoint, let store = region.store, let secrets = region.outboxSecrets else {
      return
    }
    let capture = OutboxCapture(
      region: region.name, store: store, secretsFile: secrets,
      exactlyOnce: specification.kafka?.exactlyOnce ?? true)
    let worker = servers.filter { $0.name == ServerName(region: region.name, kind: .worker) }
    let client = ConnectClient(
      address: endpoint, networkNamespace: region.namespace.fileDescriptor, clock: readiness.clock)
    // A worker that has just joined its group refuses with 409.
    try await readiness.wait(for: capture.name, servers: worker) {
      do {
        try await client.put(capture.name, capture.configuration)
        return .ready
      } catch let problem as Problem {
        return .waiting(problem.what)
      }
    }
    let connection = try PostgresConnection(
      store.with(user: EventStore.administrator), name: "lab-outbox",
      networkNamespace: region.namespace.fileDescriptor)
    // That Connect calls it RUNNING proves nothing; that somebody reads from the slot does.
    try await readiness.wait(for: "\(capture.name) to read", servers: worker) {
      do throws(PostgresError) {
        let store = EventStore(connection)
        try await store.reconnect()
        return try await store.outboxSlotIsActive() == true ? .ready : .waiting("nobody reads from the slot yet")
      } catch {
        return .waiting("\(error)")
      }
    }
    await connection.close()
  }
}
