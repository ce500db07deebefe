internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support
internal import Synchronization
internal import Workload

/// Ground truth of an outbox: what the stores have of it, and what its topic has.
extension DrillRun {
  /// What the topic has: records with a row's id and our identity, and how many others.
  struct OutboxTopicDump: Sendable {
    /// A record and its place.
    struct Record: Sendable {
      var place: KafkaPartition
      var offset: Int64
      var timestamp: Int64?
      var row: OutboxRecord
    }

    var records: [Record] = []
    var foreign = 0
  }

  /// Reads the topic to its end, as a reader who waits for transactions sees it.
  ///
  /// - Throws: ``Problem`` (inconclusive) when its end is not reached in time.
  func readOutboxTopic(_ line: OutboxLine, _ site: Site) async throws -> OutboxTopicDump {
    let host = try line.host(in: site)
    guard let cluster = host.kafka else { throw Problem(.inconclusive, at: line.home, "there is no cluster") }
    let places = line.places
    let consumer = try await KafkaConsumer(
      cluster, name: "outbox", group: "blackstart-outbox", reportsEnds: true,
      networkNamespace: host.networkNamespace)
    let outcome: Result<OutboxTopicDump, any Error>
    do {
      try await consumer.assign(Dictionary(uniqueKeysWithValues: places.map { ($0, .beginning) }))
      outcome = .success(
        try await withDeadline(.seconds(20), clock: clock, "dump of \(OutboxLabSettings.topic)") {
          var dump = OutboxTopicDump()
          var ended: Set<KafkaPartition> = []
          while ended.count < places.count {
            try Task.checkCancellation()
            for reading in try await consumer.read(within: .milliseconds(200), atMost: 5000) {
              switch reading {
              case .end(let partition, _): ended.insert(partition)
              case .message(let message):
                if let row = OutboxRecord(message) {
                  dump.records.append(
                    .init(
                      place: message.partition, offset: message.offset, timestamp: message.timestampMilliseconds,
                      row: row))
                } else {
                  dump.foreign += 1
                }
              }
            }
          }
          return dump
        })
    } catch {
      outcome = .failure(
        Problem(
          .inconclusive, at: line.home, "the outbox's topic could not be dumped: \(error)",
          fix: "see the broker's log in \(request.directory.logs)"))
    }
    await consumer.close()
    return try outcome.get()
  }

  /// Waits until what was written has been carried, as far as the line still carries anything.
  func settleOutbox(_ site: Site) async throws {
    guard let outbox else { return }
    let begun = timebase.monotonic()
    let name = "the outbox carried to its end"
    if try await passBarrier(outbox, site, within: .seconds(20)) {
      try await journal.record(ConditionMet(condition: name, took: timebase.monotonic() - begun))
    } else {
      try await journal.record(
        ConditionMissed(condition: name, state: "a barrier in \(outbox.source)'s outbox did not come out"))
    }
  }

  /// Dumps the outbox of every store, and its topic.
  func dumpOutboxTruth(_ site: Site, _ line: OutboxLine) async throws {
    for region in site.regions where region.store != nil {
      let rows = try await withStore(region.name, in: site) { store in
        var rows: [OutboxRow] = []
        try await store.dumpOutbox { page in
          rows += page.map {
            OutboxRow(
              store: region.name, row: $0.id, event: $0.event, origin: $0.origin, originSequence: $0.originSequence,
              key: $0.aggregate, keySequence: $0.aggregateSequence, checksum: $0.checksum, isKept: $0.isKept)
          }
        }
        return rows
      }
      try await write(
        rows, store: region.name, source: "es.events with es.outbox, one snapshot", as: DumpKind.outbox.rawValue)
    }
    let topic = try await readOutboxTopic(line, site)
    let carried = topic.records.map { record in
      CarriedRow(
        store: line.home, partition: "\(record.place)", offset: record.offset, row: record.row.row,
        event: record.row.event, key: record.row.key, keySequence: record.row.keySequence,
        checksum: payloadChecksum(record.row.payload), timestamp: record.timestamp)
    }
    let aside = topic.foreign == 0 ? "" : "; \(topic.foreign) records without a row's id left out"
    try await write(
      carried, store: line.home, source: "Kafka, committed records of \(OutboxLabSettings.topic)\(aside)",
      as: DumpKind.carried.rawValue)
    guard let reader = line.reader.withLock({ $0 }) else { return }
    let applied = reader.applied.sorted { $0.key < $1.key }.map {
      AppliedRow(group: OutboxReader.group, store: OutboxLabSettings.topic, event: $0.key, times: $0.value)
    }
    try await write(
      applied, store: OutboxLabSettings.topic,
      source: "the projection of the topic's consumer, which refused \(reader.refused) rows that came again",
      as: DumpKind.applied.rawValue)
  }
}
