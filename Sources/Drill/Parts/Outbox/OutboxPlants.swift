internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Workload

/// Faults planted in the line that carries the outbox, with the means of an operator who makes that mistake.
extension DrillRun {
  /// What only a store with an outbox can have.
  static let plantsOfOutbox: Set<StackPlant> = [.outboxSlotLost, .outboxResnapshots]

  /// Prepares what goes wrong with the connector after the heal.
  func plantInOutbox(_ site: Site) async throws -> PlantedRepeat? {
    guard let line = outbox, let plant = request.plants.first(where: Self.plantsOfOutbox.contains) else { return nil }
    let losesSlot = plant == .outboxSlotLost
    try await journal.record(
      PlantSet(
        plant: plant.rawValue,
        detail: losesSlot
          ? "after the heal the slot of the outbox is dropped; the connector begins at the newest position"
          : "after the heal the connector forgets its position and takes a snapshot"))
    return PlantedRepeat {
      let connect = try line.connect(in: site, self.clock)
      let capture = try line.capture(of: line.source, in: site, snapshot: losesSlot ? .noData : .initial)
      try await connect.stop(capture.name)
      try await connect.waitUntil(capture.name, is: .stopped)
      try await connect.resetOffsets(of: capture.name, .everythingIsMirroredAgain)
      if losesSlot {
        try await self.withStore(capture.region, in: site) { store in
          try await self.until { try await store.outboxSlotIsActive() != true }
          try await store.dropOutboxSlot()
        }
        // Whatever is written now, nobody keeps for the connector.
        let before = self.counters.byRegion.values.sum.acknowledged
        try await self.wait(
          for: "writes while there is no slot", within: .seconds(10), state: { "none" },
          { self.counters.byRegion.values.sum.acknowledged >= before + 10 })
      }
      try await connect.put(capture.name, capture.configuration)
      try await connect.resume(capture.name)
      try await self.start(capture, line, site)
    }
  }
}
