internal import Events
internal import Lab
internal import Netlink
internal import Scenarios
internal import Stacks
internal import Support

/// Ground truth of a stack with Kafka: the clusters' logs to their ends, by readers in the clusters' own regions, with what the logs
/// have let go of since it was read.
extension DrillRun {
  /// A store's log, and where its partitions end for a reader.
  struct KafkaLogDump: Sendable {
    var rows: [KafkaEventLog.Row] = []
    /// How many of them no log has any more.
    var gone = 0
    /// Of each partition, the offset that a reader would get next.
    var ends: [KafkaPartition: Int64] = [:]
    /// Records without an identity of ours.
    var foreign = 0

    /// For comparing two looks at the same log.
    var digest: String {
      var text = ""
      for row in rows { text += "\(row.partition) \(row.offset) \(row.id) \(row.token) \(row.checksum)\n" }
      return "\(rows.count) events, digest \(sha256(Array(text.utf8)).prefix(16))"
    }
  }

  /// A store's whole log: what a reader who waits for transactions sees of it, and what its tail has seen of it before.
  ///
  /// - Throws: as ``readKafkaLog(of:_:)``.
  func wholeKafkaLog(of region: SiteRegion, _ kafka: KafkaState) async throws -> KafkaLogDump {
    var dump = try await readKafkaLog(of: region, kafka.log)
    let gone = kafka.seen(in: region.name).subtracting(dump.rows)
    dump.gone = gone.count
    dump.rows += gone
    dump.rows.sort { ($0.partition, $0.offset, $0.id) < ($1.partition, $1.offset, $1.id) }
    return dump
  }

  /// Reads a store's log to its end, as a reader who waits for transactions sees it.
  ///
  /// - Throws: ``Problem`` (inconclusive) when its end is not reached in time.
  func readKafkaLog(of region: SiteRegion, _ log: KafkaEventLog) async throws -> KafkaLogDump {
    guard let cluster = region.kafka else { throw Problem(.inconclusive, at: region.name, "there is no cluster") }
    let places = log.places(in: region.name)
    let begun = try await newestOffsets(of: places, in: region, cluster)
    let consumer = try await KafkaConsumer(
      cluster, name: "dump-\(region.name)", group: "blackstart-dump", reportsEnds: true,
      networkNamespace: region.networkNamespace)
    let outcome: Result<KafkaLogDump, any Error>
    do {
      try await consumer.assign(
        Dictionary(uniqueKeysWithValues: places.map { ($0, kafka?.beginning(of: $0, in: region.name) ?? .beginning) }))
      outcome = .success(
        try await withDeadline(.seconds(20), clock: clock, "dump of \(region.name)'s log") {
          var dump = KafkaLogDump()
          while dump.ends.count < places.count {
            try Task.checkCancellation()
            for reading in try await consumer.read(within: .milliseconds(200), atMost: 5000) {
              switch reading {
              case .end(let partition, let offset): dump.ends[partition] = offset
              case .message(let message):
                // Where records keep coming, the end is never reached; what was there at the beginning is enough.
                if message.offset >= begun[message.partition] ?? .max {
                  dump.ends[message.partition] = message.offset + 1
                }
                if let row = log.row(message, in: region.name) { dump.rows.append(row) } else { dump.foreign += 1 }
              }
            }
          }
          return dump
        })
    } catch {
      outcome = .failure(
        Problem(
          .inconclusive, at: region.name, "its cluster's log could not be dumped at quiescence: \(error)",
          fix: "see the broker's log in \(request.directory.logs)"))
    }
    await consumer.close()
    return try outcome.get()
  }

  /// The offset of the newest record, or marker, of each partition; none for an empty one, and for one that a mirror has not made.
  private func newestOffsets(
    of places: [KafkaPartition], in region: SiteRegion, _ cluster: KafkaProperties
  ) async throws -> [KafkaPartition: Int64] {
    let admin = try await KafkaAdmin(
      cluster, name: "ends-\(region.name)", networkNamespace: region.networkNamespace)
    var newest: [KafkaPartition: Int64] = [:]
    for place in places {
      do throws(KafkaFailure) {
        let high = try await admin.watermarks(place).high
        if high > 0 { newest[place] = high - 1 }
      } catch  where error.kind != .notFound {
        await admin.close()
        throw error.problem(.inconclusive, at: region.name)
      } catch {}
    }
    await admin.close()
    return newest
  }

