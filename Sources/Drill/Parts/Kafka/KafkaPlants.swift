internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Faults planted in a stack with Kafka: each with the means of an operator who makes that mistake.
extension DrillRun {
  /// What can be planted in a stack with Kafka.
  static let plantsOfKafka: Set<StackPlant> = [
    .projectionNotIdempotent, .mirrorRepeatsBatch, .mirrorStalls, .mirrorFilters, .startsAtLatest, .offsetsCopiedRaw,
    .heartbeatsMisread, .topicMadeAnew, .fenceOff, .adminGuardPasses, .registryGuardComparesStrings, .registryOpen,
  ]

  /// Those of them that no other stack has.
  static let plantsOfKafkaAlone: Set<StackPlant> = [
    .mirrorFilters, .startsAtLatest, .offsetsCopiedRaw, .heartbeatsMisread, .topicMadeAnew,
  ]

  /// How many records of each partition a rewound mirror copies again, at most.
  private static let rewind: Int64 = 500

  /// The mirror from the primary to the survivor, and its worker.
  func mirrorOfPrimary(_ site: Site) throws -> (link: KafkaMirrorLink, connect: ConnectClient) {
    guard
      let link = site.mirrorLinks.first(where: {
        $0.source.alias == scenario.primary && $0.target.alias == scenario.survivor
      }), let target = site.region(scenario.survivor), let endpoint = target.connectEndpoint
    else {
      throw Problem(.usage, at: scenario.survivor, "there is no mirror to plant a fault in; nothing was injected")
    }
    return (
      link, ConnectClient(address: endpoint, networkNamespace: target.networkNamespace, clock: clock)
    )
  }

  /// Takes the topic out of the mirror's list: the connector runs, heartbeats come through, and no event does.
  func plantKafkaMirrorStall(_ site: Site) async throws {
    let (link, connect) = try mirrorOfPrimary(site)
    let name = link.name(.source)
    try await journal.record(
      PlantSet(
        plant: StackPlant.mirrorStalls.rawValue, detail: "\(name) mirrors heartbeats and nothing else from here on"))
    var configuration = link.configuration(.source)
    configuration["topics"] = "heartbeats"
    try await connect.put(name, configuration)
    try await connect.waitUntil(name, is: .running)
  }

  /// Sets the mirror back by some records, once it has caught up: it writes them again, under new offsets.
  func plantKafkaMirrorRepeat(_ site: Site) async throws -> PlantedRepeat {
    let (link, connect) = try mirrorOfPrimary(site)
    let name = link.name(.source)
    try await journal.record(
      PlantSet(
        plant: StackPlant.mirrorRepeatsBatch.rawValue,
        detail: "\(name) is set back by up to \(Self.rewind) records of each partition after the heal"))
    return PlantedRepeat { [rewind = Self.rewind] in
      try await connect.stop(name)
      try await connect.waitUntil(name, is: .stopped)
      let back = try await connect.offsets(of: name).compactMap { offset -> ConnectOffset? in
        guard let (partition, last) = offset.mirrored, partition.topic != "heartbeats", last > 0 else { return nil }
        return .mirrored(partition, of: link.source.alias, lastOffset: max(0, last - rewind))
      }
      guard !back.isEmpty else {
        throw Problem(.faultNotApplied, at: name, "it has mirrored nothing that could be repeated")
      }
      try await connect.setOffsets(of: name, back)
      try await connect.resume(name)
      try await connect.waitUntil(name, is: .running)
    }
  }
}
