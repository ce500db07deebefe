internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support

/// Ground truth: what the servers themselves say at quiescence.
extension DrillRun {
  /// Dumps every store's log, fence, projections and progress, and the grants of write authority.
  func dumpGroundTruth(_ lab: Lab) async throws {
    for region in lab.regions {
      guard let address = region.store else { continue }
      let connection = try PostgresConnection(
        address.with(user: EventStore.administrator), name: "bs-dump-\(region.name)",
        networkNamespace: region.namespace.fileDescriptor, timebase: timebase)
      do {
        try await connection.open(within: .seconds(3))
        try await dump(EventStore(connection, limit: .seconds(10)), of: region.name)
      } catch {
        await connection.close()
        throw Problem(
          .inconclusive, at: region.name, "the store could not be dumped at quiescence: \(error)",
          fix: "see its log in \(request.directory.logs)")
      }
      await connection.close()
    }
    let grants = board.grants.sorted { $0.key < $1.key }.map { token, grant in
      GrantRow(token: token, holder: grant.holder, observed: grant.at)
    }
    try await write(grants, store: nil, source: "the control planes' own states", as: "grants")
  }

  private func dump(_ store: EventStore, of region: String) async throws {
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

    let fences = try await store.dumpFenceLog().map { change in
      var entry = FenceEntry(
        store: region, token: change.token, mode: Events.FenceMode(rawValue: change.mode.rawValue) ?? .readOnly,
        holder: change.holder, barrierPosition: change.barrierPosition,
        barrierOriginSequence: change.barrierOriginSequence, at: timestamp(change.at))
      entry.observed = board.firstSeen(.init(store: region, token: change.token, mode: change.mode.rawValue))
      return entry
    }
    try await write(fences, store: region, source: "es.fence_log", as: "fence")

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

  private func write<Row: GroundTruthRow>(_ rows: [Row], store: String?, source: String, as kind: String) async throws {
    let file = store.map { "\(kind)-\($0).jsonl" } ?? "\(kind).jsonl"
    try Dump(store: store, source: source, takenAt: timestamp(timebase.wall()), rows: rows)
      .write(to: "\(request.directory.groundTruth)/\(file)")
    try await journal.record(TruthDumped(file: file, rows: rows.count))
  }
}
