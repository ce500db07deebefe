internal import Checks
internal import Events
internal import Lab
internal import Netlink
internal import Stacks
internal import Support
internal import Workload

/// Reads one cluster into a ``KafkaWatch``, from inside the cluster's own region, so that no fault on the wide area blinds it.
/// A broker that is away is waited for: what it did not write meanwhile is not there to be read.
struct KafkaTail: Sendable {
  let watch: KafkaWatch
  let region: SiteRegion
  let cluster: KafkaProperties
  let state: KafkaState
  let timebase: Timebase
  let clock: any Clock<Duration>
  /// Ends the tail, once it has come to the ends of all logs.
  let stop: StopSignal

  private var name: String { region.name }
  private var log: KafkaEventLog { state.log }

  /// How long it may take to come to the ends.
  private static let patience = Duration.seconds(20)

  /// Follows all topics; returns when it was asked to end and has read everything that there was by then.
  ///
  /// - Throws: ``Problem`` (inconclusive) when the ends are not reached in time, or a record is not what it should be.
  func run() async throws {
    let namespace = region.networkNamespace
    let consumer = try await KafkaConsumer(
      cluster, name: "tail-\(name)", group: "blackstart-evidence", reportsEnds: true, networkNamespace: namespace)
    let admin: KafkaAdmin
    do {
      admin = try await KafkaAdmin(cluster, name: "looks-\(name)", networkNamespace: namespace, limit: .seconds(2))
    } catch {
      await consumer.close()
      throw error
    }
    let outcome: Result<Void, any Error>
    do {
      outcome = .success(
        try await withThrowingTaskGroup(of: Void.self) { group in
          group.addTask(name: "looks at \(name)") { try await sample(admin) }
          group.addTask(name: "tail of \(name)") { try await follow(consumer, admin) }
          try await group.waitForAll()
        })
    } catch { outcome = .failure(error) }
    await consumer.close()
    await admin.close()
    try outcome.get()
  }

  private func follow(_ consumer: KafkaConsumer, _ admin: KafkaAdmin) async throws {
    var next: [KafkaPartition: Int64] = [:]
    var assigned: Set<KafkaPartition> = []
    var ends: [KafkaPartition: Int64]?
    var deadline = Int64.max
    while true {
      try Task.checkCancellation()
      do {
        if ends == nil, stop.isRequested {
          deadline = min(deadline, timebase.monotonic() + Self.patience.nanoseconds)
          try await look(admin)
          ends = try await self.ends(admin)
        }
        let known = watch.partitions(of: name)
        if known != assigned {
          try await consumer.assign(
            Dictionary(uniqueKeysWithValues: known.map { ($0, next[$0].map { .offset($0) } ?? begin(of: $0)) }))
          assigned = known
        }
        for reading in try await consumer.read(within: .milliseconds(100), atMost: 2000) {
          switch reading {
          case .end(let partition, let offset): next[partition] = max(offset, next[partition] ?? 0)
          case .message(let message):
            next[message.partition] = message.offset + 1
            try take(message)
          }
        }
      } catch let failure as KafkaFailure where !failure.isFatal {
        // Told once for each connection that breaks; the client goes on by itself.
        try await clock.sleep(for: .milliseconds(100))
      }
      let behind = ends?.filter { (next[$0.key] ?? 0) < $0.value }
      if let behind, behind.isEmpty { return }
      guard timebase.monotonic() <= deadline else {
        let places = (behind ?? [:]).keys.sorted().map(\.description).joined(separator: ", ")
        throw Problem(
          .inconclusive, at: name,
          "the tail of its cluster did not come to the end of \(places.isEmpty ? "its logs" : places) within "
            + Self.patience.brief, fix: "see the broker's log")
      }
    }
  }

  /// Positions of the drill's groups are written while it runs; what others have committed before may be a great deal.
  private func begin(of partition: KafkaPartition) -> KafkaStart {
    if partition.topic == "__consumer_offsets", !state.groupPrefix.isEmpty { return .end }
    return state.beginning(of: partition, in: name)
  }

  private func take(_ message: KafkaMessage) throws {
    do { try watch.take(message, of: name, at: timebase.monotonic()) } catch {
      throw Problem(
        .inconclusive, at: name, "\(message.partition), offset \(message.offset): \(error)",
        fix: "see who else writes to that topic")
    }
  }

  /// Looks once a second for new topics, and at where the logs begin and end.
  private func sample(_ admin: KafkaAdmin) async throws {
    while !stop.isRequested {
      do { try await look(admin) } catch let failure as KafkaFailure where !failure.isFatal {
        // The broker is away: the next look will tell.
      }
      try await clock.sleep(for: .seconds(1))
    }
  }

  private func look(_ admin: KafkaAdmin) async throws {
    let wanted = watch.topics(of: name)
    let topics = try await admin.metadata().topics.filter { wanted.contains($0.key) }
    watch.found(topics.flatMap { topic, partitions in partitions.map { KafkaPartition(topic, $0.number) } }, in: name)
    let ids = try await topicIDs()
    var rows: [LogBoundsRow] = []
    for place in log.places(in: name) {
      guard let count = topics[place.topic]?.count, place.number < count else { continue }
      let marks = try await admin.watermarks(place)
      var row = LogBoundsRow(
        store: name, partition: "\(place)", start: marks.low, end: marks.high, observed: timebase.monotonic())
      row.partitionCount = count
      row.topicID = ids[place.topic]
      rows.append(row)
    }
    watch.take(rows)
  }

  /// The ids of the topics that events stand in.
  private func topicIDs() async throws(KafkaFailure) -> [String: String] {
    if region.address4 == nil {
      let topics = Set(log.places(in: name).map(\.topic)).sorted()
      do {
        let examiner = KafkaExaminer(cluster, networkNamespace: region.networkNamespace, limit: .seconds(2))
        return try await examiner.topicIDs(topics) ?? [:]
      } catch {
        throw KafkaFailure(
          what: "topics' ids", kind: .unreachable, code: 0, name: "NO_ANSWER", text: "\(error)", isRetriable: true)
      }
    }
    guard cluster.values["security.protocol"] == nil, let address = region.address4,
      let bootstrap = cluster.bootstrap.first,
      let colon = bootstrap.lastIndex(of: ":"), let port = UInt16(bootstrap[bootstrap.index(after: colon)...])
    else { return [:] }
    do {
      let topics = Set(log.places(in: name).map(\.topic)).sorted()
      let answer = try await exchangeTCP(
        address, port: port, WireEvidence.requestForTopicIDs(topics, client: "blackstart-ids-\(name)"),
        within: .seconds(2), networkNamespace: region.networkNamespace)
      return try WireEvidence.topicIDs(in: answer)
    } catch {
      throw KafkaFailure(
        what: "topics' ids", kind: .unreachable, code: 0, name: "NO_ANSWER", text: "\(error)", isRetriable: true)
    }
  }

  /// Where each partition that is read ends now.
  private func ends(_ admin: KafkaAdmin) async throws -> [KafkaPartition: Int64] {
    var ends: [KafkaPartition: Int64] = [:]
    for partition in watch.partitions(of: name) { ends[partition] = try await admin.watermarks(partition).high }
    return ends
  }
}
