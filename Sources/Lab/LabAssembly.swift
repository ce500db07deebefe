internal import Faults
internal import Glibc
internal import Netlink
internal import Stacks
internal import Support

extension Lab {
  /// Makes a lab and waits until it is ready: etcd has a leader, stores take connections and mirror each other, the
  /// preferred region is the writer and its store is sealed.
  ///
  /// Whatever goes wrong, and when cancelled, all of it is taken down again; the servers' logs stay. Killed at any
  /// instant, what it leaves is removed by ``recover(stateDirectory:id:force:)``.
  ///
  /// - Returns: the lab, in use by this process: take it ``down()`` or ``keep()`` it.
  /// - Throws: ``Problem``: usage (no root, id taken, impossible specification), steadyState (a server does not come up,
  ///   with the end of its log), recoveryIncomplete (it does not come up and cannot be removed).
  public static func up(_ specification: LabSpecification, _ surroundings: LabSurroundings) async throws -> Lab {
    try specification.check()
    let paths = LabPaths(stateDirectory: surroundings.stateDirectory, id: specification.id)
    try paths.check(specification)
    guard geteuid() == 0 else {
      throw Problem(
        .usage, "a lab needs root: it makes network namespaces and starts PostgreSQL as another user; nothing was made",
        fix: "run it with sudo")
    }
    let binaries = try ServerBinaries.locate()
    let kafka = try await KafkaAssembly.check(specification)
    let registry = try await GuardAssembly.check(specification)
    let plugins = try OutboxAssembly.check(specification)
    var generator = SystemRandomNumberGenerator()
    let record = LabRecord(
      specification: specification, logsDirectory: absolutePath(surroundings.logsDirectory),
      password: LabRecord.newPassword(from: &generator))
    do {
      try makeDirectory(record.logsDirectory)
      try LabClaim.take(paths, record: record, owner: .mine(.building))
    } catch let error as SystemError {
      throw Problem(.usage, at: error.object, "\(error); nothing was made", fix: "name directories that can be written")
    }
    do {
      let assembly = try LabAssembly(
        record: record, paths: paths, surroundings: surroundings, binaries: binaries, kafka: kafka,
        registry: registry, plugins: plugins)
      return try await assembly.make()
    } catch let error as Abandoned {
      throw error
    } catch {
      do { _ = try await takeDown(paths) } catch let left {
        throw Problem(
          .recoveryIncomplete, at: "lab \(specification.id)", "\(error)\nand it could not be taken down: \(left)",
          fix: "blackstart recover")
      }
      throw error
    }
  }

  /// Thrown by a test's checkpoint: everything is left as a kill would leave it.
  struct Abandoned: Error {}
}

/// The making of one lab: what can be made at the same time is.
private struct LabAssembly: Sendable {
  let record: LabRecord
  let paths: LabPaths
  let surroundings: LabSurroundings
  let binaries: ServerBinaries
  let kafka: KafkaAssembly?
  let guards: GuardAssembly
  let outbox: OutboxAssembly
  let journal: UndoJournal
  let network: LabNetwork
  let starter: ServerStarter
  let readiness: Readiness

  private var specification: LabSpecification { record.specification }
  private var stores: [RegionSpecification] { specification.regions(with: .store) }

  init(
    record: LabRecord, paths: LabPaths, surroundings: LabSurroundings, binaries: ServerBinaries,
    kafka: (java: JavaRuntime, distribution: KafkaDistribution)?,
    registry: (java: JavaRuntime, distribution: SchemaRegistryDistribution)?, plugins: ConnectPlugins?
  ) throws {
    self.record = record
    self.paths = paths
    self.surroundings = surroundings
    self.binaries = binaries
    journal = try UndoJournal(
      creating: paths.journal, timebase: surroundings.timebase, run: surroundings.journal,
      checkpoint: surroundings.checkpoint)
    network = LabNetwork(specification: record.specification, paths: paths, journal: journal)
    let groups = OwnedGroups(lab: record.specification.id)
    let clocks = record.specification.regions.compactMap { region in region.clocks.map { (region.name, $0) } }
    starter = ServerStarter(
      paths: paths, logsDirectory: record.logsDirectory, journal: journal, groups: groups,
      groupPlaces: try groups.places(for: surroundings.groups),
      clocks: Dictionary(clocks, uniquingKeysWith: { first, _ in first }))
    readiness = Readiness(clock: surroundings.clock)
    // A Java server on a busy machine takes longer than any of the others.
    let patience = Readiness(clock: surroundings.clock, limit: .seconds(60), pause: .milliseconds(25))
    guards = GuardAssembly(
      specification: record.specification, paths: paths, logsDirectory: record.logsDirectory,
      program: surroundings.program, plants: surroundings.guardPlants, starter: starter, readiness: patience,
      registry: registry)
    outbox = OutboxAssembly(
      specification: record.specification, paths: paths, password: record.password, readiness: patience)
    if let kafka, let settings = record.specification.kafka {
      self.kafka = KafkaAssembly(
        specification: record.specification, settings: settings, paths: paths, starter: starter, readiness: patience,
        java: kafka.java, distribution: kafka.distribution, guards: guards, plugins: plugins, password: record.password)
    } else {
      self.kafka = nil
    }
  }

