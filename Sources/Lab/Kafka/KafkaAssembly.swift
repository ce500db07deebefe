internal import Netlink
internal import Stacks
internal import Support

/// The making of a lab's Kafka: a broker and a Connect worker a region, and the mirrors between them.
struct KafkaAssembly: Sendable {
  let specification: LabSpecification
  let settings: KafkaLabSettings
  let paths: LabPaths
  let starter: ServerStarter
  let readiness: Readiness
  let java: JavaRuntime
  let distribution: KafkaDistribution
  let guards: GuardAssembly
  /// Plugins of the workers; `nil` where Kafka's own connectors are all.
  let plugins: ConnectPlugins?
  /// The lab's password, for connectors that read the stores.
  let password: String

  /// Everything that must be right before anything is made.
  ///
  /// - Returns: `nil` for a lab without Kafka.
  static func check(
    _ specification: LabSpecification, environment: (String) -> String? = environmentVariable
  ) async throws -> (JavaRuntime, KafkaDistribution)? {
    guard specification.kafka != nil, !specification.regions(with: .broker).isEmpty else { return nil }
    let distribution = try KafkaDistribution.locate(environment: environment)
    return (try await JavaRuntime.locate(environment: environment), distribution)
  }

  /// One region's servers, and how to reach them.
  private struct Region: Sendable {
    var specification: RegionSpecification
    var number: Int
    var namespace: NetworkNamespace

    var address: String { "\(AddressPlan.prefix4(number).address)" }
  }

  /// Starts all servers and mirrors; returns when the heartbeats of every source have come through every mirror.
  func make(_ namespaces: [String: NetworkNamespace]) async throws -> [LabServer] {
    let regions = specification.regions.enumerated().compactMap { index, region -> Region? in
      guard region.has(.broker), let namespace = namespaces[region.name] else { return nil }
      return Region(
        specification: region, number: index + 1, namespace: namespace)
    }
    guard let first = regions.first else { return [] }
    let template = try await KafkaTemplate.prepare(
      in: LabPaths.cache(in: paths.stateDirectory), java, distribution,
      at: KafkaTemplate.Place(
        address: first.address, networkNamespace: first.namespace.fileDescriptor,
        ports: (port(\.kafka), port(\.kafkaController), port(\.connect))))
    // A worker waits for its broker by itself, so both start at once.
    let servers = try await inParallel(regions) { region in
      async let broker = startBroker(region, template)
      async let worker = startWorker(region, template)
      async let proxy = startGuard(region)
      return try await [broker, worker, proxy].compactMap(\.self)
    }.flatMap(\.self)
    _ = try await inParallel(regions) { region in
      try await makeTopics(region, servers)
      try await abortBeforehand(region)
    }
    _ = try await inParallel(specification.mirrorLinks()) { link in
      guard let target = regions.first(where: { $0.specification.name == link.target.alias }) else { return }
      try await startMirror(link, target, servers)
    }
    return servers
  }

  private func port(_ path: KeyPath<LabSpecification.Ports, Int>) -> UInt16 {
    UInt16(clamping: specification.ports[keyPath: path])
  }

  private func startBroker(_ region: Region, _ template: KafkaTemplate) async throws -> LabServer {
    let name = region.specification.name
    let directory = paths.broker(name)
    try makeDirectory(directory)
    let request = try template.broker(
      settings.hasAdminGuard
        ? KafkaBrokerSettings(
          address: region.address, port: port(\.kafkaGuarded), advertisedPort: port(\.kafka),
          controllerPort: port(\.kafkaController), innerPort: port(\.kafkaInner),
          namedPort: port(\.kafkaNamedGuarded), advertisedNamedPort: port(\.kafkaNamed),
          dataDirectory: paths.brokerData(name))
        : KafkaBrokerSettings(
          address: region.address, port: port(\.kafka), controllerPort: port(\.kafkaController),
          namedPort: port(\.kafkaNamed), dataDirectory: paths.brokerData(name)), in: directory)
    return try await starter.start(ServerName(region: name, kind: .broker), in: region.namespace, request)
  }

  private func startGuard(_ region: Region) async throws -> LabServer? {
    guard settings.hasAdminGuard else { return nil }
    return try await guards.startAdminGuard(region.specification, number: region.number, in: region.namespace)
  }

  private func startWorker(_ region: Region, _ template: KafkaTemplate) async throws -> LabServer? {
    let name = region.specification.name
    guard region.specification.has(.mirror),
      var worker = specification.worker(
        of: name, address: region.address, bootstrap: [specification.innerKafka(region.number)])
    else { return nil }
    let directory = paths.worker(name)
    try makeDirectory(directory)
    if let plugins {
      worker.pluginPath = plugins.path
      try OutboxAssembly.writeSecret(password, at: paths.outboxSecrets(name))
    }
    let request = try template.worker(worker, in: directory)
    return try await starter.start(ServerName(region: name, kind: .worker), in: region.namespace, request)
  }

