internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Kafka clusters mirrored by MirrorMaker 2. Mirrors are steered through Connect, positions moved by the mirrors' own records of
/// how offsets correspond, and every result is held against the logs themselves, by the identity of events.
struct KafkaStack: EventStack {
  let run: DrillRun
  let site: Site
  let state: KafkaState

  var log: KafkaEventLog { state.log }

  // MARK: mirrors

  func mirror(_ link: MirrorLink) throws -> (link: KafkaMirrorLink, connect: ConnectClient) {
    guard
      let found = site.mirrorLinks.first(where: {
        $0.source.alias == link.from && $0.target.alias == link.to
      }), let host = site.region(found.worker ?? link.to)
    else { throw StepFailure("there is no mirror from \(link.from) to \(link.to)") }
    if let connect = host.connect { return (found, connect) }
    guard let endpoint = host.connectEndpoint else {
      throw StepFailure("nobody can be told to pause \(link.from) to \(link.to)")
    }
    return (
      found,
      ConnectClient(
        address: endpoint, networkNamespace: host.networkNamespace, limit: .seconds(2), clock: run.clock)
    )
  }

  /// How long connector and tasks may take to follow an order.
  static let orderLimit = Duration.seconds(12)

  /// Pauses what copies records. What carries positions goes on: it only ever moves them forward, and never beyond what has come.
  func pauseMirror(_ link: MirrorLink) async throws -> String {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    try await connect.pause(name)
    return try await connect.waitUntil(name, is: .paused, within: Self.orderLimit).description
  }

  func resumeMirror(_ link: MirrorLink) async throws -> String {
    let (mirror, connect) = try mirror(link)
    let name = mirror.name(.source)
    try await connect.resume(name)
    return try await connect.waitUntil(name, is: .running, within: Self.orderLimit).description
  }

  // MARK: authority

  func isOpen(_ region: String, to token: Int64) async throws -> Bool {
    guard let fence = state.fence else { return true }
    return fence.state(of: region).map { $0.isOpen && $0.token == token } ?? false
  }

  func isClosed(_ region: String) async throws -> Bool {
    guard let fence = state.fence else { return true }
    return fence.state(of: region).map { !$0.isOpen } ?? false
  }

  // MARK: positions

  /// Works on a region's cluster as its administrator, with a client of this call's own. Where a guard stands before it, it carries
  /// the current token.
  func withAdmin<T: Sendable>(_ region: String, _ body: (KafkaAdmin) async throws -> T) async throws -> T {
    let (handle, cluster) = try cluster(of: region)
    let token = handle.behindGuards?.kafka == nil ? nil : run.board.writer?.token
    let properties = token.map { cluster.with(clientID: KafkaProperties.clientID(token: $0)) } ?? cluster
    let admin = try await KafkaAdmin(
      properties, name: "runbook-\(region)", networkNamespace: handle.networkNamespace)
    let result: Result<T, any Error>
    do { result = .success(try await body(admin)) } catch { result = .failure(error) }
    await admin.close()
    return try result.get()
  }

  func cluster(of region: String) throws -> (handle: SiteRegion, cluster: KafkaProperties) {
    guard let handle = site.region(region), let cluster = handle.kafka else {
      throw StepFailure("there is no cluster in \(region)")
    }
    return (handle, cluster)
  }

  func stands(of groups: [String], in region: String) async throws -> [GroupStand] {
    let dump = try await logs(of: [region])[region] ?? DrillRun.KafkaLogDump()
    return try await withAdmin(region) { admin in
      var stands: [GroupStand] = []
      for group in groups {
        let offsets = try await admin.offsets(ofGroup: state.groupID(of: group))
        guard !offsets.isEmpty else { throw StepFailure("\(group) has never committed an offset in \(region)") }
        let read = dump.rows.filter { isRead($0, offsets) }
        let applied = state.applied(by: KafkaState.Group(name: group, store: region))
        stands.append(
          GroupStand(
            region: region,
            position: GroupPosition(
              group: group, ordinal: Int64(read.count), last: Self.newest(of: read),
              applied: EventRanges.ranges(applied.keys)),
            offsets: KafkaGroupOffsets(group: group, offsets)))
      }
      return stands
    }
  }

  private func isRead(_ row: KafkaEventLog.Row, _ offsets: [KafkaPartition: Int64]) -> Bool {
    row.offset < offsets[row.partition] ?? 0
  }