  func make() async throws -> Lab {
    try await journal.write(.begin(boot: try bootID()))
    try network.checkNamesAreFree()
    for place in starter.groupPlaces { try await journal.write(.group(place)) }
    for region in specification.regions {
      try await journal.write(.directory(paths.region(region.name)))
      try makeDirectory(paths.region(region.name))
      surroundings.disks?.note(paths.region(region.name), of: region.name)
    }
    // While etcd elects its leader, PostgreSQL starts; while its data are copied, the network is made.
    async let template = copyTemplates()
    let namespaces = try await network.make()
    async let mirrorsOfKafka = startKafka(namespaces)
    let etcd = try await startEtcd(namespaces)
    let password = try await template
    async let elected: Void = waitForLeader(etcd, namespaces)
    let opened = try await startStores(namespaces, templatePassword: password)
    async let mirrored: Void = mirror(opened.connections)
    async let registries = guards.startRegistries(namespaces, opened.connections, password: record.password)
    try await elected
    if specification.hasGuards { try await raiseRevision(namespaces) }
    let planes = try await startControlPlanes(namespaces)
    try await mirrored
    let schemaServers = try await registries
    for connection in opened.connections.values { await connection.close() }

    let lab = Lab(
      record: record, paths: paths, namespaces: namespaces,
      servers: try await etcd + opened.servers + planes + mirrorsOfKafka + schemaServers, starter: starter)
    if let writer = lab.region(specification.preferredWriter) { try await outbox.start(writer, servers: lab.servers) }
    try lab.write(.inUse)
    try await journal.write(.ready)
    return lab
  }

  private func startKafka(_ namespaces: [String: NetworkNamespace]) async throws -> [LabServer] {
    try await kafka?.make(namespaces) ?? []
  }

  // MARK: etcd

  private func startEtcd(_ namespaces: [String: NetworkNamespace]) async throws -> [LabServer] {
    let voters = numbered(.quorum)
    let members = voters.map {
      EtcdSettings.Member(
        name: $0.region.name, peerAddress: "\(AddressPlan.prefix4($0.number).address)",
        peerPort: UInt16(clamping: specification.ports.etcdPeer))
    }
    return try await inParallel(voters) { voter in
      let settings = EtcdSettings(
        name: voter.region.name, dataDirectory: paths.etcdData(voter.region.name),
        clientAddresses: addresses(voter.number), clientPort: UInt16(clamping: specification.ports.etcdClient),
        members: members, clusterToken: "blackstart-\(specification.id)")
      return try await starter.start(
        ServerName(region: voter.region.name, kind: .etcd), in: try namespace(voter.region, namespaces),
        settings.request(binaries))
    }
  }

  private func waitForLeader(_ servers: [LabServer], _ namespaces: [String: NetworkNamespace]) async throws {
    _ = try await inParallel(servers) { server in
      let endpoint =
        "http://\(AddressPlan.prefix4(number(of: server.region)).address):\(specification.ports.etcdClient)"
      let client = try EtcdClient(
        endpoints: [endpoint], name: "lab-etcd", networkNamespace: namespaces[server.region]?.fileDescriptor,
        timebase: surroundings.timebase)
      try await readiness.wait(for: "\(server.name)", servers: [server]) {
        do throws(EtcdError) {
          return try await client.status().leader == 0 ? .waiting("it knows no leader") : .ready
        } catch {
          return .waiting("\(error)")
        }
      }
    }
  }

