internal import Glibc
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Clusters that stand already, as the place of a drill: looked at, provided with a topic where one is to be made, and left as they
/// were found.
extension DrillRun {
  /// Looks at the clusters, makes what is missing and may be made, and says where in them the drill begins.
  ///
  /// - Throws: ``Problems`` (steadyState) with everything that is wrong with them; nothing was made then.
  func attachClusters(_ undo: UndoStack, to site: Site) async throws -> Site {
    let findings = try await examineClusters(of: scenario)
    for finding in findings { try await journal.record(ClusterExamined(finding)) }
    let wrong = findings.filter { $0.standing == .wrong }
    guard wrong.isEmpty else {
      throw Problems(
        wrong.map { Problem(.steadyState, at: $0.subject, "\($0.detail); nothing was injected", fix: $0.fix) })
    }
    guard let kafka else { return site }
    let clusters = scenario.attachedClusters
    let promises = try AttachedUndo(
      stateDirectory: request.stateDirectory, run: request.runID,
      process: ProcessIdentity(of: getpid()) ?? ProcessIdentity(pid: getpid(), startTicks: 0), timebase: timebase)
    undo.push(
      UndoStep("what was made in clusters that stand already") { [path = promises.path] in
        let removed = try await AttachedPromises(path: path).remove()
        try await promises.fulfilled()
        await self.recordIfPossible(ClustersLeft(removed: removed))
      })
    for cluster in clusters {
      try await promises.note(.cluster(cluster.name, cluster.properties))
      // A runbook may have them go on in another cluster.
      for consumer in scenario.workload.consumers {
        try await promises.note(.group(kafka.groupID(of: consumer.name), cluster: cluster.name))
      }
    }
    for cluster in clusters { try await provide(cluster, kafka, promises) }
    for region in scenario.topology.regions {
      let isWriter = region.name == scenario.primary
      let view = AuthoritySeen(
        region: region.name, role: isWriter ? "the writer, as the scenario says" : "not asked",
        writer: scenario.primary, ownToken: isWriter ? Self.attachedToken : nil,
        token: Self.attachedToken, storeMode: nil, storeHighest: nil, etcdLeader: nil, etcdReachable: false)
      if board.take(view), isWriter { try await journal.record(view) }
    }
    return try await site.attaching(clusters, of: scenario, clock: clock)
  }

  /// Who writes to standing clusters is nobody's to grant here: one token stands for the whole drill.
  private static let attachedToken: Int64 = 1

  /// Makes the topic where it is missing, and notes where everything ends now: what stands there is none of the drill's.
  private func provide(_ cluster: AttachedCluster, _ kafka: KafkaState, _ promises: AttachedUndo) async throws {
    let admin = try await KafkaAdmin(cluster.properties, name: "attach-\(cluster.name)")
    let outcome: Result<Void, any Error>
    do {
      let known = try await admin.metadata().topics
      var ends: [KafkaPartition: Int64] = [:]
      if known[kafka.log.topic] == nil {
        // What mirrors have noted of an earlier topic of that name says nothing of this one.
        for link in scenario.attachedLinks where link.source.alias == cluster.name {
          for number in 0..<(known[link.offsetSyncsTopic]?.count ?? 0) {
            let place = KafkaPartition(link.offsetSyncsTopic, Int32(number))
            ends[place] = try await admin.watermarks(place).high
          }
        }
        // A mirrored topic that is there already is somebody else's, or left of another time.
        for link in scenario.attachedLinks where link.source.alias == cluster.name {
          try await noteMirrored(of: link, kafka, promises)
        }
        try await make(kafka.log.topic, in: cluster, admin, promises)
      }
      for place in kafka.log.places(in: cluster.name) where Int(place.number) < known[place.topic]?.count ?? 0 {
        ends[place] = try await admin.watermarks(place).high
      }
      kafka.begins(at: ends, in: cluster.name)
      outcome = .success(())
    } catch { outcome = .failure(error) }
    await admin.close()
    do { try outcome.get() } catch let failure as KafkaFailure {
      throw failure.problem(.steadyState, at: cluster.name, principal: cluster.properties.principal)
    }
  }

