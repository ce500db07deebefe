internal import Events
internal import Stacks
internal import Workload

/// How the events of a drill stand in Kafka: in which topic and partition, under which headers, and how a store's own order is
/// told where its log has several partitions. Pure.
///
/// A store is a region's cluster: its own topic, and the topics that mirror those of the other stores. An aggregate keeps to one
/// partition, so its order is the partition's; between partitions there is none, and positions in them only tell places apart.
struct KafkaEventLog: Sendable, Hashable {
  /// The topic that producers write to, in whichever cluster has write authority.
  var topic: String
  /// Its partitions, the same number everywhere.
  var partitions: Int
  /// The regions with clusters.
  var stores: [String]
  /// How mirrored topics are called.
  var policy: MirrorPolicy = .standard

  /// One event as a record has it.
  struct Row: Sendable, Hashable {
    var id: EventID
    var key: UInt32
    var keySequence: UInt64
    var token: Int64
    /// The region whose cluster took it first.
    var origin: String
    /// The place in this store's log.
    var position: Int64
    /// Of the payload as it stands there.
    var checksum: UInt64
    /// Milliseconds since 1970, by the producer's clock.
    var timestamp: Int64?
  }

  /// Headers: identity, aggregate, place in the aggregate, fencing token, cause.
  private enum Header {
    static let id = "bs-id"
    static let key = "bs-key"
    static let keySequence = "bs-seq"
    static let token = "bs-token"
    static let cause = "bs-cause"
  }

  /// The topic in `store` that has the events which `origin` took first.
  func topic(of origin: String, in store: String) -> String {
    origin == store ? topic : policy.name(of: topic, from: origin)
  }

  /// All partitions of a store's log.
  func places(in store: String) -> [KafkaPartition] {
    stores.flatMap { origin in
      (0..<partitions).map { KafkaPartition(topic(of: origin, in: store), Int32($0)) }
    }
  }

  /// The place of an offset in a store's log: rising in each partition, and no place is given twice.
  ///
  /// - Returns: `nil` for a partition that is none of this log's.
  func position(_ partition: KafkaPartition, _ offset: Int64, in store: String) -> Int64? {
    guard let slot = places(in: store).firstIndex(of: partition) else { return nil }
    return offset * Int64(stores.count * partitions) + Int64(slot)
  }

  /// The partition and offset of a place in a store's log.
  func place(_ position: Int64, in store: String) -> (partition: KafkaPartition, offset: Int64)? {
    let all = places(in: store)
    guard position >= 0, !all.isEmpty else { return nil }
    let count = Int64(all.count)
    return (all[Int(position % count)], position / count)
  }

  /// The event as a record for the cluster that is written to.
  func record(_ event: Workload.NewEvent, token: Int64) -> KafkaRecord {
    var headers = [
      KafkaHeader(Header.id, "\(event.id)"), KafkaHeader(Header.key, "\(event.key)"),
      KafkaHeader(Header.keySequence, "\(event.keySequence)"), KafkaHeader(Header.token, "\(token)"),
    ]
    if let cause = event.causation { headers.append(KafkaHeader(Header.cause, "\(cause)")) }
    return KafkaRecord(
      topic: topic, partition: Int32(event.key % UInt32(partitions)), key: Array("\(event.key)".utf8),
      value: event.payload, headers: headers, timestampMilliseconds: event.wall / 1_000_000)
  }

  /// The event in a record of `store`.
  ///
  /// - Returns: `nil` for a record without our identity, which somebody else wrote.
  func row(_ message: KafkaMessage, in store: String) -> Row? {
    func text(_ name: String) -> String? { message.header(name).map { String(decoding: $0, as: UTF8.self) } }
    guard let id = text(Header.id).flatMap({ EventID($0) }), let key = text(Header.key).flatMap({ UInt32($0) }),
      let keySequence = text(Header.keySequence).flatMap({ UInt64($0) }),
      let token = text(Header.token).flatMap({ Int64($0) }),
      let origin = stores.first(where: { topic(of: $0, in: store) == message.partition.topic }),
      let position = position(message.partition, message.offset, in: store)
    else { return nil }
    return Row(
      id: id, key: key, keySequence: keySequence, token: token, origin: origin, position: position,
      checksum: payloadChecksum(message.value ?? []), timestamp: message.timestampMilliseconds)
  }
}