  private func makeTopics(_ region: Region, _ servers: [LabServer]) async throws {
    let broker = servers.filter { $0.name == ServerName(region: region.specification.name, kind: .broker) }
    let admin = try await KafkaAdmin(
      KafkaProperties(bootstrap: [specification.innerKafka(region.number)]), name: "lab-broker",
      networkNamespace: region.namespace.fileDescriptor, limit: .seconds(2))
    // Heartbeats as well, as MirrorMaker would make them: a mirror that finds them at its start need not look again.
    // And before a guard what mirrors would make in their sources, where nobody administers without a token.
    let links = settings.hasAdminGuard ? specification.mirrorLinks() : []
    let compacted =
      [KafkaLabSettings.heartbeats]
      + links.filter { $0.source.alias == region.specification.name }.map(\.offsetSyncsTopic)
    let topics =
      settings.topics + (settings.abortedBeforehand > 0 ? mirroredTopics(of: region) : [])
      + compacted.map {
        KafkaTopicSpecification($0, partitions: 1, configuration: ["cleanup.policy": "compact"])
      }
    try await readiness.wait(for: "\(region.specification.name) broker", servers: broker) {
      do throws(KafkaFailure) {
        try await admin.createTopics(topics)
        return .ready
      } catch {
        return .waiting("\(error)")
      }
    }
    await admin.close()
    guard settings.hasAdminGuard else { return }
    let proxy = servers.filter { $0.name == ServerName(region: region.specification.name, kind: .adminGuard) }
    let client = try await KafkaAdmin(
      KafkaProperties(bootstrap: [specification.outerKafka(region.number)]), name: "lab-guard",
      networkNamespace: region.namespace.fileDescriptor, limit: .seconds(2))
    try await readiness.wait(for: "\(region.specification.name) admin-guard", servers: proxy) {
      do throws(KafkaFailure) {
        _ = try await client.metadata()
        return .ready
      } catch {
        return .waiting("\(error)")
      }
    }
    await client.close()
  }

  /// Gives the mirrored topics of a region a past that their sources do not have.
  private func abortBeforehand(_ region: Region) async throws {
    guard settings.abortedBeforehand > 0 else { return }
    let mirrored = mirroredTopics(of: region)
    let producer = try await KafkaProducer(
      KafkaProperties(bootstrap: [specification.innerKafka(region.number)]), name: "lab-past",
      transactionalID: "blackstart-lab-past", networkNamespace: region.namespace.fileDescriptor)
    do {
      try await producer.initTransactions()
      try await producer.beginTransaction()
      for topic in mirrored {
        for number in 0..<topic.partitions {
          for _ in 0..<settings.abortedBeforehand {
            let record = KafkaRecord(topic: topic.name, partition: Int32(number), value: [])
            producer.send(record) { _ in }
          }
        }
      }
      // What was not sent would leave no trace.
      try await producer.flush()
      try await producer.abortTransaction()
    } catch {
      await producer.close()
      throw error
    }
    await producer.close()
  }

  /// The topics that mirrors bring to a region, as the mirrors would make them.
  private func mirroredTopics(of region: Region) -> [KafkaTopicSpecification] {
    specification.mirrorLinks().filter { $0.target.alias == region.specification.name }.flatMap { link in
      settings.topics.map { topic in
        var mirrored = topic
        mirrored.name = link.mirrored(topic.name)
        return mirrored
      }
    }
  }

  private func startMirror(_ link: KafkaMirrorLink, _ target: Region, _ servers: [LabServer]) async throws {
    let name = target.specification.name
    let worker = servers.filter { $0.name == ServerName(region: name, kind: .worker) }
    let client = ConnectClient(
      address: "http://\(target.address):\(port(\.connect))", networkNamespace: target.namespace.fileDescriptor,
      clock: readiness.clock)
    try await readiness.wait(for: "\(name) worker", servers: worker) {
      do {
        _ = try await client.connectors()
        return .ready
      } catch let problem as Problem {
        return .waiting(problem.what)
      }
    }
    for part in [KafkaMirrorLink.Part.heartbeat, .source, .checkpoint] {
      // A worker that has just joined its group, or hands tasks out, refuses with 409.
      try await readiness.wait(for: link.name(part), servers: worker) {
        do {
          try await client.put(link.name(part), link.configuration(part))
          return .ready
        } catch let problem as Problem {
          return .waiting(problem.what)
        }
      }
    }
    // Connect's own RUNNING proves nothing; a heartbeat of the source that arrives does.
    let consumer = try await KafkaConsumer(
      KafkaProperties(bootstrap: link.target.bootstrap), name: "lab-mirror", group: "blackstart-lab",
      networkNamespace: target.namespace.fileDescriptor)
    let heartbeats = KafkaPartition(link.mirrored(KafkaLabSettings.heartbeats), 0)
    try await readiness.wait(for: "mirror \(link.source.alias) to \(link.target.alias)", servers: worker) {
      do throws(KafkaFailure) {
        try await consumer.assign([heartbeats: .beginning])
        for reading in try await consumer.read(within: .milliseconds(200)) {
          if case .message = reading { return .ready }
        }
        return .waiting("no heartbeat of \(link.source.alias) has come through")
      } catch {
        return .waiting("\(error)")
      }
    }
    await consumer.close()
  }
}