  /// Writes to etcd so often that the first token has two digits.
  private func raiseRevision(_ namespaces: [String: NetworkNamespace]) async throws {
    guard let voter = numbered(.quorum).first else { return }
    let client = try EtcdClient(
      endpoints: specification.etcdEndpoints(preferring: voter.region.name), name: "lab-etcd",
      networkNamespace: namespaces[voter.region.name]?.fileDescriptor, timebase: surroundings.timebase)
    for time in 0..<LabSpecification.writesBeforeFirstReign {
      try await client.put("/blackstart/\(specification.id)/before-first-reign", "\(time)")
    }
  }

  // MARK: PostgreSQL

  /// Copies the template into every region with a store.
  ///
  /// - Returns: the password that the copies have until they are provisioned.
  private func copyTemplates() async throws -> String {
    if stores.isEmpty { return "" }
    let template = try await PostgresTemplate.prepare(in: LabPaths.cache(in: paths.stateDirectory), binaries)
    _ = try await inParallel(numbered(.store)) { store in
      try await journal.write(.directory(paths.storeData(store.region.name)))
      try await template.copy(to: paths.storeData(store.region.name), settings(of: store))
      try await prepareDisk(of: store.region)
    }
    return template.password
  }

  /// Mounts the store's data through a process of ours where a fault needs it, before the store opens its first file.
  private func prepareDisk(of region: RegionSpecification) async throws {
    guard let disks = surroundings.disks, disks.regions.contains(region.name) else { return }
    let data = paths.storeData(region.name)
    try await journal.write(.mount(data))
    try await onOwnThread("lab-disk") { try disks.prepare(data, of: region.name) }
  }

  private func startStores(
    _ namespaces: [String: NetworkNamespace], templatePassword: String
  ) async throws -> (servers: [LabServer], connections: [String: PostgresConnection]) {
    let origins = stores.map(\.name)
    let started = try await inParallel(numbered(.store)) { store -> (LabServer, PostgresConnection) in
      let name = store.region.name
      let namespace = try namespace(store.region, namespaces)
      let server = try await starter.start(
        ServerName(region: name, kind: .store), in: namespace,
        try request(for: store))
      let connections = try addresses(store.number).map { host in
        try PostgresConnection(
          address(host, user: EventStore.administrator, password: templatePassword), name: "lab-store",
          networkNamespace: namespace.fileDescriptor, timebase: surroundings.timebase)
      }
      // Both families: PostgreSQL goes on when it could bind only one of its addresses.
      for connection in connections {
        try await readiness.wait(for: "\(server.name)", servers: [server]) {
          do throws(PostgresError) {
            try await connection.open(within: .seconds(1))
            return .ready
          } catch {
            return .waiting("\(error)")
          }
        }
      }
      try await EventStore(connections[0]).provision(region: name, origins: origins, password: record.password)
      try await outbox.provision(EventStore(connections[0]), of: name, origins: origins)
      for connection in connections { await connection.close() }
      // From here on the lab's own password counts.
      let connection = try PostgresConnection(
        address(addresses(store.number)[0], user: EventStore.administrator, password: record.password),
        name: "lab-store", networkNamespace: namespace.fileDescriptor, timebase: surroundings.timebase)
      try await connection.open(within: .seconds(5))
      return (server, connection)
    }
    return (
      started.map(\.0), Dictionary(uniqueKeysWithValues: started.map { ($0.0.region, $0.1) })
    )
  }

  private func settings(of store: Numbered) -> PostgresSettings {
    PostgresSettings(
      region: store.region.name, listen: addresses(store.number), port: UInt16(clamping: specification.ports.store),
      allowed: [AddressPlan.network4, AddressPlan.network6])
  }

  private func request(for store: Numbered) throws -> ProcessRequest {
    var request = try settings(of: store).request(binaries, dataDirectory: paths.storeData(store.region.name))
    // In its data directory, which goes away with the lab: a killed server's segments in /dev/shm would stay.
    request.arguments += ["-c", "dynamic_shared_memory_type=mmap"]
    return request
  }