  private func make(
    _ topic: String, in cluster: AttachedCluster, _ admin: KafkaAdmin, _ promises: AttachedUndo
  ) async throws {
    let wanted = scenario.stack.topic ?? EventTopic()
    try await promises.note(.making(topic, cluster: cluster.name))
    let existed = try await admin.createTopics([
      KafkaTopicSpecification(topic, partitions: wanted.partitions, replicationFactor: wanted.copies ?? 1)
    ])
    guard existed.isEmpty else {
      throw Problem(
        .steadyState, at: cluster.name,
        "somebody else has made topic \(topic) at the same moment; nothing was injected",
        fix: "name another one")
    }
    // At once, so that whoever stops the run while its id is asked for finds it made; and again with the id.
    try await promises.note(.made(topic, cluster: cluster.name, id: nil))
    if let id = try await id(of: topic, in: cluster) {
      try await promises.note(.made(topic, cluster: cluster.name, id: id))
    }
    try await journal.record(
      FactNoted(fact: "topic made", what: "\(topic) in \(cluster.name), removed in the end", figures: [:]))
  }

  /// Kafka's id of a topic that was just made; `nil` where it cannot be had. It only makes sure that what is removed in the end is
  /// the same topic, so that a broker that does not tell it is no hindrance.
  private func id(of topic: String, in cluster: AttachedCluster) async throws -> String? {
    let deadline = timebase.monotonic() + 5_000_000_000
    while timebase.monotonic() < deadline {
      // Brokers learn of a topic after they have acknowledged it.
      do {
        guard let ids = try await KafkaExaminer(cluster.properties).topicIDs([topic]) else { return nil }
        if let id = ids[topic] { return id }
      } catch { return nil }
      try await clock.sleep(for: .milliseconds(100))
    }
    return nil
  }

  /// Promises the topic that a mirror will make in its target of one that is made in its source.
  private func noteMirrored(of link: KafkaMirrorLink, _ kafka: KafkaState, _ promises: AttachedUndo) async throws {
    guard let target = scenario.attachedClusters.first(where: { $0.name == link.target.alias }) else { return }
    let name = kafka.log.topic(of: link.source.alias, in: link.target.alias)
    let admin = try await KafkaAdmin(target.properties, name: "attach-\(target.name)")
    let metadata: Result<KafkaMetadata, KafkaFailure>
    do throws(KafkaFailure) { metadata = .success(try await admin.metadata()) } catch { metadata = .failure(error) }
    await admin.close()
    if try metadata.get().topics[name] == nil {
      try await promises.note(.mirroring(name, cluster: target.name))
    }
  }
}

extension Site {
  /// This site with the clusters in its regions, and the mirrors between them under the names that their connectors have.
  fileprivate func attaching(
    _ clusters: [AttachedCluster], of scenario: Scenario, clock: any Clock<Duration>
  ) async throws -> Site {
    var regions = regions
    for index in regions.indices {
      guard let cluster = clusters.first(where: { $0.name == regions[index].name }) else { continue }
      regions[index].kafka = cluster.properties
      regions[index].connect = cluster.connect(clock: clock)
    }
    var links = scenario.attachedLinks
    for index in links.indices {
      guard let mirror = scenario.stack.attach?.mirror(from: links[index].source.alias, to: links[index].target.alias),
        mirror.runner == .connect,
        let client = regions.first(where: { $0.name == mirror.worker })?.connect
      else { continue }
      links[index].worker = mirror.worker
      links[index].names = try await names(of: links[index], at: client)
    }
    return Site(regions: regions, nodes: nodes, mirrorLinks: links, lab: lab)
  }

  private func names(
    of link: KafkaMirrorLink, at client: ConnectClient
  ) async throws -> [KafkaMirrorLink.Part: String] {
    var names: [KafkaMirrorLink.Part: String] = [:]
    for connector in try await client.connectors() {
      guard let entries = try await client.configuration(of: connector),
        entries["source.cluster.alias"] == link.source.alias, entries["target.cluster.alias"] == link.target.alias,
        let part = KafkaMirrorLink.Part(className: entries["connector.class"])
      else { continue }
      names[part] = connector
    }
    return names
  }
}

/// `cluster.examined`: how something of a standing cluster was found.
struct ClusterExamined: JournalEvent {
  /// The record type.
  static let type = "cluster.examined"
  /// What was found.
  var finding: ClusterFinding

  init(_ finding: ClusterFinding) { self.finding = finding }
}

/// `clusters.left`: what was made in standing clusters is gone.
struct ClustersLeft: JournalEvent {
  /// The record type.
  static let type = "clusters.left"
  /// What was removed.
  var removed: [String]
}
