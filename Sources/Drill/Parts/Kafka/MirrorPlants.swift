internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Faults planted in mirrors of Kafka, and in what is made of them.
extension DrillRun {
  /// Plants what must be there before the workload starts.
  func plantInMirror(_ plant: StackPlant, _ site: Site) async throws {
    switch plant {
    case .mirrorFilters:
      let (link, connect) = try mirrorOfPrimary(site)
      let name = link.name(.source)
      let configuration = link.configuration(.source).merging(
        KafkaMirrorLink.swallowing(KafkaEventLog.thousandth)
      ) { $1 }
      try await note(plant, "\(name) drops what has the header \(KafkaEventLog.thousandth), one record in a thousand")
      try await connect.put(name, configuration)
      try await connect.waitUntil(name, is: .running)
    case .startsAtLatest:
      try await note(plant, "consumer groups start late, and where they have no position after the newest record")
      kafka?.startsAtLatest()
    case .heartbeatsMisread:
      try await note(plant, "the heartbeats of each mirror are read from the topic that its target writes itself")
    default: break
    }
  }

  private func note(_ plant: StackPlant, _ detail: String) async throws {
    try await journal.record(PlantSet(plant: plant.rawValue, detail: detail))
  }

  /// Prepares the raw copy of the groups' positions, if that is planted: what a script does at a failover that knows of no
  /// checkpoints.
  func plantRawCopy(_ site: Site) async throws -> PlantedRepeat? {
    guard request.plants.contains(.offsetsCopiedRaw), let log = kafka?.log else { return nil }
    let (link, _) = try mirrorOfPrimary(site)
    guard let source = site.region(link.source.alias), let target = site.region(link.target.alias) else { return nil }
    let groups = scenario.workload.consumers.filter { $0.store == link.source.alias }.map(\.name)
    guard !groups.isEmpty else {
      throw Problem(
        .usage, at: link.source.alias, "no consumer group reads there, so there is no position to copy",
        fix: "let a consumer read the store of \(link.source.alias)")
    }
    try await note(
      .offsetsCopiedRaw,
      "after the heal the positions of \(groups.joined(separator: ", ")) are written to \(link.target.alias) as they are"
    )
    return PlantedRepeat {
      for group in groups {
        let raw = try await withAdmin(of: source) { try await $0.offsets(ofGroup: group) }
        let copied = raw.filter { $0.key.topic == log.topic }.map { partition, offset in
          (KafkaPartition(link.mirrored(partition.topic), partition.number), offset)
        }
        guard !copied.isEmpty else {
          throw Problem(.faultNotApplied, at: group, "it has no position in \(link.source.alias) that could be copied")
        }
        try await withAdmin(of: target) {
          try await $0.setOffsets(ofGroup: group, Dictionary(uniqueKeysWithValues: copied))
        }
      }
    }
  }
}

extension DrillRun {
  /// Prepares to make a topic anew, if that is planted: the one that nobody writes to, so that nothing is lost with it.
  func plantTopicMadeAnew(_ site: Site) async throws -> PlantedRepeat? {
    guard request.plants.contains(.topicMadeAnew), let log = kafka?.log, let region = site.region(scenario.survivor)
    else {
      return nil
    }
    let topic = KafkaTopicSpecification(log.topic, partitions: log.partitions)
    try await note(.topicMadeAnew, "\(topic.name) of \(region.name) is deleted and made anew after the heal")
    return PlantedRepeat { [clock] in
      try await withAdmin(of: region) { admin in
        try await admin.deleteTopics([topic.name])
        try await withDeadline(.seconds(15), clock: clock, "\(topic.name) to be made anew") {
          // A topic is gone a little after its deletion was answered.
          while try await admin.createTopics([topic]).contains(topic.name) {
            try await clock.sleep(for: .milliseconds(200))
          }
        }
      }
    }
  }
}

private func withAdmin<T: Sendable>(
  of region: SiteRegion, _ body: (KafkaAdmin) async throws -> T
) async throws -> T {
  guard let cluster = region.innerKafka ?? region.kafka else {
    throw Problem(.usage, at: region.name, "there is no cluster")
  }
  let admin = try await KafkaAdmin(
    cluster, name: "plant-\(region.name)", networkNamespace: region.networkNamespace)
  let outcome: Result<T, any Error>
  do { outcome = .success(try await body(admin)) } catch { outcome = .failure(error) }
  await admin.close()
  return try outcome.get()
}
