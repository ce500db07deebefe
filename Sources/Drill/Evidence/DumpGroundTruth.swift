internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization

/// Ground truth: what the servers themselves say at quiescence.
extension DrillRun {
  /// Dumps every store's log, fence, projections and progress, and the grants of write authority; and looks at the whole state
  /// twice, before and after, so that a system that does not settle is seen.
  func dumpGroundTruth(_ site: Site) async throws {
    try await lookAtState(site)
    let looked = timebase.monotonic()
    try await eachStore(of: site) { try await self.dump($0, of: $1) }
    if let kafka { try await dumpKafkaTruth(site, kafka) }
    let grants = board.grants.sorted { $0.key < $1.key }.map { token, grant in
      GrantRow(token: token, holder: grant.holder, observed: grant.at)
    }
    try await write(
      grants, store: nil,
      source: scenario.stack.attach == nil ? "the control planes' own states" : "who writes, as the scenario says",
      as: "grants")
    // Everything in this stack that refreshes itself does so within the freshness of its mirrors.
    let refreshed = looked + scenario.stack.mirrorFreshness.nanoseconds + 100_000_000
    try await clock.sleep(for: .nanoseconds(max(0, refreshed - timebase.monotonic())))
    try await lookAtState(site)
  }

  private func lookAtState(_ site: Site) async throws {
    let values = Mutex<[String: String]>([:])
    try await eachStore(of: site) { store, region in
      if let kafka, let handle = site.region(region) {
        let dump = try await wholeKafkaLog(of: handle, kafka)
        let fence = try await store.fence()
        values.withLock { values in
          values["log of \(region)"] = dump.digest
          values["fence of \(region)"] = "token \(fence.token) \(fence.mode.rawValue)"
        }
        return
      }
      var digest = StateDigest()
      try await store.dumpLog { page in
        for event in page { digest.add("\(event.position) \(event.id) \(event.token) \(event.checksum)") }
      }
      let fence = try await store.fence()
      let groups = try await store.dumpProgress()
      values.withLock { [digest] values in
        values["log of \(region)"] = digest.description
        values["fence of \(region)"] = "token \(fence.token) \(fence.mode.rawValue)"
        for group in groups { values["progress of \(group.group) in \(region)"] = "\(group.ordinal) events" }
      }
    }
    // Clusters without a store beside them, which stood already.
    for region in site.regions where region.store == nil && region.kafka != nil {
      guard let kafka else { continue }
      let dump = try await wholeKafkaLog(of: region, kafka)
      values.withLock { $0["log of \(region.name)"] = dump.digest }
    }
    let writer = board.writer
    values.withLock { $0["authority"] = writer.map { "\($0.region) with token \($0.token)" } ?? "nobody" }
    try await journal.record(StateSeen(values: values.withLock { $0 }))
  }

  private func eachStore(of site: Site, _ body: (EventStore, String) async throws -> Void) async throws {
    for region in site.regions {
      guard let address = region.store else { continue }
      let connection = try PostgresConnection(
        address.with(user: EventStore.administrator), name: "bs-dump-\(region.name)",
        networkNamespace: region.networkNamespace, timebase: timebase)
      do {
        try await connection.open(within: .seconds(3))
        try await body(EventStore(connection, limit: .seconds(10)), region.name)
      } catch {
        await connection.close()
        throw Problem(
          .inconclusive, at: region.name, "the store could not be dumped at quiescence: \(error)",
          fix: "see its log in \(request.directory.logs)")
      }
      await connection.close()
    }
  }

  private func dump(_ store: EventStore, of region: String) async throws {
    if let fence = kafka?.fence {
      try await dumpFences(fence, of: region)
    } else {
      try await dumpFences(store, of: region)
    }
    // With Kafka the store is only what write authority seals; the events are in the clusters.
    if kafka != nil { return }
    var rows: [LogRow] = []
    try await store.dumpLog { page in
      rows += page.map {
        LogRow(
          store: region, position: $0.position, event: $0.id, origin: $0.origin, originSequence: $0.originSequence,
          key: $0.aggregate, keySequence: $0.aggregateSequence, token: $0.token, checksum: $0.checksum,
          arrived: timestamp($0.arrivedAt))
      }
    }
    rows.sort { $0.position < $1.position }
    try await write(rows, store: region, source: "es.events, one snapshot", as: "log")

    var applied: [AppliedRow] = []
    try await store.dumpApplied { page in
      applied += page.map { AppliedRow(group: $0.group, store: region, event: $0.id, times: $0.times) }
    }
    try await write(applied, store: region, source: "es.applied, one snapshot", as: "applied")

    // A group's progress counts rows in the store's reading order, which may differ from the order of arrival where
    // transactions overlapped; a group that has read all rows is at the last position.
    let end = rows.last?.position ?? -1
    let progress = try await store.dumpProgress().map { group in
      ProgressRow(
        group: group.group, store: region,
        position: Int(group.ordinal) == rows.count ? end : min(group.cursor.position, end - 1))
    }
    try await write(progress, store: region, source: "es.progress", as: "progress")
  }

  private func dumpFences(_ store: EventStore, of region: String) async throws {
    let fences = try await store.dumpFenceLog().map { change in
      var entry = FenceEntry(
        store: region, token: change.token, mode: Events.FenceMode(rawValue: change.mode.rawValue) ?? .readOnly,
        holder: change.holder, barrierPosition: change.barrierPosition,
        barrierOriginSequence: change.barrierOriginSequence, at: timestamp(change.at))
      entry.observed = board.firstSeen(.init(store: region, token: change.token, mode: change.mode.rawValue))
      return entry
    }
    try await write(fences, store: region, source: "es.fence_log", as: "fence")
  }

  func write<Row: GroundTruthRow>(_ rows: [Row], store: String?, source: String, as kind: String) async throws {
    let file = store.map { "\(kind)-\($0).jsonl" } ?? "\(kind).jsonl"
    try Dump(store: store, source: source, takenAt: timestamp(timebase.wall()), rows: rows)
      .write(to: "\(request.directory.groundTruth)/\(file)")
    try await journal.record(TruthDumped(file: file, rows: rows.count))
  }
}

/// How many pieces a state has, and a digest of them in their order (FNV-1a, 64 bits).
private struct StateDigest: CustomStringConvertible {
  private var count = 0
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ text: String) {
    count += 1
    for byte in text.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  var description: String { "\(count) events, digest \(String(hash, radix: 16))" }
}
