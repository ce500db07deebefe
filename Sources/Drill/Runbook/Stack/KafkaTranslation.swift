internal import KafkaWire
internal import Lab
internal import Netlink
internal import Stacks
internal import Support

/// Offsets of one cluster told in another one's, by what the mirrors have written down.
extension KafkaStack {
  /// How long a mirror may take to write down where a group has come to, once it has caught up.
  private static let checkpointLimit = Duration.seconds(5)

  /// Translates a group's offsets.
  ///
  /// In a topic of `source` itself the group's *checkpoint* says where it is in `target`. A topic that `source` mirrors from
  /// `target` has none, for MirrorMaker translates in the direction of its records only; there the *sync points* of that mirror
  /// are read backwards.
  ///
  /// A mirror whose checkpoint task began anew has no translation for a group that stands far behind its newest sync point, and writes
  /// no checkpoint of it any more. Then its last earlier checkpoint counts: nothing is skipped, and some events come again.
  ///
  /// - Throws: ``StepFailure`` where the mirror has written nothing that covers an offset.
  func translate(
    _ offsets: KafkaGroupOffsets, from source: String, to target: String
  ) async throws -> [KafkaPartition: Int64] {
    var translated: [KafkaPartition: Int64] = [:]
    let deadline = run.timebase.monotonic() + Self.checkpointLimit.nanoseconds
    for (partition, offset) in offsets.offsets.sorted(by: { $0.key < $1.key }) {
      if partition.topic == log.topic(of: source, in: source) {
        let place = KafkaPartition(log.topic(of: source, in: target), partition.number)
        translated[place] = try await checkpoint(
          of: offsets.group, at: offset, place, from: source, to: target, until: deadline)
      } else if partition.topic == log.topic(of: target, in: source) {
        let place = KafkaPartition(log.topic, partition.number)
        let points = try await syncPoints(of: place, from: target, to: source)
        translated[place] = SyncPoints(points).upstream(of: offset)
      }
      // The positions in other topics are not the drill's.
    }
    return translated
  }

  /// Where the mirror says that a group is: at `offset`, if it comes to take note of that in time, else at the last place before it.
  private func checkpoint(
    of group: String, at offset: Int64, _ place: KafkaPartition, from source: String, to target: String,
    until end: Int64
  ) async throws -> Int64 {
    while true {
      let newest = try await checkpoints(from: source, in: target).last {
        $0.group == group && $0.topic == place.topic && $0.partition == place.number
      }
      if let newest, newest.upstream == offset { return newest.downstream }
      guard run.timebase.monotonic() < end else {
        if let newest, newest.upstream < offset { return newest.downstream }
        let seen = newest.map { "the newest is of \($0.upstream)" } ?? "there is none"
        throw StepFailure(
          "no checkpoint of \(group) up to \(offset) of \(place.number) in \(source) came to \(target) within \(Self.checkpointLimit.text) "
            + "(\(seen)): see that \(source)-to-\(target)-checkpoint runs")
      }
      try await run.clock.sleep(for: .milliseconds(250))
    }
  }

  /// All checkpoints of the mirror from `source` in `target`, oldest first.
  private func checkpoints(from source: String, in target: String) async throws -> [CheckpointRecord] {
    try await records(of: "\(source).checkpoints.internal", in: target).compactMap { message in
      try CheckpointRecord(key: message.key?[...], value: message.value?[...])
    }
  }

  /// The sync points of one partition of the mirror from `source` to `target`, oldest first; they are kept at the source.
  private func syncPoints(
    of place: KafkaPartition, from source: String, to target: String
  ) async throws -> [OffsetSyncRecord] {
    try await records(of: "mm2-offset-syncs.\(target).internal", in: source).compactMap { message in
      try OffsetSyncRecord(key: message.key?[...], value: message.value?[...])
    }.filter { $0.topic == place.topic && $0.partition == place.number }
  }

  /// A topic of one partition, to its end; none where it does not exist yet.
  private func records(of topic: String, in region: String) async throws -> [KafkaMessage] {
    let (handle, cluster) = try cluster(of: region)
    let exists = try await withAdmin(region) { try await $0.metadata().topics[topic] != nil }
    guard exists else { return [] }
    let consumer = try await KafkaConsumer(
      cluster, name: "runbook-\(region)", group: "blackstart-runbook", reportsEnds: true,
      networkNamespace: handle.networkNamespace)
    let result: Result<[KafkaMessage], any Error>
    do {
      try await consumer.assign([KafkaPartition(topic, 0): .beginning])
      result = .success(
        try await withDeadline(.seconds(5), clock: run.clock, "the end of \(topic) in \(region)") {
          var found: [KafkaMessage] = []
          while true {
            try Task.checkCancellation()
            for reading in try await consumer.read(within: .milliseconds(200), atMost: 5000) {
              switch reading {
              case .message(let message): found.append(message)
              case .end: return found
              }
            }
          }
        })
    } catch { result = .failure(error) }
    await consumer.close()
    return try result.get()
  }
}

/// The sync points of one partition, to be read against the direction of the mirror. Pure.
struct SyncPoints: Sendable, Hashable {
  /// Those that still count, rising at both ends.
  private(set) var points: [OffsetSyncRecord] = []

  /// The points in the order in which they were written. One that goes back at the source makes those before it void, as for
  /// MirrorMaker itself: the topic was made anew, or the mirror was set back.
  init(_ records: [OffsetSyncRecord]) {
    for record in records where record.downstream >= 0 {
      if let last = points.last, record.upstream < last.upstream || record.downstream < last.downstream { points = [] }
      if points.last != record { points.append(record) }
    }
  }

  /// The first offset at the source that whoever reads next at `downstream` in the target may not have read: exact at a point, and
  /// right behind the point otherwise. Without a point before it, that is the beginning.
  func upstream(of downstream: Int64) -> Int64 {
    guard let point = points.last(where: { $0.downstream <= downstream }) else { return 0 }
    return point.downstream == downstream ? point.upstream : point.upstream + 1
  }
}