  func place(_ stand: GroupStand, in region: String) async throws -> ImportedPosition {
    let group = stand.position.group
    guard let offsets = stand.offsets else { throw StepFailure("the export has no offsets of \(group)") }
    let dump = try await logs(of: [region])[region] ?? DrillRun.KafkaLogDump()
    let held = Set(dump.rows.map(\.id))
    let lacking = stand.position.count - min(stand.position.count, UInt64(held.count { stand.position.hasApplied($0) }))
    guard lacking == 0 else { throw StepFailure.mirrorLags(Int64(clamping: lacking), group, region) }
    let translated = try await translate(offsets, from: stand.region, to: region)
    // Whatever the mirror says of offsets: an event that stands before the new place and was not applied would be skipped.
    let read = dump.rows.filter { isRead($0, translated) }
    let skipped = read.filter { !stand.position.hasApplied($0.id) }
    guard skipped.isEmpty else {
      throw StepFailure(
        "\(group) would skip \(skipped.count) events in \(region), the first \(skipped.first.map { "\($0.id)" } ?? "")")
    }
    try await withAdmin(region) { admin in
      try await admin.setOffsets(ofGroup: state.groupID(of: group), translated)
      let found = try await admin.offsets(ofGroup: state.groupID(of: group))
      guard translated.allSatisfy({ found[$0.key] == $0.value }) else {
        throw StepFailure("the coordinator of \(region) has other offsets of \(group) than it was given")
      }
    }
    state.carry(group, from: stand.region, to: region)
    let again = dump.rows.count { !isRead($0, translated) && stand.position.hasApplied($0.id) }
    return ImportedPosition(ordinal: Int64(read.count), last: Self.newest(of: read), again: Int64(again))
  }

  /// The newest event, by the producers' clocks, for people to read: between partitions there is no other order.
  private static func newest(of rows: [KafkaEventLog.Row]) -> EventID? {
    rows.max { ($0.timestamp ?? .min, $0.partition, $0.offset) < ($1.timestamp ?? .min, $1.partition, $1.offset) }?.id
  }

  func work(of group: String, in region: String) async throws -> (applied: Int64, missing: Int64, twice: Int64) {
    let dump = try await logs(of: [region])[region] ?? DrillRun.KafkaLogDump()
    let applied = state.applied(by: KafkaState.Group(name: group, store: region))
    let missing = Set(dump.rows.map(\.id)).count { applied[$0] == nil }
    return (Int64(applied.count), Int64(missing), Int64(applied.values.reduce(0) { $0 + $1 - 1 }))
  }

  // MARK: comparison

  private func logs(of regions: [String]) async throws -> [String: DrillRun.KafkaLogDump] {
    var logs: [String: DrillRun.KafkaLogDump] = [:]
    for region in regions {
      var dump = try await run.readKafkaLog(of: cluster(of: region).handle, log)
      dump.rows.sort { ($0.partition, $0.offset) < ($1.partition, $1.offset) }
      logs[region] = dump
    }
    return logs
  }

  func ends(of regions: [String]) async throws -> [String: LogEnd] {
    try await logs(of: regions).reduce(into: [:]) { ends, entry in
      ends[entry.key] = Self.end(of: entry.key, in: entry.value.rows)
    }
  }

  /// Where the events of an origin end in its own log. Pure.
  static func end(of origin: String, in rows: [KafkaEventLog.Row]) -> LogEnd {
    let own = rows.filter { $0.origin == origin }
    return LogEnd(Dictionary(own.map { ($0.partition.number, $0.offset) }, uniquingKeysWith: max))
  }

  /// By origin and partition. Which events count is told by the origin's own log; in the others they are found by identity.
  func digests(of regions: [String], upTo ends: [String: LogEnd]) async throws -> [String: [LogDigest]] {
    let logs = try await logs(of: regions)
    var wanted: [String: Set<EventID>] = [:]
    for (origin, end) in ends {
      wanted[origin] = Set(
        (logs[origin]?.rows ?? []).filter { $0.origin == origin && end.covers($0.offset, in: $0.partition.number) }
          .map(\.id))
    }
    return logs.reduce(into: [:]) { digests, entry in
      digests[entry.key] = Self.digests(entry.value.rows, of: wanted)
    }
  }

  /// Digests of the wanted events of a log, copies and all, whatever their order: a mirror keeps to the partitions of its source.
  /// Pure.
  static func digests(_ rows: [KafkaEventLog.Row], of wanted: [String: Set<EventID>]) -> [LogDigest] {
    struct Part: Hashable {
      var origin: String
      var partition: Int64
    }
    let parts = Dictionary(
      grouping: rows.filter { wanted[$0.origin]?.contains($0.id) ?? false },
      by: { Part(origin: $0.origin, partition: Int64($0.partition.number)) })
    return parts.map { part, rows in
      let lines = rows.map { "\($0.id) \($0.keySequence) \($0.checksum)\n" }.sorted()
      return LogDigest(
        origin: part.origin, bucket: part.partition, count: Int64(rows.count),
        digest: sha256(Array(lines.joined().utf8)))
    }.sorted { ($0.origin, $0.bucket) < ($1.origin, $1.bucket) }
  }

  func heldEvents(in region: String) async throws -> EventRanges.Ranges {
    EventRanges.ranges(try await logs(of: [region])[region]?.rows.map(\.id) ?? [])
  }
}
