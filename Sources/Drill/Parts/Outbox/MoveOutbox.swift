internal import Events
internal import Lab
internal import Scenarios
internal import Stacks
internal import Support

/// The verbs of the outbox.
extension StackOperator {
  private func line() throws -> OutboxLine {
    guard let line = run.outbox else { throw StepFailure("the stores have no outbox") }
    return line
  }

  /// Lets the connector read another store. The old one is deleted: what it still had to carry it never will.
  func repointOutbox(_ move: OutboxMove) async throws -> String {
    let line = try line()
    let capture = try line.capture(of: move.to, in: site, snapshot: move.snapshot)
    let connect = try line.connect(in: site, run.clock)
    for name in try await connect.connectors() where name.hasPrefix(OutboxCapture.name(of: "")) && name != capture.name
    {
      try await connect.delete(name)
    }
    let before = try await run.withStore(move.to, in: site) { store in
      var count = 0
      try await store.dumpOutbox { count += $0.count }
      return (rows: count, slot: try await store.outboxSlotIsActive())
    }
    try await run.start(capture, line, site)
    line.source = move.to
    let slot = before.slot == nil ? "there was no slot there, so one was made" : "its slot was there"
    let what =
      "\(capture.name) reads the store of \(move.to) with snapshot \(move.snapshot.rawValue); \(slot); "
      + "\(before.rows) rows of the outbox are older than that"
    try await run.journal.record(
      FactNoted(
        fact: "outbox re-pointed", what: what,
        figures: ["rows": Int64(before.rows), "slot": before.slot == nil ? 0 : 1]))
    return what
  }

  /// Writes to the topic what a store has of the outbox and the topic lacks, each row under its own id.
  ///
  /// What the connector still has on its way is waited for first: it would come a second time.
  func reEmitOutbox(of region: String) async throws -> String {
    let line = try line()
    guard try await run.passBarrier(line, site, within: .seconds(20)) else {
      throw StepFailure("the connector of the outbox carries nothing: what is on its way would come twice")
    }
    let topic = try await run.readOutboxTopic(line, site)
    var carried: Set<String> = []
    var partitions: [UInt32: Int32] = [:]
    for record in topic.records {
      carried.insert(record.row.row)
      partitions[record.row.key] = record.place.number
    }
    let missing = try await run.withStore(region, in: site) { [carried] store in
      var missing: [OutboxEntry] = []
      try await store.dumpOutbox { missing += $0.filter { !carried.contains($0.id) } }
      return missing
    }
    try await write(missing, partitions, line)
    let what = "\(missing.count) rows of \(region)'s outbox were not in the topic, and are now"
    try await run.journal.record(
      FactNoted(fact: "outbox re-emitted", what: what, figures: ["rows": Int64(missing.count)]))
    return what
  }

  private func write(_ rows: [OutboxEntry], _ partitions: [UInt32: Int32], _ line: OutboxLine) async throws {
    let host = try line.host(in: site)
    guard let cluster = host.kafka else { throw StepFailure("there is no cluster in \(line.home)") }
    // A new aggregate goes where the connector would put it: by the hash that Java's clients use.
    let producer = try await KafkaProducer(
      cluster.with("partitioner", "murmur2_random"), name: "re-emit",
      networkNamespace: host.networkNamespace, linger: .zero, deliveryLimit: .seconds(10))
    let outcome: Result<Void, any Error>
    do {
      // One after the other, for an aggregate's order is the log's.
      for row in rows {
        let record = row.record.record(for: OutboxLabSettings.topic, partition: partitions[row.aggregate])
        switch await producer.send(record) {
        case .acknowledged: continue
        case .refused(let failure), .unknown(let failure):
          throw StepFailure("row \(row.id) could not be written: \(failure)")
        }
      }
      outcome = .success(())
    } catch {
      outcome = .failure(error)
    }
    await producer.close()
    try outcome.get()
  }
}
