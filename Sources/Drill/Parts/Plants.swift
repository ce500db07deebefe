internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Faults planted in the stack itself, so that the checklist can be seen to find them. Each is journalled before it is made.
extension DrillRun {
  /// Plants what must be there before the workload starts.
  func plantBefore(_ site: Site) async throws {
    for plant in request.plants {
      switch plant {
      case .fenceOff where kafka != nil:
        try await journal.record(
          PlantSet(
            plant: plant.rawValue,
            detail: "\(scenario.survivor): everybody may write to its cluster, and no producer's epoch is ended"))
        kafka?.fence?.switchOff(in: scenario.survivor)
      case .fenceOff:
        try await self.plant(plant, on: scenario.survivor, in: site, "its guard no longer looks at the token") {
          try await $0.plantFenceOff()
        }
      case .wallClockFence:
        try await self.plant(plant, on: scenario.survivor, in: site, "its guard asks the clock and not the token") {
          try await $0.plantWallClockFence()
        }
      case .ackDropped:
        try await self.plant(plant, on: scenario.survivor, in: site, "it acknowledges and drops one append in 50") {
          try await $0.plantAckDropped(oneIn: 50)
        }
      case .projectionNotIdempotent where kafka != nil:
        try await journal.record(
          PlantSet(plant: plant.rawValue, detail: "the projections of the consumer groups apply every delivery"))
        kafka?.appliesEveryDelivery()
      case .projectionNotIdempotent:
        for store in Set(scenario.workload.consumers.map(\.store)).sorted() {
          try await self.plant(plant, on: store, in: site, "its projections apply every delivery") {
            try await $0.plantProjectionNotIdempotent()
          }
        }
      case .neverDemote:
        try await journal.record(
          PlantSet(plant: plant.rawValue, detail: "no control plane of this lab gives up leadership by itself"))
      case .adminGuardPasses, .registryGuardComparesStrings, .registryOpen: try await noteGuardPlant(plant)
      case .mirrorFilters, .startsAtLatest, .heartbeatsMisread: try await plantInMirror(plant, site)
      case .mirrorRepeatsBatch, .mirrorStalls, .offsetsCopiedRaw, .topicMadeAnew, .outboxSlotLost, .outboxResnapshots:
        continue  // once the steady state has been seen
      }
    }
  }

  /// Stalls the mirror of the primary's events, if that is planted.
  func plantMirrorStall(_ site: Site) async throws {
    guard request.plants.contains(.mirrorStalls) else { return }
    if kafka != nil { return try await plantKafkaMirrorStall(site) }
    let origin = scenario.primary
    try await plant(.mirrorStalls, on: origin, in: site, "its publication offers no insert from here on") {
      try await $0.plantMirrorStall(of: origin)
    }
  }

  /// Prepares the mirror that will repeat a batch: notes where it stands now.
  func plantMirrorRepeat(_ site: Site) async throws -> PlantedRepeat? {
    guard request.plants.contains(.mirrorRepeatsBatch) else { return nil }
    if kafka != nil { return try await plantKafkaMirrorRepeat(site) }
    let publisher = try await administrator(of: scenario.primary, in: site)
    let subscriber = try await administrator(of: scenario.survivor, in: site)
    try await journal.record(
      PlantSet(
        plant: StackPlant.mirrorRepeatsBatch.rawValue,
        detail:
          "\(scenario.survivor) will take what \(scenario.primary) sends from here on a second time after the heal"))
    let replay = try await MirrorRepeat.prepare(
      publisher: EventStore(publisher, limit: .seconds(10)), subscriber: EventStore(subscriber, limit: .seconds(10)),
      origin: scenario.primary)
    return PlantedRepeat {
      for connection in [publisher, subscriber] where await !connection.isOpen {
        try await connection.open(within: .seconds(2))
      }
      try await replay.fire()
      for connection in [publisher, subscriber] { await connection.close() }
    }
  }

  /// Lets the prepared mirror repeat its batch.
  func fire(_ planted: PlantedRepeat) async throws {
    // What was missing at the cut must have arrived first, or there would be nothing to repeat but the backlog itself.
    try await wait(
      for: "mirrors caught up before the plant fires", within: .seconds(20), state: { "still behind" },
      { lag.current(now: timebase.monotonic()).values.allSatisfy { $0.age < 1_000_000_000 } })
    try await planted.fire()
  }

  private func plant(
    _ plant: StackPlant, on store: String, in site: Site, _ detail: String,
    _ body: (EventStore) async throws -> Void
  ) async throws {
    try await journal.record(PlantSet(plant: plant.rawValue, detail: "\(store): \(detail)"))
    let connection = try await administrator(of: store, in: site)
    do {
      try await body(EventStore(connection, limit: .seconds(5)))
    } catch {
      await connection.close()
      throw error
    }
    await connection.close()
  }

  /// A connection to a region's store that may do everything.
  func administrator(of store: String, in site: Site) async throws -> PostgresConnection {
    guard let region = site.region(store), let address = region.store else {
      throw Problem(.usage, at: store, "there is no store to plant a fault in; nothing was injected")
    }
    let connection = try PostgresConnection(
      address.with(user: EventStore.administrator), name: "bs-plant-\(store)",
      networkNamespace: region.networkNamespace, timebase: timebase)
    try await connection.open(within: .seconds(3))
    return connection
  }
}

/// A planted fault that is ready and waits for the heal, such as a mirror that will repeat a batch.
struct PlantedRepeat: Sendable {
  var fire: @Sendable () async throws -> Void

  init(_ fire: @escaping @Sendable () async throws -> Void) { self.fire = fire }
}