  /// Dumps the clusters' logs, and what the consumer groups have made of them.
  func dumpKafkaTruth(_ site: Site, _ state: KafkaState) async throws {
    let log = state.log
    var dumps: [String: KafkaLogDump] = [:]
    for region in site.regions where region.kafka != nil {
      dumps[region.name] = try await wholeKafkaLog(of: region, state)
    }
    // Where an event stood first: the place by which its order among the events of its origin is told in every store.
    var firstPlaces: [String: [EventID: Int64]] = [:]
    for (store, dump) in dumps {
      for row in dump.rows where row.origin == store {
        let known = firstPlaces[store]?[row.id] ?? .max
        firstPlaces[store, default: [:]][row.id] = min(known, row.offset)
      }
    }
    for region in site.regions {
      guard let dump = dumps[region.name] else { continue }
      let rows = dump.rows.map { row in
        LogRow(
          store: region.name, partition: "\(row.partition)", position: row.offset, event: row.id, origin: row.origin,
          originSequence: firstPlaces[row.origin]?[row.id] ?? row.offset, key: row.key, keySequence: row.keySequence,
          token: row.token, checksum: row.checksum, arrived: row.timestamp.map { timestamp($0 * 1_000_000) })
      }
      var aside = dump.gone == 0 ? "" : "; \(dump.gone) of them were read before the log let go of them"
      if dump.foreign > 0 {
        aside += "; \(dump.foreign) records without an identity of ours left out"
        try await journal.record(
          FactNoted(
            fact: "records of others",
            what: "\(dump.foreign) in \(region.name)'s log are not this drill's: counted, and judged by no item",
            figures: ["\(region.name) records": Int64(dump.foreign)]))
      }
      try await write(
        rows, store: region.name,
        source: "Kafka, committed records of \(log.places(in: region.name).count) partitions\(aside)",
        as: "log")
      try await dumpGroups(of: region, dump, state)
    }
  }

  /// What kept writers out of a region's cluster, and where its log stood at each change.
  func dumpFences(_ fence: KafkaFence, of region: String) async throws {
    let entries = fence.changes(of: region).map { change in
      FenceEntry(
        store: region, token: change.token, mode: change.isOpen ? .readWrite : .readOnly, holder: change.holder,
        // There is no one order of all partitions: each has its own barrier.
        barrierPosition: -1, barrierOriginSequence: -1,
        partitionBarriers: Dictionary(uniqueKeysWithValues: change.barriers.map { ("\($0)", $1) }),
        at: timestamp(change.wall), observed: change.observed)
    }
    try await write(
      entries, store: region, source: "access rules and producer epochs of the cluster, as they were set", as: "fence")
  }

  private func dumpGroups(of region: SiteRegion, _ dump: KafkaLogDump, _ state: KafkaState) async throws {
    guard let cluster = region.kafka else { return }
    let groups = groups(reading: region.name)
    var applied: [AppliedRow] = []
    var progress: [ProgressRow] = []
    let admin = try await KafkaAdmin(
      cluster, name: "dump-\(region.name)", networkNamespace: region.networkNamespace)
    for group in groups {
      let effects = state.applied(by: KafkaState.Group(name: group, store: region.name))
      applied += effects.sorted { $0.key < $1.key }.map {
        AppliedRow(group: group, store: region.name, event: $0.key, times: $0.value)
      }
      let offsets: [KafkaPartition: Int64]
      do throws(KafkaFailure) { offsets = try await admin.offsets(ofGroup: state.groupID(of: group)) } catch {
        await admin.close()
        throw error.problem(.inconclusive, at: region.name)
      }
      // In each partition a group is at the last event before what it would be given next.
      for (partition, rows) in Dictionary(grouping: dump.rows, by: \.partition).sorted(by: { $0.key < $1.key }) {
        let read = rows.filter { $0.offset < offsets[partition] ?? 0 }.map(\.offset).max()
        progress.append(
          ProgressRow(group: group, store: region.name, partition: "\(partition)", position: read ?? -1))
      }
    }
    await admin.close()
    try await write(
      applied, store: region.name, source: "the projections of the drill's own consumers", as: "applied")
    try await write(progress, store: region.name, source: "the groups' coordinator", as: "progress")
  }
}
