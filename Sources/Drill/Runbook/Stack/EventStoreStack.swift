internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support

/// PostgreSQL event stores, mirrored by logical replication: what is asked of them is asked of their own tables.
struct EventStoreStack: EventStack {
  let run: DrillRun
  let site: Site

  private func withStore<T: Sendable>(
    _ region: String, _ body: @Sendable (EventStore) async throws -> T
  ) async throws -> T {
    try await run.withStore(region, in: site, body)
  }

  func pauseMirror(_ link: MirrorLink) async throws -> String {
    try await withStore(link.to) { store in
      try await store.freezeMirror(of: link.from)
      // Its worker ends only with what it is applying; until then events still arrive.
      try await run.until {
        let mirror = try await store.mirrorStatus().incoming.first {
          $0.subscription == EventStore.mirrorName(of: link.from)
        }
        guard let mirror else { throw StepFailure("there is no mirror from \(link.from) to \(link.to)") }
        return !mirror.enabled && !mirror.running
      }
    }
    return "the mirror \(link.from)→\(link.to) is disabled, its worker has ended"
  }

  func resumeMirror(_ link: MirrorLink) async throws -> String {
    try await withStore(link.to) { store in
      try await store.resumeMirror(of: link.from)
      try await run.until {
        try await store.mirrorStatus().incoming.contains {
          $0.subscription == EventStore.mirrorName(of: link.from) && $0.enabled
        }
      }
    }
    return "the mirror \(link.from)→\(link.to) is enabled"
  }

  func isOpen(_ region: String, to token: Int64) async throws -> Bool {
    // The control plane tells what its store's fence says.
    let view = run.board.views[region]
    return view?.storeMode == "rw" && view?.storeHighest == token
  }

  func isClosed(_ region: String) async throws -> Bool {
    run.board.views[region]?.storeMode != "rw"
  }

  func stands(of groups: [String], in region: String) async throws -> [GroupStand] {
    try await withStore(region) { store in
      var stands: [GroupStand] = []
      for group in groups {
        guard let position = try await store.position(of: group) else {
          throw StepFailure("\(group) has never read in \(region)")
        }
        stands.append(GroupStand(region: region, position: position))
      }
      return stands
    }
  }

  func place(_ stand: GroupStand, in region: String) async throws -> ImportedPosition {
    try await withStore(region) { store in
      let missing = try await store.missing(of: stand.position)
      guard missing == 0 else { throw StepFailure.mirrorLags(missing, stand.position.group, region) }
      return try await store.importPosition(stand.position)
    }
  }

  func ends(of regions: [String]) async throws -> [String: LogEnd] {
    var ends: [String: LogEnd] = [:]
    for region in regions { ends[region] = LogEnd(try await withStore(region) { try await $0.endOfOrigin(region) }) }
    return ends
  }

  func digests(of regions: [String], upTo ends: [String: LogEnd]) async throws -> [String: [LogDigest]] {
    let ends = ends.mapValues(\.highest)
    var digests: [String: [LogDigest]] = [:]
    for region in regions { digests[region] = try await withStore(region) { try await $0.logDigests(upTo: ends) } }
    return digests
  }

  func heldEvents(in region: String) async throws -> EventRanges.Ranges {
    try await withStore(region) { try await $0.heldEvents() }
  }

  func work(of group: String, in region: String) async throws -> (applied: Int64, missing: Int64, twice: Int64) {
    try await withStore(region) { try await $0.work(of: group) }
  }
}

extension StepFailure {
  /// A group cannot be set in a log that lacks what it has applied.
  static func mirrorLags(_ missing: Int64, _ group: String, _ region: String) -> StepFailure {
    StepFailure("\(missing) events that \(group) has applied have not reached \(region): the mirror lags")
  }
}
