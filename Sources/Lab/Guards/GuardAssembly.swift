internal import Netlink
internal import Stacks
internal import Support

/// The making of what fences a lab's administration: a guard before every broker, and a schema registry with a guard before it.
///
/// A guard is this program itself, and takes the current token from the control planes' seal in etcd.
struct GuardAssembly: Sendable {
  let specification: LabSpecification
  let paths: LabPaths
  let logsDirectory: String
  let program: String
  let plants: LabSurroundings.GuardPlants
  let starter: ServerStarter
  let readiness: Readiness
  let registry: (java: JavaRuntime, distribution: SchemaRegistryDistribution)?

  /// Everything that must be right before anything is made.
  ///
  /// - Returns: `nil` for a lab without registries.
  static func check(
    _ specification: LabSpecification, environment: (String) -> String? = environmentVariable
  ) async throws -> (java: JavaRuntime, distribution: SchemaRegistryDistribution)? {
    guard !specification.regions(with: .registry).isEmpty else { return nil }
    let distribution = try SchemaRegistryDistribution.locate(environment: environment)
    return (try await JavaRuntime.locate(environment: environment), distribution)
  }

  /// Where the decisions of a region's guard are written down: with the logs, so that they outlive the lab.
  static func decisions(in logsDirectory: String, _ region: String, _ kind: ServerKind) -> String {
    "\(logsDirectory)/\(region)-\(kind.rawValue)-decisions.jsonl"
  }

  // MARK: Guards

  func startAdminGuard(
    _ region: RegionSpecification, number: Int, in namespace: NetworkNamespace
  ) async throws -> LabServer {
    let address = "\(AddressPlan.prefix4(number).address)"
    let ports = specification.ports
    // Whoever comes under a name administers as well as anybody else, so it stands before both listeners.
    let routes = [(ports.kafka, ports.kafkaGuarded), (ports.kafkaNamed, ports.kafkaNamedGuarded)]
    return try await start(
      .adminGuard, region, in: namespace,
      ["admin"]
        + routes.flatMap { ["--route", "\(address):\($0)=\(KafkaBrokerSettings.loopback):\($1)"] },
      plant: plants.adminGuardsPass ? "guard-passes" : nil)
  }

  private func startRegistryGuard(
    _ region: RegionSpecification, number: Int, in namespace: NetworkNamespace
  ) async throws -> LabServer {
    try await start(
      .registryGuard, region, in: namespace,
      [
        "registry", "--listen", "\(AddressPlan.prefix4(number).address):\(specification.ports.registry)",
        "--registry", "\(registryAddress(number)):\(specification.ports.registryGuarded)",
      ], plant: plants.registryGuardsCompareText ? "tokens-as-text" : nil)
  }

  private func start(
    _ kind: ServerKind, _ region: RegionSpecification, in namespace: NetworkNamespace, _ arguments: [String],
    plant: String?
  ) async throws -> LabServer {
    let state = paths.guardState(region.name, kind)
    try makeDirectory(state)
    let endpoints = specification.etcdEndpoints(preferring: region.name).flatMap { ["--etcd", $0] }
    return try await starter.start(
      ServerName(region: region.name, kind: kind), in: namespace,
      ProcessRequest(
        program,
        ["guard"] + arguments + endpoints + [
          "--key", ControlPlaneConfiguration.writerKey(lab: specification.id), "--state", state,
          "--log", Self.decisions(in: logsDirectory, region.name, kind),
        ] + (plant.map { ["--plant", $0] } ?? [])))
  }

  // MARK: Registries

  /// Starts every registry and its guard; returns when each answers through its guard.
  ///
  /// - Parameters:
  ///   - stores: connections to the regions' stores as ``EventStore/administrator``.
  ///   - password: for the role that owns a registry's database.
  func startRegistries(
    _ namespaces: [String: NetworkNamespace], _ stores: [String: PostgresConnection], password: String
  ) async throws -> [LabServer] {
    guard let registry else { return [] }
    let regions = specification.regions.enumerated().filter { $0.element.has(.registry) }
    return try await inParallel(Array(regions)) { index, region -> [LabServer] in
      guard let namespace = namespaces[region.name], let store = stores[region.name] else { return [] }
      let number = index + 1
      try await EventStore(store).makeRegistryDatabase(password: password)
      let database = PostgresAddress(
        host: "\(AddressPlan.prefix4(number).address)", port: UInt16(clamping: specification.ports.store),
        user: SchemaRegistrySettings.databaseRole, password: password)
      let directory = paths.registry(region.name)
      try makeDirectory(directory)
      let settings = SchemaRegistrySettings(
        address: registryAddress(number), port: UInt16(clamping: specification.ports.registryGuarded),
        database: database)
      let servers = [
        try await starter.start(
          ServerName(region: region.name, kind: .registry), in: namespace,
          settings.request(registry.java, registry.distribution, in: directory)),
        try await startRegistryGuard(region, number: number, in: namespace),
      ]
      let client = SchemaRegistryClient(
        address: "http://\(AddressPlan.prefix4(number).address):\(specification.ports.registry)"
          + SchemaRegistrySettings.base, networkNamespace: namespace.fileDescriptor)
      try await readiness.wait(for: "\(region.name) registry", servers: servers) {
        do {
          _ = try await client.schemas()
          return .ready
        } catch let problem as Problem {
          return .waiting(problem.what)
        }
      }
      return servers
    }.flatMap(\.self)
  }

  /// Where a registry listens: where nobody but its guard comes to it.
  private func registryAddress(_ number: Int) -> String {
    plants.registriesAreOpen ? "\(AddressPlan.prefix4(number).address)" : KafkaBrokerSettings.loopback
  }
}

extension LabSpecification {
  /// Whether anything here asks for the current token.
  var hasGuards: Bool { kafka?.hasAdminGuard == true || !regions(with: .registry).isEmpty }

  /// This lab with a schema registry, and the guard before it, beside every store.
  public func withRegistries() -> LabSpecification {
    var specification = self
    for index in regions.indices where regions[index].has(.store) {
      let roles = Set(regions[index].roles).union([.registry])
      specification.regions[index].roles = RegionRole.allCases.filter(roles.contains)
    }
    return specification
  }

  /// The endpoints of etcd, that of `region` first.
  func etcdEndpoints(preferring region: String) -> [String] {
    let voters = regions.enumerated().filter { $0.element.has(.quorum) }
    let near = voters.filter { $0.element.name == region } + voters.filter { $0.element.name != region }
    return near.map { "http://\(AddressPlan.prefix4($0.offset + 1).address):\(ports.etcdClient)" }
  }

  /// Checks that guards have what they decide by.
  func checkGuards() throws(Problem) {
    guard hasGuards else { return }
    if regions(with: .control).isEmpty || regions(with: .quorum).isEmpty {
      try refusal(
        "guards ask etcd for the fencing token of the control planes, and there are none",
        "give regions the roles control and quorum")
    }
    if let lonely = regions.first(where: { $0.has(.registry) && !$0.has(.store) }) {
      try refusal(
        "the registry of \(lonely.name) has no store beside it to keep its schemas in",
        "give the region the role store")
    }
  }

  /// How often etcd is written to before the first reign where there are guards. A token is a revision of etcd, and one of two
  /// digits has smaller ones that are greater as text: a guard that compares text can be told from one that compares numbers.
  static let writesBeforeFirstReign = 10
}

extension Lab {
  /// Where a region's guard has written down what it decided; the file is there from the guard's start on.
  public func guardDecisions(of region: String, _ kind: ServerKind) -> String {
    GuardAssembly.decisions(in: logsDirectory, region, kind)
  }
}