  /// Subscribes every store to every other and waits until all of them follow.
  ///
  /// One after the other: making a slot waits for the publisher's running transactions, and if one of them is itself
  /// waiting for its slot here, both wait for ever.
  private func mirror(_ connections: [String: PostgresConnection]) async throws {
    for target in numbered(.store) {
      guard let connection = connections[target.region.name] else { preconditionFailure("no store \(target)") }
      for origin in numbered(.store) where origin.region != target.region {
        try await EventStore(connection).subscribe(
          to: origin.region.name,
          at: address(addresses(origin.number)[0], user: EventStore.mirrorRole, password: record.password),
          region: target.region.name)
      }
    }
    for (name, connection) in connections {
      try await readiness.wait(for: "mirror into \(name)", servers: []) {
        do throws(PostgresError) {
          let store = EventStore(connection)
          try await store.reconnect()
          return try await store.mirrorsReady() ? .ready : .waiting("an apply worker does not run yet")
        } catch {
          return .waiting("\(error)")
        }
      }
    }
  }

  // MARK: Control planes

  private func startControlPlanes(_ namespaces: [String: NetworkNamespace]) async throws -> [LabServer] {
    try await inParallel(numbered(.control)) { plane in
      let name = plane.region.name
      let configuration = ControlPlaneConfiguration(
        lab: specification.id, region: name, etcdEndpoints: specification.etcdEndpoints(preferring: name),
        store: plane.region.has(.store)
          ? address(addresses(plane.number)[0], user: EventStore.controlRole, password: record.password) : nil,
        leaseSeconds: Int64(specification.leaseTTLSeconds),
        // Ends as soon as a first leader was seen, so it only has to be longer than anything that still counts as coming up.
        campaignDelayMilliseconds: name == specification.preferredWriter ? 0 : 30_000,
        socketPath: paths.controlPlaneSocket(name), plant: surroundings.controlPlanePlant)
      try configuration.save(paths.controlPlaneConfiguration(name))
      let server = try await starter.start(
        ServerName(region: name, kind: .controlPlane), in: try namespace(plane.region, namespaces),
        ProcessRequest(surroundings.program, ["control-plane", paths.controlPlaneConfiguration(name)]))
      let client = try ControlPlaneClient(path: paths.controlPlaneSocket(name), name: "lab-control")
      try await readiness.wait(for: "\(server.name)", servers: [server]) {
        switch await client.next() {
        case .silent(let why): return .waiting(why)
        case .state(let state):
          guard let writer = state.writerRegion else { return .waiting("it sees no writer yet") }
          guard writer == specification.preferredWriter else { return .waiting("it sees \(writer) as writer") }
          guard name == specification.preferredWriter else { return .ready }
          return state.storeMode == .readWrite && state.storeToken == state.ownToken
            ? .ready : .waiting("its store is not sealed yet")
        }
      }
      return server
    }
  }

  // MARK: Addresses

  private struct Numbered: Sendable {
    var region: RegionSpecification
    var number: Int
  }

  private func numbered(_ role: RegionRole) -> [Numbered] {
    specification.regions.enumerated().map { Numbered(region: $1, number: $0 + 1) }.filter { $0.region.has(role) }
  }

  private func number(of region: String) -> Int {
    guard let index = specification.regions.firstIndex(where: { $0.name == region }) else {
      preconditionFailure("no region \(region)")
    }
    return index + 1
  }

  private func namespace(_ region: RegionSpecification, _ all: [String: NetworkNamespace]) throws -> NetworkNamespace {
    guard let namespace = all[region.name] else { preconditionFailure("no namespace of \(region.name)") }
    return namespace
  }

  private func addresses(_ number: Int) -> [String] {
    ["\(AddressPlan.prefix4(number).address)", "\(AddressPlan.prefix6(number).address)"]
  }

  private func address(_ host: String, user: String, password: String) -> PostgresAddress {
    PostgresAddress(host: host, port: UInt16(clamping: specification.ports.store), user: user, password: password)
  }
}

/// Runs `body` for all items at once; the results come in the items' order.
func inParallel<Item: Sendable, T: Sendable>(
  _ items: [Item], _ body: @escaping @Sendable (Item) async throws -> T
) async throws -> [T] {
  try await withThrowingTaskGroup(of: (Int, T).self) { group in
    for (index, item) in items.enumerated() { group.addTask { (index, try await body(item)) } }
    var results: [(Int, T)] = []
    for try await result in group { results.append(result) }
    return results.sorted { $0.0 < $1.0 }.map(\.1)
  }
}
